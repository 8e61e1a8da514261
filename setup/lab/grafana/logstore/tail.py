"""Reads the pods' log files (CRI format, written by lab.node.logs) as they grow, into the store.

A file is held open, so what is in it is read even when it has been rotated or removed since.
"""

from __future__ import annotations

import calendar
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .pods import Pods
from .store import LogStore, TooManyStreams, label_set

_LOG = logging.getLogger(__name__)
_READ_BYTES = 1024 * 1024
_MAX_LINE = 256 * 1024  # characters; Loki's default (max_line_size), what is longer is cut
_PAUSE_SECONDS = 0.2
_TICK_NS = 1_000_000_000
# "2026-11-23T12:00:00.123456789Z stdout F text"
_TIME_END, _FLAG, _TEXT = 30, 38, 40


class Lines:
    """Turns the bytes of one container's log into times and whole lines."""

    def __init__(self, since_ns: int) -> None:
        self._since = since_ns
        self._rest = b""
        self._parts: dict[str, str] = {}  # of stdout and stderr: the begin of a line written in parts
        self._stamp, self._time = "", 0

    def take(self, data: bytes) -> tuple[list[int], list[str]]:
        """Return the lines that `data` completes; times (epoch nanoseconds) never fall."""
        whole, newline, self._rest = (self._rest + data).rpartition(b"\n")
        times: list[int] = []
        lines: list[str] = []
        for entry in whole.decode("utf-8", "replace").split("\n") if newline else ():
            if entry[_TIME_END : _TIME_END + 4] != " std":
                continue
            text = entry[_TEXT:]
            if entry[_FLAG] == "P" or self._parts:
                joined = self._join(entry[_TIME_END + 1 : _FLAG], text, whole=entry[_FLAG] == "F")
                if joined is None:
                    continue
                text = joined
            if entry[:_TIME_END] != self._stamp:
                self._stamp = entry[:_TIME_END]
                # The machine's clock may be set back; a stream's times must not fall.
                self._time = max(self._time, nanoseconds(self._stamp))
            if self._time >= self._since:
                times.append(self._time)
                lines.append(text)
        return times, lines

    def _join(self, stream: str, text: str, *, whole: bool) -> str | None:
        text = (self._parts.pop(stream, "") + text)[:_MAX_LINE]
        if whole:
            return text
        self._parts[stream] = text
        return None


