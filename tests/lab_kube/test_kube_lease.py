"""The Lease of a namespace: one run at a time, only the holder writes, and a healer takes it first."""

import itertools
import threading

import pytest

from chaosext import run
from chaosext.errors import Refused
from chaosext.kubernetes import lease as lease_module
from chaosext.kubernetes.cluster import Cluster
from chaosext.kubernetes.lease import LEASE_NAME, Lease


@pytest.fixture
def lease_of(cluster, namespace, monkeypatch):
    """A function that returns somebody's Lease of the test's namespace, by a client of their own."""
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    # What takes seconds between machines is waited for in tests without any loss.
    monkeypatch.setattr(lease_module, "DURATION_SECONDS", 1)
    monkeypatch.setattr(lease_module, "_LOOK_SECONDS", 0.05)
    run._current = None

    def make(holder: str) -> Lease:
        return Lease(Cluster(), namespace, holder, "payment")

    yield make
    run._current = None


@pytest.fixture
def live(cluster, namespace):
    return lambda: cluster.get("lease", LEASE_NAME, "-n", namespace)


def keep_renewing(lease: Lease, ended: threading.Event) -> threading.Thread:
    def renew():
        while not ended.wait(0.1):
            lease.renew()

    thread = threading.Thread(target=renew)
    thread.start()
    return thread


def test_a_lease_is_taken_renewed_and_released(lease_of, live):
    mine = lease_of("run-1")
    assert mine.acquire() is None
    spec = live()["spec"]
    assert (spec["holderIdentity"], spec["leaseTransitions"]) == ("run-1", 0)
    assert live()["metadata"]["annotations"]["chaos.experiment"] == "payment"
    mine.renew()
    mine.check()
    assert live()["spec"]["renewTime"] > spec["renewTime"]
    assert live()["spec"]["acquireTime"] == spec["acquireTime"]
    mine.release()
    assert not live()["spec"].get("holderIdentity")
    assert lease_of("run-2").acquire() is None
    assert live()["spec"]["leaseTransitions"] == 1


def test_a_second_run_is_told_who_runs_since_when_and_changes_nothing(lease_of, live):
    first, ended = lease_of("run-1"), threading.Event()
    first.acquire()
    thread = keep_renewing(lease_of("run-1"), ended)
    try:
        with pytest.raises(Refused) as caught:
            lease_of("run-2").acquire()
    finally:
        ended.set()
        thread.join()
    said = str(caught.value)
    assert "run run-1 of experiment payment (by " in said
    assert f"since {live()['spec']['acquireTime'].partition('.')[0]}" in said
    assert live()["spec"]["holderIdentity"] == "run-1"


@pytest.mark.parametrize("renewed", ["2001-01-01T00:00:00.000000Z", "2091-01-01T00:00:00.000000Z"])
def test_a_dead_run_s_lease_is_taken_whatever_its_clock_said(cluster, namespace, lease_of, live, renewed):
    lease_of("run-1").acquire()
    patch = f'{{"spec": {{"renewTime": "{renewed}"}}}}'
    cluster.kubectl("patch", "lease", LEASE_NAME, "-n", namespace, "--type=merge", "-p", patch)
    assert lease_of("run-2").acquire() == "run-1"
    assert live()["spec"]["holderIdentity"] == "run-2"


@pytest.mark.parametrize("year", [2001, 2091])
def test_a_living_run_keeps_its_lease_whatever_its_clock_says(lease_of, monkeypatch, year):
    ticks = itertools.count()
    monkeypatch.setattr(lease_module, "_now", lambda: f"{year}-01-01T00:00:00.{next(ticks):06}Z")
    first, ended = lease_of("run-1"), threading.Event()
    first.acquire()
    thread = keep_renewing(lease_of("run-1"), ended)
    try:
        with pytest.raises(Refused, match="run run-1 of experiment payment"):
            lease_of("run-2").acquire()
    finally:
        ended.set()
        thread.join()


def test_of_two_healers_one_gets_the_lease(lease_of, live):
    lease_of("run-1").acquire()
    healers = [lease_of(f"healer-{number}") for number in range(6)]
    start = threading.Barrier(len(healers))
    won: list[str] = []

    def take(healer: Lease) -> None:
        start.wait()
        if healer.take_from("run-1"):
            won.append(healer._holder)

    threads = [threading.Thread(target=take, args=(healer,)) for healer in healers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [live()["spec"]["holderIdentity"]]


def test_of_two_runs_that_find_a_stale_lease_one_gets_it(lease_of, live):
    lease_of("dead").acquire()
    ended = threading.Event()
    outcomes: list[object] = []
    renewing: list[threading.Thread] = []
    start = threading.Barrier(2)

    def take(name: str) -> None:
        mine = lease_of(name)
        start.wait()
        try:
            outcomes.append(mine.acquire())
        except Refused as error:
            outcomes.append(error)
        else:
            renewing.append(keep_renewing(mine, ended))

    threads = [threading.Thread(target=take, args=(name,)) for name in ("run-1", "run-2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended.set()
    for thread in renewing:
        thread.join()
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Refused", "str"]
    assert "dead" in outcomes
    assert live()["spec"]["holderIdentity"] in {"run-1", "run-2"}


def test_a_runner_that_stalls_and_wakes_may_not_write_any_more(namespace, lease_of):
    stalled = lease_of("run-1")
    stalled.acquire()
    assert lease_of("run-1-watchdog").take_from("run-1")
    for attempt in (stalled.check, stalled.renew):
        with pytest.raises(Refused, match=r"run-1 lost the Lease .*: run-1-watchdog has it"):
            attempt()
    stalled.release()  # of what it no longer has: nothing
    lease_of("run-1-watchdog").check()
    run.current().may_write = stalled.check
    configmap = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": namespace}}
    for write in (Cluster().apply, Cluster().delete):
        with pytest.raises(Refused, match="Only its holder writes"):
            write(configmap)


def test_a_healer_takes_nothing_from_another_run(lease_of, live):
    mine = lease_of("run-2")
    mine.acquire()
    assert not lease_of("run-1-watchdog").take_from("run-1")
    mine.release()
    assert not lease_of("run-1-watchdog").take_from("run-1")
    assert not live()["spec"].get("holderIdentity")


def test_who_heals_by_hand_can_seize_it(lease_of, live):
    assert lease_of("by-hand").seize() is None
    assert lease_of("by-hand-2").seize() == "by-hand"
    assert live()["spec"]["holderIdentity"] == "by-hand-2"
