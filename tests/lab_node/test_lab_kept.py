"""The daemon's own tasks: what ends is told and begins again, and then makes up for what it missed."""

import asyncio
import time

import pytest

from lab.kept import Kept


async def _until(condition, seconds: float = 30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.01)


async def _fails() -> None:
    raise ValueError("two\nlines")


async def _returns() -> None:
    await asyncio.sleep(0)


async def _cancels_itself() -> None:
    asyncio.current_task().cancel()
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        (_fails, "failed: ValueError: two lines"),
        (_returns, "ended"),
        (_cancels_itself, "failed: CancelledError"),
    ],
)
def test_what_ends_is_told_and_started_again(work, reason):
    async def main() -> None:
        kept = Kept("clerk", work)
        assert kept.ready
        await _until(lambda: kept.restarts)
        await _until(lambda: not kept.ready)
        assert kept.reason == reason
        await kept.stop()

    asyncio.run(main())


def test_what_runs_again_is_ready_and_keeps_its_last_reason():
    runs = []

    async def work() -> None:
        runs.append(len(runs))
        if len(runs) == 1:
            raise ValueError("once")
        await asyncio.Event().wait()

    async def main() -> None:
        kept = Kept("clerk", work)
        await _until(lambda: kept.restarts)
        assert (kept.ready, kept.restarts, kept.reason) == (True, 1, "failed: ValueError: once")
        await kept.stop()
        assert runs == [0, 1]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def _kill(name: str) -> None:
    """End a task of the node or the network, as an error within would; it is told and started again."""
    for task in asyncio.all_tasks():
        if task.get_name() == name:
            task.cancel()


def test_a_node_that_lost_its_thread_ends_and_starts_what_it_missed(with_world):
    async def body(world):
        (kept,) = (one for one in world.node.kept if one.name == "node's pods")
        world.run("old", "exec sleep 60")
        await world.until(lambda: world.condition("old", "Ready") == "True")
        _kill("node's pods")
        await world.until(lambda: not kept.ready)
        # Without a word to the node, as when it learns of nothing.
        world.store.delete("pods", "test", "old", grace_period_seconds=0)
        world.run("new", "exec sleep 60")
        await world.until(lambda: world.condition("new", "Ready") == "True")
        assert (kept.ready, kept.restarts) == (True, 1)
        await world.until(lambda: len(list((world.folder / "records").iterdir())) == 1)

    with_world(body)


def test_a_network_that_lost_its_thread_learns_the_names_it_missed(with_world):
    async def body(world):
        def service(name: str) -> dict:
            return {"metadata": {"name": name, "namespace": "test"}, "spec": {"ports": [{"port": 80}]}}

        def names() -> set[str]:
            lines = world.hosts.path("test").read_text().splitlines()
            return {line.split()[1] for line in lines} - {"localhost"}

        world.store.create("services", service("old"))
        await world.until(lambda: names() == {"old"})
        _kill("network (services)")
        await world.until(lambda: not all(one.ready for one in world.network.kept))
        world.store.delete("services", "test", "old")
        world.store.create("services", service("new"))
        await world.until(lambda: names() == {"new"})
        assert [one.restarts for one in world.network.kept] == [1, 0]

    with_world(body)
