"""Names the probable root cause of a failure from its traces: whom they blame, by errors or by time.

By errors: in each trace whose root failed, the deepest span that failed and has no failed span below it. It
blames its own service, unless it is a caller's span that nothing below answers for: then whoever was asked, a
database that sends no spans, a service that is gone, or one that had not answered when its caller gave up.

By time, when hardly any trace failed: each span's own time, which is what its children do not cover, is added
up by service. What a caller waited for without a span below it belongs to whoever was asked. The service
whose mean time a call grew most over the baseline, times its calls, is blamed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ..grafana.traces import Span, Trace

__all__ = ["Blame", "blame_by_errors", "blame_by_time", "blamed_span", "calls_by_service"]

FEWEST_FAILED = 3
"""Fewer failed traces than this come by themselves, while pods are replaced."""
SLOWER_SECONDS, SLOWER_TIMES = 0.1, 2.0
"""A service has become slower when its mean time a call grew by both, and so has a call of it."""


@dataclass(frozen=True)
class Blame:
    """Who is blamed, by how many of the failed traces or of its own calls; `words` says why."""

    service: str
    by: int
    of: int
    words: str


def blamed_span(trace: Trace) -> tuple[Span, str] | None:
    """Return the deepest failure of a trace and the service that it blames; None when nothing failed."""
    found = [
        (depth, -span.start, span)
        for depth, span in trace.walk()
        if span.failed and not any(child.failed for child in trace.children.get(span.id, []))
    ]
    if not found:
        return None
    _, _, span = max(found, key=lambda one: one[:2])
    below = trace.children.get(span.id, [])
    if span.peer and not below:
        return span, span.peer
    # A caller that gave up on an answer which came in the end, late or not at all well.
    return span, below[0].service if span.peer else span.service


def blame_by_errors(traces: Iterable[Trace]) -> Blame | None:
    """Return whom most of the traces with a failed root blame; None for fewer than FEWEST_FAILED of those."""
    found = [blamed for trace in traces if trace.root.failed and (blamed := blamed_span(trace))]
    if len(found) < FEWEST_FAILED:
        return None
    service, count = Counter(service for _, service in found).most_common(1)[0]
    # Its own words first: a caller that gave up says less.
    own = [span for span, blamed in found if blamed == service == span.service]
    spans = Counter(_failure(span) for span in own or (s for s, blamed in found if blamed == service))
    words = f"the deepest failure of {count} of {len(found)} failed traces is {service}'s"
    return Blame(service, count, len(found), f"{words}: {spans.most_common(1)[0][0]}")


def _failure(span: Span) -> str:
    said = span.exception or span.message or f"{span.attributes.get('error.type', 'an error')}"
    where = f"{span.service} asking {span.peer}" if span.peer else span.service
    return f"{said} ({where}, {span.name})"


def blame_by_time(traces: Iterable[Trace], baseline: Iterable[Trace]) -> Blame | None:
    """Return the service that became slower and costs most time; None when none did."""
    now, before = _own_times(traces), _own_times(baseline)
    grown: dict[str, tuple[float, float, float]] = {}
    for service, times in now.items():
        mean = sum(times) / len(times)
        usual = sum(before[service]) / len(before[service]) if before.get(service) else 0.0
        if _slower(mean, usual):
            grown[service] = ((mean - usual) * len(times), mean, usual)
    if not grown:
        return None
    service = max(grown, key=lambda name: grown[name][0])
    _, mean, usual = grown[service]
    slower = sum(_slower(seconds, usual) for seconds in now[service])
    words = f"{service} takes {mean:.2f} s of its own a call, where it took {usual:.2f} s before the fault"
    return Blame(service, slower, len(now[service]), words)


def _slower(seconds: float, usual: float) -> bool:
    return seconds - usual >= SLOWER_SECONDS and seconds >= usual * SLOWER_TIMES


def _own_times(traces: Iterable[Trace]) -> dict[str, list[float]]:
    """Return each call's own time in seconds, by service."""
    found: dict[str, list[float]] = defaultdict(list)
    for trace in traces:
        waited: dict[str, float] = {}
        for _, span in trace.walk():
            below = trace.children.get(span.id, [])
            own = span.seconds - _covered(span, below)
            if span.peer and below:
                waited[below[0].id] = own
            elif span.peer:
                found[span.peer].append(own)
            elif span.kind == "server" or not span.parent:
                found[span.service].append(own + waited.get(span.id, 0.0))
    return found


def _covered(span: Span, below: Iterable[Span]) -> float:
    """Return how many of a span's seconds its children cover, those that overlap counted once."""
    covered, reached = 0.0, span.start
    for child in sorted(below, key=lambda child: child.start):
        start, end = max(child.start, reached), min(child.end, span.end)
        covered += max(end - start, 0.0)
        reached = max(reached, end)
    return covered


def calls_by_service(traces: Iterable[Trace]) -> dict[str, tuple[int, int]]:
    """Return how many requests each service answered, and how many of them failed."""
    calls: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for trace in traces:
        for span in trace.spans:
            if span.kind == "server":
                calls[span.service] += 1
                failed[span.service] += span.failed
    return {service: (calls[service], failed[service]) for service in sorted(calls)}
