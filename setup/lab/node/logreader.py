"""Reads the log files that lab.node.logs writes, also while they grow and rotate."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.kube.logs import LogLine
from lab.node.logs import LogFolder, rotated

_FOLLOW_SECONDS = 0.1

_LINE = re.compile(rb"(?P<time>\S+) (?P<stream>stdout|stderr) (?P<flag>[FP]) (?P<text>.*)", re.DOTALL)


@dataclass(frozen=True)
class Entry:
    """One line of output, or a part of one (``whole`` is False); ``time`` is RFC 3339 with nanoseconds."""

    time: str
    stream: str
    whole: bool
    text: str


class Cursor:
    """A place in one run's log; every ``read`` goes on where the last one ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode: int | None = None
        self._offset = 0
        self._rest = b""

    def read(self) -> list[Entry]:
        """Return the entries since the last read; none when the file is gone."""
        *lines, self._rest = (self._rest + self._new_bytes()).split(b"\n")
        return [_parse(line) for line in lines]

    def _new_bytes(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                inode = os.fstat(file.fileno()).st_ino
                older = b""
                if inode != self._inode:
                    # A first read, or the file that was being read has become the older half.
                    older = self._older_bytes()
                    self._inode, self._offset = inode, 0
                file.seek(self._offset)
                new = file.read()
        except FileNotFoundError:
            return b""
        self._offset += len(new)
        return older + new

    def _older_bytes(self) -> bytes:
        try:
            with rotated(self._path).open("rb") as file:
                if os.fstat(file.fileno()).st_ino == self._inode:
                    file.seek(self._offset)
                return file.read()
        except FileNotFoundError:
            return b""


class Reader:
    """The node's logs, as the API server asks for them (lab.kube.logs.LogReader)."""

    def __init__(self, folder: LogFolder) -> None:
        self._folder = folder

    async def lines(
        self,
        pod: dict[str, Any],
        container: str,
        *,
        follow: bool = False,
        tail: int | None = None,
        since: datetime | None = None,
        previous: bool = False,
    ) -> AsyncIterator[LogLine]:
        """Yield a container's lines, oldest first; ``follow`` ends, as a kubelet's does, with the run.

        :raises LookupError: the container has no such log.
        """
        metadata = pod["metadata"]
        pod_folder = self._folder.pod(metadata["namespace"], metadata["name"], metadata["uid"])
        path = run(pod_folder / container, previous)
        if path is None:
            which = "previous terminated container" if previous else "container"
            raise LookupError(f'{which} "{container}" in pod "{metadata["name"]}" not found')
        cursor = Cursor(path)
        # A whole log takes a moment to read; the loop has others to serve meanwhile.
        entries = await asyncio.to_thread(cursor.read)
        lines = _Lines(since)
        for line in lines.take(entries)[-tail if tail else 0 :] if tail != 0 else ():
            yield line
        growing = follow
        while growing:
            # Asked before the read, so that the last lines of a run that ends now are still read.
            growing = self._folder.is_growing(path)
            for line in lines.take(cursor.read()):
                yield line
            await asyncio.sleep(_FOLLOW_SECONDS if growing else 0)


class _Lines:
    """Joins parts to lines and drops what is too old."""

    def __init__(self, since: datetime | None) -> None:
        # Timestamps compare as text, microseconds are enough.
        self._since = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}" if since else ""
        self._part = ""

    def take(self, entries: list[Entry]) -> list[LogLine]:
        """Return the lines that these entries complete."""
        result = []
        for entry in entries:
            text = self._part + entry.text
            self._part = "" if entry.whole else text
            if entry.whole and entry.time[: len(self._since)] >= self._since:
                result.append(LogLine(entry.time, text))
        return result


def run(folder: Path, previous: bool) -> Path | None:
    """Return a container's newest log, or the one before it; None when there is none."""
    runs = sorted(
        (path for path in folder.glob("*.log") if path.stem.isdecimal()), key=lambda path: int(path.stem)
    )
    wanted = runs[:-1] if previous else runs
    return wanted[-1] if wanted else None


def _parse(line: bytes) -> Entry:
    match = _LINE.fullmatch(line)
    if match is None:  # the daemon's own log, which no container runtime writes
        return Entry("", "stdout", True, line.decode("utf-8", "replace"))
    text = match["text"].decode("utf-8", "replace")
    return Entry(match["time"].decode(), match["stream"].decode(), match["flag"] == b"F", text)