def nanoseconds(stamp: str) -> int:
    """Return the epoch nanoseconds of "2026-11-23T12:00:00.123456789Z"."""
    return calendar.timegm(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")) * 1_000_000_000 + int(stamp[20:29])


class ContainerTail:
    """Follows the logs of one container, `<n>.log` for its n-th run; each is rotated to `<n>.log.1`."""

    def __init__(self, folder: Path, since_ns: int) -> None:
        self.gaps = 0  # how often a file was found whose forerunner may have gone unseen
        self._folder = folder
        self._since = since_ns
        self._lines = Lines(since_ns)
        self._run = -1
        self._file: BinaryIO | None = None
        self._next: list[BinaryIO] = []  # opened, and read after the present one

    def read(self) -> tuple[list[int], list[str]]:
        """Return the next lines, at most about a mebibyte of them; none when there is nothing new."""
        data = self._file.read(_READ_BYTES) if self._file else b""
        while not data and self._advance():
            data = self._file.read(_READ_BYTES) if self._file else b""
        return self._lines.take(data) if data else ([], [])

    def close(self) -> None:
        """Close the files."""
        for file in (self._file, *self._next):
            if file:
                file.close()
        self._file, self._next = None, []

    def _advance(self) -> bool:
        """Go on to the next file, when there is one and the present one has ended."""
        if not self._next:
            self._next = self._rotated() or self._later_run()
        if not self._next:
            return False
        # What was written between the last read and the rotation.
        if self._file and (data := self._file.read(_READ_BYTES)):
            self._file.seek(-len(data), os.SEEK_CUR)
            return True
        if self._file:
            self._file.close()
        self._file = self._next.pop(0)
        return True

    def _rotated(self) -> list[BinaryIO]:
        """Return the files that follow the present one within its run."""
        if self._file is None:
            return []
        path = self._folder / f"{self._run}.log"
        older = path.with_name(path.name + ".1")
        mine = os.fstat(self._file.fileno()).st_ino
        if _inode(path) in {mine, None}:
            return []
        unseen = [older, path]
        if _inode(older) == mine:
            unseen = [path]
        else:
            self.gaps += 1
        return [file for file in map(_open, unseen) if file]

    def _later_run(self) -> list[BinaryIO]:
        later = sorted(run for run in self._runs() if run > self._run)
        if not later:
            return []
        self._run = later[0]
        self._lines = Lines(self._since)
        path = self._folder / f"{self._run}.log"
        older = _open(path.with_name(path.name + ".1"))
        self.gaps += older is not None
        return [file for file in (older, _open(path)) if file]

    def _runs(self) -> Iterator[int]:
        try:
            for entry in os.scandir(self._folder):
                stem, dot, _ = entry.name.partition(".log")
                if dot and stem.isdecimal():
                    yield int(stem)
        except FileNotFoundError:
            return


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _open(path: Path) -> BinaryIO | None:
    try:
        return path.open("rb", buffering=0)  # nothing read is held back from a later fstat or seek
    except FileNotFoundError:
        return None


class PodTail:
    """Follows the containers of one pod, whose folder is `<namespace>_<pod>_<uid>`."""

    def __init__(self, folder: Path, cluster: str, since_ns: int) -> None:
        self._folder = folder
        self._since = since_ns
        self.namespace, self.pod, self.uid = folder.name.split("_")
        self._cluster = cluster
        self._tails: dict[str, ContainerTail] = {}
        self.ended = False

    @property
    def gaps(self) -> int:
        """Return how often a container's log was rotated faster than it was read."""
        return sum(tail.gaps for tail in self._tails.values())

    def read(self, store: LogStore, service: str) -> bool:
        """Put what is new in the store; return whether there was anything."""
        # Asked first: what is written before the pod is gone is there now.
        gone = (self._folder / "gone").exists() or not self._folder.is_dir()
        self._find_containers()
        busy = False
        for container, tail in self._tails.items():
            times, lines = tail.read()
            if lines:
                busy = True
                labels = {
                    "cluster": self._cluster,
                    "namespace": self.namespace,
                    "pod": self.pod,
                    "container": container,
                    "service": service or container,
                }
                store.append(label_set(labels.items()), times, lines)
        self.ended = gone and not busy
        return busy

    def close(self) -> None:
        """Close the files."""
        for tail in self._tails.values():
            tail.close()

    def _find_containers(self) -> None:
        try:
            for entry in os.scandir(self._folder):
                if entry.name not in self._tails and entry.is_dir():
                    self._tails[entry.name] = ContainerTail(Path(entry.path), self._since)
        except FileNotFoundError:
            return


class Tailer:
    """Follows every pod below a folder; lines from before `since_ns` belong to an earlier lab."""

    def __init__(self, root: Path, cluster: str, since_ns: int, pods: Pods, store: LogStore) -> None:
        self._root, self._cluster, self._since, self._pods, self._store = root, cluster, since_ns, pods, store
        self._tails: dict[str, PodTail] = {}
        self._ended: set[str] = set()
        self._ended_gaps = 0

    @property
    def gaps(self) -> int:
        """Return how often a log was rotated faster than it was read, so that lines may be missing."""
        return self._ended_gaps + sum(tail.gaps for tail in list(self._tails.values()))

    def run(self) -> None:
        """Follow until the process ends."""
        while True:
            try:
                busy = self.step()
            except (OSError, TooManyStreams) as error:
                _LOG.error("the pods' logs cannot be read: %s", error)
                busy = False
            if not busy:
                self._store.forget_old()
                time.sleep(_PAUSE_SECONDS)

    def step(self) -> bool:
        """Read a part of every pod's log; return whether there was anything new."""
        self._find_pods()
        busy = False
        for name, tail in list(self._tails.items()):
            service = self._pods.service(tail.uid)
            if service is None:
                continue
            busy |= tail.read(self._store, service)
            if tail.ended:
                tail.close()
                self._pods.forget(tail.uid)
                self._ended_gaps += tail.gaps
                del self._tails[name]
                self._ended.add(name)
        return busy

    def _find_pods(self) -> None:
        try:
            names = {entry.name for entry in os.scandir(self._root)}
        except FileNotFoundError:
            return
        self._ended &= names
        for name in names - self._tails.keys() - self._ended:
            folder = self._root / name
            if name.count("_") != 2 or self._is_old(folder):  # noqa: PLR2004 - <namespace>_<pod>_<uid>
                self._ended.add(name)
            else:
                self._tails[name] = PodTail(folder, self._cluster, self._since)

    def _is_old(self, folder: Path) -> bool:
        # Made and marked as gone, all before this lab began. A file's time is that of the kernel's last tick;
        # what is taken for new by mistake only has lines that are too old.
        try:
            return folder.stat().st_mtime_ns < self._since - _TICK_NS
        except FileNotFoundError:
            return True
