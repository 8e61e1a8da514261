"""`chaos gameday heal`: by hand, idempotent, and under the same rules."""

import threading

import pytest
from click.testing import CliRunner

from chaosext import run
from chaosext.cli import gameday
from chaosext.kubernetes import lease as lease_module
from chaosext.kubernetes.actions import apply_manifest
from chaosext.kubernetes.cluster import Cluster
from chaosext.kubernetes.lease import Lease
from chaosext.kubernetes.probes import manifest_is_live


def heal(*words: str):
    return CliRunner().invoke(gameday, ["heal", "--manifest", "app.yaml", *words])


def test_what_a_dead_run_left_is_found_and_healed_and_a_second_time_there_is_nothing(
    cluster, namespace, shop, monkeypatch
):
    monkeypatch.setattr(lease_module, "DURATION_SECONDS", 1)
    Lease(Cluster(), namespace, "run-1", "payment").acquire()
    created = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "leak", "namespace": namespace}}
    created["metadata"]["labels"] = {"chaos.run-id": "run-of-last-week"}
    Cluster().apply(created)
    apply_manifest("fault.yaml")
    done = heal()
    assert done.exit_code == 0, done.output
    assert "found: configmap/leak: a run created it" in done.output
    assert "found: deployment/payment: spec.template.spec.containers" in done.output
    assert "healed in " in done.output
    assert manifest_is_live("app.yaml") is True
    again = heal()
    assert (again.exit_code, again.output.splitlines()[-1].partition("; ")[2]) == (
        0,
        "0 differences were found",
    )


@pytest.fixture
def alive(namespace, shop):
    """A run that is alive until the event is set, and its fault."""
    lease, ended = Lease(Cluster(), namespace, "run-1", "payment"), threading.Event()
    lease.acquire()

    def renew():
        while not ended.wait(0.2):
            lease.renew()
        lease.release()

    thread = threading.Thread(target=renew)
    thread.start()
    apply_manifest("fault.yaml")
    yield ended
    ended.set()
    thread.join()


def test_a_run_that_is_alive_is_left_alone_unless_forced(alive):
    for words in ([], ["--wait", "1"]):
        done = heal(*words)
        assert done.exit_code == 2
        assert "chaos heal: refused: run run-1 of experiment payment" in done.output
        assert "--force takes the Lease from it" in done.output
        assert manifest_is_live("app.yaml") is False
    alive.set()
    assert heal("--force").exit_code == 0
    assert manifest_is_live("app.yaml") is True


def test_a_run_that_ends_in_time_is_waited_for(alive):
    threading.Timer(2, alive.set).start()
    done = heal("--wait", "60")
    assert done.exit_code == 0, done.output
    assert manifest_is_live("app.yaml") is True


def test_a_namespace_that_did_not_opt_in_is_refused(cluster, namespace, shop):
    cluster.kubectl("label", "namespace", namespace, "chaos.enabled-")
    done = heal()
    assert done.exit_code == 2
    assert "chaos.enabled=true" in done.output
    assert done.output.count("\n") == 1


def test_what_cannot_be_healed_is_said(shop):
    path = shop / "app.yaml"
    path.write_text(path.read_text().replace("replicas: 2", "replicas: -2"))
    run.begin()
    done = heal()
    assert done.exit_code == 1, done.output
    assert "left: " in done.output
    assert "NOT healed" in done.output
