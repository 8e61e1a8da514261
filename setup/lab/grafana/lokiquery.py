"""A Loki query of /api/ds/query: its type, its step, and the variables in its expression.

The rules are those of Grafana's `pkg/tsdb/loki/parse_query.go` and `step.go`; durations are milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import body
from .durations import format_interval, parse_duration
from .promquery import DEFAULT_MAX_DATA_POINTS, TimeRange, whole_number

MAX_POINTS = 11_000  # Loki refuses more in one series
_RESOLUTIONS = frozenset({1, 2, 3, 4, 5, 10})


@dataclass(frozen=True)
class LokiQuery:
    """What is asked of Loki; `max_lines` 0 leaves the number to it."""

    ref_id: str
    expr: str
    instant: bool
    forward: bool
    max_lines: int
    legend: str
    step_ms: int
    window: TimeRange


def parse(ref_id: str, query: dict[str, Any], window: TimeRange) -> LokiQuery:
    """Return the typed form of one entry of `queries`.

    Raises ApiError (400) when a value has the wrong type, and ValueError when a name or the step is none.
    """
    kind = body.text(query, "queryType") or "range"
    if kind not in {"instant", "range"}:
        raise ValueError(f"invalid queryType: {kind}")
    direction = body.text(query, "direction") or "backward"
    if direction not in {"backward", "forward", "scan"}:
        raise ValueError(f"invalid queryDirection: {direction}")
    interval_ms = _interval(query, window)
    step_ms = _step(query, interval_ms, window)
    expr = body.text(query, "expr")
    return LokiQuery(
        ref_id=ref_id,
        expr=_interpolated(expr, interval_ms, window, step_ms, instant=kind == "instant"),
        instant=kind == "instant",
        forward=direction == "forward",
        max_lines=max(body.whole(query, "maxLines"), 0),
        legend=body.text(query, "legendFormat"),
        step_ms=step_ms,
        window=window,
    )


def _interval(query: dict[str, Any], window: TimeRange) -> int:
    """Return the time between two points: what the panel says, or what its number of points comes to."""
    given = whole_number(query, "intervalMs", 0)
    if given > 0:
        return given
    points = whole_number(query, "maxDataPoints", DEFAULT_MAX_DATA_POINTS)
    return max(window.length_ms // max(points, 1), 1)


def _step(query: dict[str, Any], interval_ms: int, window: TimeRange) -> int:
    given = body.text(query, "step")
    resolution = whole_number(query, "resolution", 1)
    wanted = interval_ms * (resolution if resolution in _RESOLUTIONS else 1)
    if given:
        written = {"$__interval": f"{interval_ms}ms", "${__interval}": f"{interval_ms}ms"}.get(given, given)
        wanted = parse_duration(written)
    return max(wanted, -(-window.length_ms // MAX_POINTS), 1)


def _interpolated(expr: str, interval_ms: int, window: TimeRange, step_ms: int, *, instant: bool) -> str:
    range_s = (window.length_ms + 500) // 1000
    values = {
        "__interval_ms": str(interval_ms),
        "__interval": format_interval(interval_ms),
        "__range_ms": str(window.length_ms),
        "__range_s": str(range_s),
        "__range": f"{range_s}s",
    }
    # The longer names first: each is also the beginning of a shorter one's text.
    for name, value in values.items():
        expr = expr.replace(f"${name}", value).replace(f"${{{name}}}", value)
    return expr.replace("$__auto", f"{range_s}s" if instant else format_interval(step_ms))
