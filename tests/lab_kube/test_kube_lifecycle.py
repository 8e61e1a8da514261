"""How it starts, what it keeps private, and what it reports."""

import asyncio
import logging
import stat

import pytest

from lab.kube import controllers
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


def test_the_death_of_a_controller_is_reported(monkeypatch, caplog):
    async def die(_store):
        raise RuntimeError("broken")

    async def run():
        monkeypatch.setattr(controllers.scheduler, "run", die)
        tasks = start_all(Store())
        await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    with caplog.at_level(logging.ERROR):
        asyncio.run(run())
    assert "the scheduler controller has ended" in caplog.text
    assert len(caplog.records) == 1


def test_events_count_up():
    store = Store()
    namespace = store.get("namespaces", None, "default")
    for _ in range(3):
        record(store, namespace, "Reason", "It happened", component="test")
    assert [one["count"] for one in store.list("events")] == [3]
