"""How it starts, what it keeps private, and what it reports."""

import asyncio
import logging
import stat
import time

import pytest

from lab.kept import stop_all
from lab.kube.controllers import start_all
from lab.kube.events import record
from lab.kube.pki import make_certificates
from lab.kube.server import KubeSettings, serve
from lab.kube.store import Store


def test_keys_are_private_and_a_taken_port_is_an_error(cluster, tmp_path):
    ca, certificate, key = make_certificates(tmp_path / "pki")
    for path in (ca, certificate, key, cluster.kubeconfig):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    port = int(cluster.server.rpartition(":")[2])
    settings = KubeSettings("127.0.0.1", port, certificate, key, "t", cluster.logs)

    async def start():
        with pytest.raises(OSError, match="address already in use"):
            await serve(cluster.store, settings)

    asyncio.run_coroutine_threadsafe(start(), cluster.loop).result(5)


def test_a_controller_that_dies_is_told_and_started_again(caplog):
    # No API writes such an owner; each controller of owned pods stumbles over it when it begins.
    metadata = {"namespace": "default", "name": "odd", "ownerReferences": [{"controller": True, "uid": "1"}]}
    pod = {"spec": {"containers": [{"name": "main", "image": "redis:7"}]}}
    replica_set = {
        "metadata": {"namespace": "default", "name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, **pod},
        },
    }

    async def run():
        store = Store()
        store._objects["pods"]["default", "odd"] = {"metadata": metadata}
        kept = {one.name: one for one in start_all(store)}
        dead = kept["replicaset controller"]
        store.create("replicasets", replica_set)
        await _until(lambda: dead.restarts and not dead.ready)
        assert dead.reason == "failed: KeyError: 'kind'"
        assert not store.find("replicasets", "default", "web").get("status", {}).get("replicas")
        assert kept["serviceaccount controller"].ready
        del store._objects["pods"]["default", "odd"]
        await _until(lambda: store.get("replicasets", "default", "web").get("status", {}).get("replicas") == 1)
        assert dead.ready
        assert dead.restarts
        await stop_all(kept.values())

    with caplog.at_level(logging.ERROR):
        asyncio.run(run())
    assert "replicaset controller failed: KeyError: 'kind'; it is started again in 0.5 s" in caplog.text


async def _until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)


def test_events_count_up():
    store = Store()
    namespace = store.get("namespaces", None, "default")
    for _ in range(3):
        record(store, namespace, "Reason", "It happened", component="test")
    assert [one["count"] for one in store.list("events")] == [3]
