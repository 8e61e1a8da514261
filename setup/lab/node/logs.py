"""Containers' output as the files that a container runtime writes (CRI format), bounded in size.

A line is ``2026-11-23T12:00:00.123456789Z stdout F text``; ``P`` instead of ``F`` marks a part of a line longer
than 16 KiB. A container's file is ``<pod>/<container>/<n>.log``, n counting its restarts; the file before the
running one is kept (``logs --previous``), and each is rotated once to ``<n>.log.1`` when it is full.
"""

import asyncio
import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

_PART_BYTES = 16 * 1024  # a container runtime's limit for one entry
_FILE_BYTES = 4 * 1024 * 1024  # twice this per container and restart; a kubelet keeps five of 10 MiB
_READ_BYTES = 64 * 1024


class LogFile:
    """One container run's log, written in CRI format and rotated when full."""

    def __init__(self, path: Path, limit: int = _FILE_BYTES) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._limit = limit
        self._file: BinaryIO = path.open("ab")

    @property
    def closed(self) -> bool:
        """Say whether the log has got its last line."""
        return self._file.closed

    def write(self, stream: str, lines: list[tuple[bytes, bool]]) -> None:
        """Write lines of a stream, each with whether it is whole; all get the same time."""
        head = f"{timestamp(time.time_ns())} {stream} ".encode()
        self._file.write(b"".join(head + (b"F " if whole else b"P ") + text + b"\n" for text, whole in lines))
        self._file.flush()
        if self._file.tell() > self._limit:
            self._file.close()
            self.path.replace(rotated(self.path))
            self._file = self.path.open("ab")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def rotated(path: Path) -> Path:
    """Return where a log's older half lies."""
    return path.with_name(path.name + ".1")


def timestamp(nanoseconds: int) -> str:
    """Return nanoseconds since the epoch as RFC 3339 with nine decimals."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


class Pipe:
    """The reading end of a process' stdout or stderr, copied into a log as it comes."""

    def __init__(self, log: LogFile, stream: str) -> None:
        self._read, self.write_end = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._read, False)
        self._log = log
        self._stream = stream
        self._rest = b""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._read, self._ready)

    def started(self) -> None:
        """Close this program's copy of the writing end, once a process has its own."""
        os.close(self.write_end)

    def close(self) -> None:
        """Take what is still in the pipe and close it."""
        if self._read < 0:
            return
        while self._copy():
            pass
        self._finish()

    def _ready(self) -> None:
        if not self._copy():
            self._finish()

    def _copy(self) -> bool:
        """Copy one read; return False at the end, or when nothing is there."""
        try:
            data = os.read(self._read, _READ_BYTES)
        except BlockingIOError:
            return False
        if data:
            *lines, self._rest = (self._rest + data).split(b"\n")
            entries = [part for line in lines for part in _parts(line, whole=True)]
            if len(self._rest) >= _PART_BYTES:
                entries += _parts(self._rest, whole=False)
                self._rest = b""
            if entries:
                self._log.write(self._stream, entries)
        return bool(data)

    def _finish(self) -> None:
        self._loop.remove_reader(self._read)
        os.close(self._read)
        self._read = -1
        if self._rest:
            self._log.write(self._stream, [(self._rest, False)])
            self._rest = b""


def _parts(line: bytes, *, whole: bool) -> list[tuple[bytes, bool]]:
    pieces = [line[start : start + _PART_BYTES] for start in range(0, len(line), _PART_BYTES)] or [b""]
    return [(piece, False) for piece in pieces[:-1]] + [(pieces[-1], whole)]


class LogFolder:
    """The logs of every pod on the node.

    :param root: the folder of all pods' logs.
    :param keep: how many gone pods' logs stay, for whoever asks after a crash.
    """

    def __init__(self, root: Path, keep: int = 30) -> None:
        self._root = root
        self._keep = keep
        self._writing: dict[Path, LogFile] = {}

    def pod(self, namespace: str, name: str, uid: str) -> Path:
        """Return a pod's folder."""
        return self._root / f"{namespace}_{name}_{uid}"

    def open(self, pod: Path, container: str, run: int) -> LogFile:
        """Open the log of a container's n-th run, and forget all but the one before it."""
        folder = pod / container
        for old in range(run - 1):
            for path in (folder / f"{old}.log", rotated(folder / f"{old}.log")):
                path.unlink(missing_ok=True)
        self._writing = {path: log for path, log in self._writing.items() if not log.closed}
        log = LogFile(folder / f"{run}.log")
        self._writing[log.path] = log
        return log

    def is_growing(self, path: Path) -> bool:
        """Say whether a log may still get lines."""
        log = self._writing.get(path)
        return log is not None and not log.closed

    def gone(self, pod: Path) -> None:
        """Take note that a pod is gone: its logs stay until enough others are gone too."""
        if pod.is_dir():
            (pod / "gone").touch()
        # A second program may remove folders too (`down --purge`): what is missing is no error.
        ended = sorted(self._root.glob("*/gone"), key=lambda path: path.stat().st_mtime)
        for mark in ended[: -self._keep]:
            shutil.rmtree(mark.parent, ignore_errors=True)
