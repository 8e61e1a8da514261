"""Answers a log query: lines, by their final labels."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from ..store import Labels, LogStore, Stream, View, label_set
from .scan import Scan, Statistics, select
from .syntax import LogQuery


@dataclass(frozen=True)
class Window:
    """From `start` to before `end`, in epoch nanoseconds."""

    start: int
    end: int


@dataclass(frozen=True)
class _Line:
    time: int
    labels: Labels
    text: str


def lines(
    query: LogQuery, store: LogStore, window: Window, limit: int, *, forward: bool, statistics: Statistics
) -> dict[Labels, list[tuple[int, str]]]:
    """Return at most `limit` lines, the newest ones (with `forward` the oldest), each list in that order."""
    scan = Scan(query, statistics)
    streams = select(query.matchers, store.streams)
    statistics.streams += len(streams)
    each = [
        _of_views(scan, stream, views, forward=forward)
        for stream in streams
        for views in stream.runs(window.start, window.end)
    ]
    merged = heapq.merge(*each, key=lambda line: line.time, reverse=not forward)
    found: dict[Labels, list[tuple[int, str]]] = {}
    for line in islice(merged, limit):
        found.setdefault(line.labels, []).append((line.time, line.text))
    return found


def _of_views(scan: Scan, stream: Stream, views: list[View], *, forward: bool) -> Iterator[_Line]:
    labels = dict(stream.labels)
    for view in views if forward else reversed(views):
        indexes = scan.indexes(view, labels)
        for index in indexes if forward else reversed(list(indexes)):
            entry = scan.entry(view.line(index), labels)
            if entry is not None:
                final = stream.labels if entry.all_labels() is labels else label_set(entry.all_labels().items())
                yield _Line(view.times[index], final, entry.line)
