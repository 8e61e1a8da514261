"""A Prometheus query of /api/ds/query: its flags, its step, and the variables in its expression.

The rules are those of Grafana's `pkg/promlib/models/query.go`; all durations are milliseconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from . import body
from .durations import format_interval, go_duration, parse_duration, round_interval

DEFAULT_MAX_DATA_POINTS = 100  # of a query that does not say
DEFAULT_RESOLUTION = 1500  # of a query that says 0
MAX_POINTS = 11_000  # Prometheus refuses more in one series
DEFAULT_INTERVAL_MS = 1000  # what $__rate_interval starts from when intervalMs is absent

MAX_NUMBER = 10**14  # what is larger is cut to it; 3,000 years in milliseconds

_VARIABLE = re.compile(r"\$(?:\{(__\w+)\}|(__(?:interval|range|rate_interval)(?:_ms|_s)?))")
_RATE_INTERVAL = frozenset({"$__rate_interval", "${__rate_interval}"})
_INTERVAL = frozenset({"$__interval", "${__interval}"})
_OTHER_VARIABLES = frozenset(
    {"$__interval_ms", "${__interval_ms}", "$__rate_interval_ms", "${__rate_interval_ms}"}
)


@dataclass(frozen=True)
class TimeRange:
    """From and to, in epoch milliseconds."""

    start_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        """Return how long the range is, in milliseconds; negative when it ends before it starts."""
        return self.end_ms - self.start_ms


@dataclass(frozen=True)
class PromQuery:
    """What is asked of Prometheus; `start_ms` and `end_ms` are not yet aligned to the step."""

    ref_id: str
    expr: str
    legend: str
    instant: bool
    range: bool
    step_ms: int
    window: TimeRange
    utc_offset_ms: int

    def aligned(self) -> TimeRange:
        """Return the range with both ends rounded down to a multiple of the step, in local time."""
        return TimeRange(self._align(self.window.start_ms), self._align(self.window.end_ms))

    def _align(self, moment_ms: int) -> int:
        local = moment_ms + self.utc_offset_ms
        return local - local % self.step_ms - self.utc_offset_ms

    def executed(self) -> str:
        """Return what Grafana shows as the executed query."""
        return f"Expr: {self.expr}\nStep: {go_duration(self.step_ms)}"


def parse(ref_id: str, query: dict[str, Any], window: TimeRange, scrape_ms: int) -> PromQuery:
    """Return the typed form of one entry of `queries`.

    `scrape_ms` is the data source's scrape interval. Raises ApiError (400) when a value has the wrong type,
    and ValueError when `interval` is no duration.
    """
    interval = body.text(query, "interval")
    step_ms = _step(query, interval, window, scrape_ms)
    instant, ranged = body.flag(query, "instant"), body.flag(query, "range")
    return PromQuery(
        ref_id=ref_id,
        expr=_interpolate(query, interval, step_ms, window, scrape_ms),
        legend=body.text(query, "legendFormat"),
        instant=instant,
        range=ranged or not instant,
        step_ms=step_ms,
        window=window,
        utc_offset_ms=body.whole(query, "utcOffsetSec") * 1000,
    )


def whole_number(query: dict[str, Any], key: str, default: int) -> int:
    """Return a number cut to whole, within MAX_NUMBER; `default` when it is absent or no number."""
    value = query.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return default
    return max(-MAX_NUMBER, min(int(value), MAX_NUMBER))


def _step(query: dict[str, Any], interval: str, window: TimeRange, scrape_ms: int) -> int:
    """Return max(range / maxDataPoints rounded, minimum interval), within what Prometheus answers."""
    variable = interval in _RATE_INTERVAL | _INTERVAL | _OTHER_VARIABLES
    minimum = _minimum_step("" if variable else interval, whole_number(query, "intervalMs", 0), scrape_ms)
    points = whole_number(query, "maxDataPoints", DEFAULT_MAX_DATA_POINTS)
    wanted = window.length_ms / (points if points > 0 else DEFAULT_RESOLUTION)
    calculated = minimum if wanted < minimum else round_interval(wanted)
    step = max(calculated, round_interval(window.length_ms / MAX_POINTS))
    if interval in _RATE_INTERVAL:
        return _rate_interval(step, scrape_ms)
    return step * max(whole_number(query, "intervalFactor", 1), 1)


def _minimum_step(interval: str, interval_ms: int, scrape_ms: int) -> int:
    if interval in {"", "0s"}:
        return interval_ms if interval_ms > 0 else scrape_ms
    return _least(interval)


def _least(interval: str) -> int:
    return max(parse_duration(interval.removeprefix("<").removesuffix(">")), 1)


def _rate_interval(interval_ms: int, scrape_ms: int) -> int:
    return max(interval_ms + scrape_ms, 4 * scrape_ms)


def _rate_window(query: dict[str, Any], interval: str, step_ms: int, scrape_ms: int) -> int:
    if interval in _RATE_INTERVAL:
        return step_ms
    if interval in _INTERVAL:
        scrape_ms = step_ms
    elif interval and interval not in _OTHER_VARIABLES:
        scrape_ms = _least(interval)
    return _rate_interval(whole_number(query, "intervalMs", DEFAULT_INTERVAL_MS), scrape_ms)


def _interpolate(query: dict[str, Any], interval: str, step_ms: int, window: TimeRange, scrape_ms: int) -> str:
    rate_ms = _rate_window(query, interval, step_ms, scrape_ms)
    range_s = (window.length_ms + 500) // 1000
    values = {
        "__interval": format_interval(step_ms),
        "__interval_ms": str(step_ms),
        "__range": f"{range_s}s",
        "__range_s": str(range_s),
        "__range_ms": str(window.length_ms),
        "__rate_interval": go_duration(rate_ms),
        "__rate_interval_ms": str(rate_ms),
    }
    # An unknown variable stays as it is, and Prometheus says that it cannot parse it.
    return _VARIABLE.sub(lambda match: values.get(match[1] or match[2], match[0]), body.text(query, "expr"))
