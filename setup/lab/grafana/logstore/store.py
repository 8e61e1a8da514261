"""Log lines in memory, within a number of bytes and an age; the oldest make room, and are counted.

One thread after the other writes (`LogStore.append` takes a lock); readers take none. That is safe because a
chunk only grows, and its times grow last: whoever reads `len(chunk.times)` first finds text for each of them.
"""

from __future__ import annotations

import bisect
import threading
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

Labels = tuple[tuple[str, str], ...]  # sorted by name

MAX_BYTES = 64 * 1024 * 1024  # 50 minutes of the shop's default load
MAX_AGE_SECONDS = 6 * 3600  # as long as the lab's Prometheus keeps its samples
MAX_STREAMS = 5000  # Loki's own default (max_global_streams_per_user)

_CHUNK_BYTES = 64 * 1024
_CHUNK_SECONDS = 60  # so that a quiet stream's old lines can go without its new ones
_LINE_OVERHEAD = 64  # bytes beside a line's text: its time, its end, its share of a chunk


class TooManyStreams(Exception):
    """One more stream than the store takes."""


class Chunk:
    """Consecutive lines of one stream, in the order of their times (epoch nanoseconds)."""

    def __init__(self) -> None:
        self.times: array[int] = array("q")
        self.ends: array[int] = array("q")  # where each line ends in the text
        self.cost = 0
        self._parts: list[str] = []

    def text(self) -> str:
        """Return the lines, one after the other with nothing between."""
        return "".join(self._parts)

    def extend(self, times: Sequence[int], lines: Sequence[str]) -> int:
        """Add lines and return what they cost, in bytes."""
        length = self.ends[-1] if self.ends else 0
        self._parts.append("".join(lines))
        self.ends.extend(accumulate(map(len, lines[1:]), initial=length + len(lines[0])))
        self.times.extend(times)
        added = self.ends[-1] - length + _LINE_OVERHEAD * len(lines)
        self.cost += added
        return added

    def seal(self) -> None:
        """Put the text into one piece; nothing is added any more."""
        self._parts = [self.text()]


@dataclass(frozen=True)
class View:
    """The part of a chunk that a query looks at: lines `first` to before `last` of `text`."""

    times: array[int]
    ends: array[int]
    text: str
    first: int
    last: int

    def line(self, index: int) -> str:
        """Return one line."""
        return self.text[self.ends[index - 1] if index else 0 : self.ends[index]]

    def index_at(self, position: int) -> int:
        """Return which line the character at `position` of the text belongs to."""
        return bisect.bisect_right(self.ends, position, 0, self.last)

    @property
    def start(self) -> int:
        """Return where the first line begins in the text."""
        return self.ends[self.first - 1] if self.first else 0

    @property
    def size(self) -> int:
        """Return the number of characters in the lines looked at."""
        return self.ends[self.last - 1] - self.start if self.last > self.first else 0


@dataclass
class Stream:
    """The lines with one set of labels."""

    labels: Labels
    chunks: deque[Chunk] = field(default_factory=deque)
    open: Chunk | None = None

    def has(self, start: int, end: int) -> bool:
        """Say whether a chunk with lines between two times is there."""
        for chunk in list(self.chunks):
            count = len(chunk.times)
            if count and chunk.times[0] < end and chunk.times[count - 1] >= start:
                return True
        return False

    def views(self, start: int, end: int) -> Iterator[View]:
        """Yield what lies at `start` or later and before `end` (epoch nanoseconds), as it came."""
        for chunk in list(self.chunks):
            count = len(chunk.times)
            if not count or chunk.times[0] >= end or chunk.times[count - 1] < start:
                continue
            first = bisect.bisect_left(chunk.times, start, 0, count)
            last = bisect.bisect_left(chunk.times, end, 0, count)
            if first < last:
                yield View(chunk.times, chunk.ends, chunk.text(), first, last)

    def runs(self, start: int, end: int) -> list[list[View]]:
        """Return the same in lists within which times do not fall; one list unless lines came late."""
        found: list[list[View]] = []
        for view in self.views(start, end):
            last = found[-1][-1] if found else None
            if last is not None and view.times[view.first] >= last.times[last.last - 1]:
                found[-1].append(view)
            else:
                found.append([view])
        return found


@dataclass
class Counters:
    """What has happened to the lines since the start."""

    lines: int = 0
    text_bytes: int = 0
    dropped_for_room: int = 0
    dropped_for_age: int = 0


class LogStore:
    """All streams. `max_bytes` bounds what lines cost, `max_age_seconds` how long they stay."""

    def __init__(self, max_bytes: int = MAX_BYTES, max_age_seconds: float = MAX_AGE_SECONDS) -> None:
        self.counters = Counters()
        self.cost = 0
        self._max_bytes = max_bytes
        self.max_age_ns = int(max_age_seconds * 1e9)
        self._streams: dict[Labels, Stream] = {}
        self._chunks: deque[tuple[Stream, Chunk]] = deque()  # in the order in which they were begun
        self._lock = threading.Lock()

    def append(self, labels: Labels, times: Sequence[int], lines: Sequence[str]) -> None:
        """Add lines to a stream; `times` must not fall within one call. Raises TooManyStreams."""
        if not lines:
            return
        with self._lock:
            self._make_room(time.time_ns())
            stream = self._streams.get(labels)
            if stream is None:
                if len(self._streams) >= MAX_STREAMS:
                    raise TooManyStreams(f"more than {MAX_STREAMS} streams")
                stream = self._streams.setdefault(labels, Stream(labels))
            self.cost += self._chunk(stream, times[0]).extend(times, lines)
            self.counters.lines += len(lines)
            self.counters.text_bytes += sum(map(len, lines))
            self._make_room(time.time_ns())

    def forget_old(self) -> None:
        """Drop what has passed its age, also when nothing new comes."""
        with self._lock:
            self._make_room(time.time_ns())

    def streams(self, test: Callable[[dict[str, str]], bool]) -> list[Stream]:
        """Return the streams whose labels pass the test, by labels."""
        found = [stream for stream in list(self._streams.values()) if test(dict(stream.labels))]
        return sorted(found, key=lambda stream: stream.labels)

    def _chunk(self, stream: Stream, moment: int) -> Chunk:
        """Return the chunk that a line of this time goes to, a new one if it is full, too long or ahead."""
        chunk = stream.open
        if chunk is not None:
            too_long = moment - chunk.times[0] > _CHUNK_SECONDS * 1_000_000_000
            if chunk.cost < _CHUNK_BYTES and not too_long and moment >= chunk.times[-1]:
                return chunk
            chunk.seal()
        stream.open = chunk = Chunk()
        stream.chunks.append(chunk)
        self._chunks.append((stream, chunk))
        return chunk

    def _make_room(self, now: int) -> None:
        while self._chunks:
            stream, chunk = self._chunks[0]
            old = bool(chunk.times) and now - chunk.times[-1] > self.max_age_ns
            if self.cost <= self._max_bytes and not old:
                return
            self._chunks.popleft()
            stream.chunks.popleft()
            if stream.open is chunk:
                stream.open = None
            if not stream.chunks:
                del self._streams[stream.labels]
            self.cost -= chunk.cost
            if old:
                self.counters.dropped_for_age += len(chunk.times)
            else:
                self.counters.dropped_for_room += len(chunk.times)


def label_set(labels: Iterable[tuple[str, str]]) -> Labels:
    """Return labels as a key: sorted, without the empty ones, which mean absence."""
    return tuple(sorted((name, value) for name, value in labels if value))
