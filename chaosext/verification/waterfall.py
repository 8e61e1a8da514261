"""Turns a trace into the waterfall that a report draws."""

from __future__ import annotations

from collections.abc import Callable

from ..evidence import TraceEvidence, TraceSpan
from ..grafana.traces import Span, Trace
from .rootcause import blamed_span

__all__ = ["waterfall"]

MOST_SPANS = 80
_STATEMENT, _EXCEPTION, _NAME = 500, 500, 200

Mask = Callable[[str, int], str]
"""Masks secrets in a text and cuts it to a length."""


def waterfall(trace: Trace, zero: float, mask: Mask) -> TraceEvidence:
    """Return a trace as evidence; `zero` is the run's start in epoch seconds."""
    blamed = blamed_span(trace)
    to_blame = blamed[0].id if blamed else ""
    first = trace.spans[0].start
    spans = [_span(span, depth, first, span.id == to_blame, mask) for depth, span in trace.walk()]
    return TraceEvidence(
        id=trace.id,
        name=mask(trace.root.name, _NAME),
        service=trace.root.service,
        at=round(first - zero, 2),
        duration=round(trace.seconds, 4),
        failed=any(span.failed for span in trace.spans),
        spans=spans[:MOST_SPANS],
        left_out=max(len(spans) - MOST_SPANS, 0),
    )


def _span(span: Span, depth: int, first: float, to_blame: bool, mask: Mask) -> TraceSpan:
    return TraceSpan(
        id=span.id,
        parent=span.parent,
        depth=depth,
        service=span.service,
        version=span.version,
        name=mask(span.name, _NAME),
        kind=span.kind,
        peer=span.peer,
        start=round(span.start - first, 4),
        duration=round(span.seconds, 4),
        failed=span.failed,
        statement=mask(span.statement, _STATEMENT),
        exception=mask(span.exception or span.message, _EXCEPTION),
        to_blame=to_blame,
    )
