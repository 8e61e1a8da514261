"""Containers' logs: format, bounds, reading, following."""

import asyncio
import os
import re
from datetime import UTC, datetime, timedelta

import pytest

from lab.node.logreader import Cursor, Reader
from lab.node.logs import LogFile, LogFolder, Pipe, rotated

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr) [FP] .*")


def test_output_becomes_lines_in_the_runtime_format(with_world):
    async def body(world):
        script = "echo out; echo err >&2; printf unfinished"
        pod = world.run("talk", script, pod={"restartPolicy": "Never"})
        await world.ended("talk", 0)
        path = world.logs.pod("test", "talk", pod["metadata"]["uid"]) / "main" / "0.log"
        lines = path.read_text().splitlines()
        assert all(LINE.fullmatch(line) for line in lines)
        assert {line.split(" ", 1)[1] for line in lines} == {
            "stdout F out",
            "stderr F err",
            "stdout P unfinished",
        }

    with_world(body)


def _through_a_pipe(path, data: bytes):
    async def body():
        log = LogFile(path)
        pipe = Pipe(log, "stdout")
        writer = asyncio.create_task(asyncio.to_thread(os.write, pipe.write_end, data))
        await writer
        pipe.started()
        await asyncio.sleep(0)
        pipe.close()
        log.close()

    asyncio.run(body())


def test_a_long_line_is_cut_into_parts_and_read_as_one(tmp_path):
    path = tmp_path / "0.log"
    text = b"x" * 40_000
    _through_a_pipe(path, text + b"\nnext\n")
    flags = [line.split(b" ")[2] for line in path.read_bytes().splitlines()]
    assert flags == [b"P", b"P", b"F", b"F"]
    entries = Cursor(path).read()
    assert "".join(entry.text for entry in entries[:3]) == text.decode()
    assert entries[3].text == "next"


def test_a_log_is_bounded_and_a_reader_loses_no_line_when_it_rotates(tmp_path):
    path = tmp_path / "0.log"
    log, cursor, seen = LogFile(path, limit=2000), Cursor(path), []
    for number in range(300):
        log.write("stdout", [(f"line {number}".encode(), True)])
        if number % 7 == 0:
            seen += cursor.read()
    log.close()
    seen += cursor.read()
    assert [entry.text for entry in seen] == [f"line {number}" for number in range(300)]
    assert path.stat().st_size + rotated(path).stat().st_size < 2 * 2100


def test_the_last_two_runs_of_a_container_are_kept(tmp_path):
    folder = LogFolder(tmp_path)
    pod = folder.pod("test", "crash", "u")
    for run in range(5):
        folder.open(pod, "main", run).close()
    assert sorted(path.name for path in (pod / "main").iterdir()) == ["3.log", "4.log"]


def test_the_logs_of_pods_long_gone_are_removed(tmp_path):
    folder = LogFolder(tmp_path, keep=2)
    pods = [folder.pod("test", f"p{number}", "u") for number in range(4)]
    for second, pod in enumerate(pods):
        folder.open(pod, "main", 0).close()
        folder.gone(pod)
        if (pod / "gone").exists():
            os.utime(pod / "gone", (second, second))
    assert [pod.exists() for pod in pods] == [False, False, True, True]


async def _collect(lines) -> list[str]:
    return [line.text async for line in lines]


def test_the_reader_gives_the_tail_the_recent_and_the_previous_lines(with_world):
    async def body(world):
        reader = Reader(world.logs)
        world.run("crash", "test -e second || { touch second; echo first; exit 1; }; seq 5; exec sleep 60")
        await world.until(lambda: world.output("crash", 1).endswith("5"))
        pod = world.pod("crash")
        assert await _collect(reader.lines(pod, "main")) == ["1", "2", "3", "4", "5"]
        assert await _collect(reader.lines(pod, "main", tail=2)) == ["4", "5"]
        assert await _collect(reader.lines(pod, "main", tail=0)) == []
        assert await _collect(reader.lines(pod, "main", previous=True)) == ["first"]
        later, earlier = datetime.now(UTC) + timedelta(minutes=1), datetime.now(UTC) - timedelta(minutes=1)
        assert await _collect(reader.lines(pod, "main", since=later)) == []
        assert len(await _collect(reader.lines(pod, "main", since=earlier))) == 5
        with pytest.raises(LookupError):
            await _collect(reader.lines(pod, "sidecar"))

    with_world(body)


def test_following_goes_on_until_the_container_ends(with_world):
    async def body(world):
        script = "echo a; while ! test -e go; do sleep 0.02; done; echo b"
        pod = world.run("count", script, pod={"restartPolicy": "Never"})
        await world.until(lambda: world.output("count") == "a")
        following = asyncio.create_task(
            _collect(Reader(world.logs).lines(world.pod("count"), "main", follow=True))
        )
        await asyncio.sleep(0.2)
        assert not following.done()
        folder = world.folder / "pods" / pod["metadata"]["uid"][:8]
        (folder / "containers" / "main" / "root" / "go").touch()
        assert await asyncio.wait_for(following, 5) == ["a", "b"]

    with_world(body)
