"""Traces in memory, within a number of bytes: the oldest make room.

Those with an error have room of their own, which is more than a game day fills. What goes is counted.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

MAX_BYTES = 48 * 1024 * 1024  # of traces without an error
MAX_ERROR_BYTES = 64 * 1024 * 1024  # of traces with one
MAX_SPANS = 5000  # of one trace
MAX_ERROR_SPANS = 500  # that are taken beside those, since they say what went wrong

_OVERHEAD = 500  # bytes beside a span's own: what is read from it ahead of any search

Value = str | int | float | bool


@dataclass(frozen=True)
class Resource:
    """Who made a span: the resource's attributes, and resource and scope as they came."""

    attributes: dict[str, Value]
    resource: bytes
    scope: bytes

    @property
    def service(self) -> str:
        """Return the name of the service."""
        return str(self.attributes.get("service.name", ""))


class Span:
    """A span: what searches ask for most is read, all else stays as it came. Times are epoch nanoseconds."""

    __slots__ = ("end", "id", "kind", "name", "parent", "raw", "resource", "start", "status")

    def __init__(self, message: SpanMessage, resource: Resource) -> None:
        self.raw = message.SerializeToString()
        self.resource = resource
        self.id = message.span_id
        self.parent = message.parent_span_id
        self.name = message.name
        self.kind = int(message.kind)
        self.status = int(message.status.code)
        self.start = message.start_time_unix_nano
        self.end = max(message.end_time_unix_nano, self.start)

    @property
    def duration(self) -> int:
        """Return how long it took, in nanoseconds."""
        return self.end - self.start

    def message(self) -> SpanMessage:
        """Return the whole span."""
        message = SpanMessage()
        message.ParseFromString(self.raw)
        return message


ERROR = 2  # the status code of a span that failed


@dataclass
class Trace:
    """The spans that have come of one trace; `start` and `end` are those of all of them (epoch nanoseconds)."""

    id: bytes
    spans: list[Span] = field(default_factory=list)
    cost: int = 0
    failed: bool = False
    start: int = 0
    end: int = 0

    def add(self, span: Span) -> None:
        """Add a span."""
        self.start = min(self.start, span.start) if self.spans else span.start
        self.end = max(self.end, span.end)
        self.spans.append(span)

    def copy(self) -> Trace:
        """Return a trace to which nothing is added any more."""
        return Trace(self.id, list(self.spans), self.cost, self.failed, self.start, self.end)

    @property
    def root(self) -> Span | None:
        """Return the span without a parent, None when it has not come."""
        return next((span for span in self.spans if not span.parent), None)


@dataclass
class Counters:
    """What has happened to the spans since the start."""

    spans: int = 0
    # By whether the trace had an error.
    dropped_spans: dict[bool, int] = field(default_factory=lambda: {False: 0, True: 0})
    dropped_traces: dict[bool, int] = field(default_factory=lambda: {False: 0, True: 0})


class TraceStore:
    """All traces by id."""

    def __init__(self, max_bytes: int = MAX_BYTES, max_error_bytes: int = MAX_ERROR_BYTES) -> None:
        self.counters = Counters()
        self._limits = {False: max_bytes, True: max_error_bytes}
        self._costs = {False: 0, True: 0}
        # By whether a span failed; in each the oldest come first.
        self._traces: dict[bool, OrderedDict[bytes, Trace]] = {False: OrderedDict(), True: OrderedDict()}
        self._lock = threading.Lock()

    @property
    def cost(self) -> int:
        """Return what the traces cost, in bytes."""
        return sum(self._costs.values())

    def add(self, spans: Iterable[tuple[bytes, Span]]) -> None:
        """Add spans, each with its trace's id."""
        with self._lock:
            for trace_id, span in spans:
                self._add(trace_id, span)
            self._make_room()

    def get(self, trace_id: bytes) -> Trace | None:
        """Return a copy of the trace, None without it."""
        with self._lock:
            trace = self._find(trace_id)
            return trace.copy() if trace else None

    def all(self) -> list[Trace]:
        """Return a copy of every trace."""
        with self._lock:
            return [trace.copy() for traces in self._traces.values() for trace in traces.values()]

    def between(self, start: int, end: int) -> list[Trace]:
        """Return copies of the traces with spans between two times (epoch nanoseconds), the newest first."""
        with self._lock:
            found = [
                trace.copy()
                for traces in self._traces.values()
                for trace in traces.values()
                if trace.start < end and trace.end >= start
            ]
        return sorted(found, key=lambda trace: trace.start, reverse=True)

    def _find(self, trace_id: bytes) -> Trace | None:
        return self._traces[False].get(trace_id) or self._traces[True].get(trace_id)

    def _add(self, trace_id: bytes, span: Span) -> None:
        trace = self._find(trace_id)
        if trace is None:
            trace = self._traces[False][trace_id] = Trace(trace_id)
        self.counters.spans += 1
        failed = span.status == ERROR
        if failed and not trace.failed:
            self._mark_failed(trace)
        if len(trace.spans) >= MAX_SPANS + failed * MAX_ERROR_SPANS:
            self.counters.dropped_spans[trace.failed] += 1
            return
        cost = len(span.raw) + _OVERHEAD
        trace.add(span)
        trace.cost += cost
        self._costs[trace.failed] += cost

    def _mark_failed(self, trace: Trace) -> None:
        trace.failed = True
        self._traces[True][trace.id] = self._traces[False].pop(trace.id)
        self._costs[False] -= trace.cost
        self._costs[True] += trace.cost

    def _make_room(self) -> None:
        for failed, traces in self._traces.items():
            while self._costs[failed] > self._limits[failed]:
                _, trace = traces.popitem(last=False)
                self._costs[failed] -= trace.cost
                self.counters.dropped_traces[failed] += 1
                self.counters.dropped_spans[failed] += len(trace.spans)
