"""What stays when a Deployment goes up and down again and again, and when its processes are killed."""

import asyncio
import copy
import gc
import os
import signal
import sys
import threading
import tracemalloc
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.kept import stop_all
from lab.kube import controllers
from lab.node import procfs

ROUNDS = 10
# Of one line of code. A dict that each of 200 rounds leaves makes 400, for its keys are another one; without a
# leak there are less than twenty.
MOST_BLOCKS = 50
LABELS = {"app": "up-and-down"}
DEPLOYMENT = {
    "metadata": {"name": "up-and-down", "namespace": "test"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": LABELS},
        "template": {
            "metadata": {"labels": LABELS},
            "spec": {
                "terminationGracePeriodSeconds": 5,
                "containers": [
                    {
                        "name": "redis",
                        "image": "redis:7",
                        "args": ["--port", "6379", "--save", "", "--protected-mode", "no"],
                        "readinessProbe": {"tcpSocket": {"port": 6379}, "periodSeconds": 1},
                        "livenessProbe": {"tcpSocket": {"port": 6379}, "periodSeconds": 1},
                        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                    }
                ],
                "volumes": [{"name": "data", "emptyDir": {}}],
            },
        },
    },
}
SERVICE = {
    "metadata": {"name": "up-and-down", "namespace": "test"},
    "spec": {
        "type": "NodePort",
        "selector": LABELS,
        "ports": [{"name": "redis", "port": 6379, "nodePort": 31000 + os.getpid() % 1700}],
    },
}


def _census() -> Counter:
    """Count the living objects of the lab's own classes, and asyncio's tasks, futures and timers, by class."""
    gc.collect()
    counted = Counter()
    for item in gc.get_objects():
        kind = type(item)
        # asyncio drops cancelled timers when there are many of them.
        if isinstance(item, asyncio.TimerHandle) and item.cancelled():
            continue
        if str(kind.__module__).startswith(("lab.", "asyncio.", "_asyncio")):
            counted[kind.__qualname__] += 1
    return counted


async def _forget(store) -> None:
    """Drop what is kept on purpose: events for an hour, some changes, and asyncio's cancelled timers."""
    for event in store.list("events"):
        store.delete("events", event["metadata"]["namespace"], event["metadata"]["name"])
    for topic in store._topics.values():
        # A deque that is cleared keeps up to sixteen of its blocks for later.
        topic.history = deque(maxlen=topic.history.maxlen)
        topic.forgotten = store.version
    loop = asyncio.get_running_loop()
    # It drops them when they are many, and more than half of all.
    for timer in [loop.call_later(60, gc.collect) for _ in range(1000)]:
        timer.cancel()
    await asyncio.sleep(0)


def _memory() -> tracemalloc.Snapshot:
    """Return every block of memory that Python's objects take, by the line of code that asked for it."""
    sys._clear_type_cache()  # it keeps the names of thousands of attributes
    gc.collect()
    return tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(False, tracemalloc.__file__)])


def _grown(before: tracemalloc.Snapshot) -> list[str]:
    """Return the lines of code that hold many more blocks than before, of objects of whatever class."""
    return [str(line) for line in _memory().compare_to(before, "lineno") if line.count_diff > MOST_BLOCKS]


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def _listening() -> set[str]:
    """Return the local addresses in 127.0.0.0/8 on which somebody listens, as the kernel writes them."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[1] for row in rows if row[3] == "0A"}


def _mine(world) -> set[str]:
    """Return the listeners on the world's pod network and on its node port."""
    second = int(world.network_prefix.split(".")[1])
    port = f"{SERVICE['spec']['ports'][0]['nodePort']:04X}"
    return {one for one in _listening() if one[4:8] == f"{second:02X}7F" or one.endswith(f":{port}")}


def _files(world) -> set[str]:
    """Return what lies in the world's folder, without the logs that stay for whoever asks after a crash."""
    kept = {world.folder / "images", world.folder / "log"}
    found = (path for path in world.folder.rglob("*") if not kept & {path, *path.parents})
    return {str(path.relative_to(world.folder)) for path in found}


def _descriptors() -> Counter:
    links = Path("/proc/self/fd").iterdir()
    return Counter(str(link.readlink()).partition(":")[0] for link in links if link.is_symlink())


async def _up_and_down(world) -> None:
    store = world.store
    store.create("services", copy.deepcopy(SERVICE))
    store.create("deployments", copy.deepcopy(DEPLOYMENT))

    def available() -> bool:
        return store.get("deployments", "test", "up-and-down").get("status", {}).get("availableReplicas") == 1

    await world.until(available)
    await world.until(lambda: _mine(world))
    store.delete("deployments", "test", "up-and-down", propagation="Background")
    store.delete("services", "test", "up-and-down")

    def gone() -> bool:
        kinds = ("deployments", "replicasets", "pods", "services", "endpoints", "endpointslices")
        return not any(store.list(kind, "test") for kind in kinds)

    await world.until(gone)


@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("rounds", [ROUNDS, pytest.param(200, marks=pytest.mark.full)])
def test_a_deployment_that_goes_up_and_down_leaves_nothing(with_world, rounds):
    async def body(world):
        running = controllers.start_all(world.store)
        for _ in range(2):  # whatever is made once, is made now
            await _up_and_down(world)
        await _settle(world)
        await _forget(world.store)
        before = _census(), _descriptors(), _files(world), threading.active_count()
        memory = _memory()
        for _ in range(rounds):
            await _up_and_down(world)
        await _settle(world)
        await _forget(world.store)
        assert not procfs.marked(world.mark)
        assert not _mine(world)
        assert _files(world) == before[2]
        # One of an earlier test may be closed only now.
        assert not _descriptors() - before[1]
        assert threading.active_count() == before[3]
        # One object a round that is left behind makes `rounds` of its class.
        grown = {name: count for name, count in (_census() - before[0]).items() if count >= rounds}
        assert not grown
        assert not _grown(memory)
        await stop_all(running)

    with_world(body)


async def _settle(world) -> None:
    """Wait until nothing of the last round runs any more."""
    await world.until(lambda: not procfs.marked(world.mark))
    await world.until(lambda: not _mine(world))
    await asyncio.sleep(0)


def test_a_killed_process_is_restarted_counted_and_told(with_world):
    async def body(world):
        running = controllers.start_all(world.store)
        world.store.create("deployments", copy.deepcopy(DEPLOYMENT))
        pods = await world.until(lambda: world.store.list("pods", "test"))
        name = pods[0]["metadata"]["name"]
        await world.until(lambda: world.condition(name, "Ready") == "True")
        (pid,) = (int(path.name) for path in (world.folder / "records").iterdir())
        os.kill(pid, signal.SIGKILL)
        await world.until(lambda: world.status(name)["restartCount"] == 1)
        await world.until(lambda: world.condition(name, "Ready") == "True")
        last = world.status(name)["lastState"]["terminated"]
        assert (last["exitCode"], last["reason"]) == (137, "Error")
        started = [one for one in world.store.list("events", "test") if one["reason"] == "Started"]
        assert [one["count"] for one in started if one["involvedObject"]["name"] == name] == [2]
        assert [one["metadata"]["name"] for one in world.store.list("pods", "test")] == [name]
        await stop_all(running)

    with_world(body)
