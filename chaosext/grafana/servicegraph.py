"""Who calls whom, by traces: one edge for each pair of a caller and whom it called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from .traces import Span, Trace

__all__ = ["Call", "service_graph"]


@dataclass(frozen=True)
class Call:
    """The calls of one service by another, as their caller saw them: how many, failed ones, mean seconds."""

    caller: str
    callee: str
    calls: int
    failed: int
    mean_seconds: float


def service_graph(traces: Iterable[Trace]) -> list[Call]:
    """Return the edges by caller and callee; a database that sends no spans is named by who calls it."""
    found: dict[tuple[str, str], list[Span]] = defaultdict(list)
    for trace in traces:
        for span in trace.spans:
            below = trace.children.get(span.id, [])
            callee = next((child.service for child in below if child.service != span.service), span.peer)
            if span.kind == "client" and callee:
                found[span.service, callee].append(span)
    return [
        Call(
            caller,
            callee,
            calls=len(spans),
            failed=sum(span.failed for span in spans),
            mean_seconds=round(fmean(span.seconds for span in spans), 6),
        )
        for (caller, callee), spans in sorted(found.items())
    ]
