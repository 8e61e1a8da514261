"""Durations and points in time as Grafana writes them. Everything is in whole milliseconds.

The rules are those of grafana-plugin-sdk-go's `gtime` package; expressions that round to a calendar unit
(`now/d`) are not supported here.
"""

from __future__ import annotations

import re

from .errors import ApiError

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
UNITS = {"ms": 1, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY, "y": 365.25 * DAY}
MAX_TIME_MS = 253_402_300_799_999  # the end of the year 9999

# Up to the first bound that an interval does not exceed, it is rounded to the value beside it.
ROUNDING = (
    (10, 1), (15, 10), (35, 20), (75, 50), (150, 100), (350, 200), (750, 500), (1500, 1000),
    (3500, 2000), (7500, 5000), (12_500, 10_000), (17_500, 15_000), (25_000, 20_000), (45_000, 30_000),
    (90_000, MINUTE), (210_000, 2 * MINUTE), (450_000, 5 * MINUTE), (750_000, 10 * MINUTE),
    (1_050_000, 15 * MINUTE), (1_500_000, 20 * MINUTE), (2_700_000, 30 * MINUTE), (5_400_000, HOUR),
    (9_000_000, 2 * HOUR), (16_200_000, 3 * HOUR), (32_400_000, 6 * HOUR), (86_400_000, 12 * HOUR),
    (7 * DAY, DAY), (21 * DAY, 7 * DAY), (730 * DAY - 1, 30 * DAY),
)  # fmt: skip

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w|y)", re.ASCII)
_RELATIVE = re.compile(r"now((?:[+-]\d{1,12}[smhdw])*)", re.ASCII)
_TERM = re.compile(r"([+-])(\d+)([smhdw])")


def parse_duration(text: str) -> int:
    """Return the milliseconds of "30s", "1m30s", "500ms", "1d", or of a bare number, which means seconds.

    Raises ValueError, in Go's words, when `text` is none of these.
    """
    parts = _PART.findall(f"{text}s" if text.isdigit() else text)
    written = "".join(number + unit for number, unit in parts)
    duration = sum(float(number) * UNITS[unit] for number, unit in parts)
    if not parts or written not in {text, f"{text}s"} or duration > MAX_TIME_MS:
        raise ValueError(f'time: invalid duration "{text[:80]}"')
    return int(duration)


def parse_time(name: str, text: str, now_ms: int) -> int:
    """Return the epoch milliseconds of `text`: epoch milliseconds, "now", "now-1h", "now-1d+90s".

    Raises ApiError (400) otherwise. Grafana takes such a text for 1970 without a word; refusing it shows
    the mistake to whoever made it.
    """
    moment = int(text) if re.fullmatch(r"-?\d{1,18}", text, re.ASCII) else _relative(text, now_ms)
    if moment is None or not 0 <= moment <= MAX_TIME_MS:
        raise ApiError(
            400,
            f"invalid time range: {name} is {text[:80]!r}; expected epoch milliseconds as a string, "
            "or now, optionally with offsets such as now-90s or now-1h (units s, m, h, d, w)",
        )
    return moment


def _relative(text: str, now_ms: int) -> int | None:
    match = _RELATIVE.fullmatch(text)
    if not match:
        return None
    terms = _TERM.findall(match[1])
    return now_ms + sum(int(sign + number) * int(UNITS[unit]) for sign, number, unit in terms)


def round_interval(interval_ms: float) -> int:
    """Return a rounder interval, mostly a lower one: 1700 becomes 2000, 40000 becomes 30000."""
    for bound, value in ROUNDING:
        if interval_ms <= bound:
            return value
    return 365 * DAY


def format_interval(interval_ms: int) -> str:
    """Return the interval in its largest unit, cut to a whole number of it: 90000 becomes "1m"."""
    for unit, size in (("y", 365 * DAY), ("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", SECOND)):
        if interval_ms >= size:
            return f"{interval_ms // size}{unit}"
    return f"{max(interval_ms, 1)}ms"


def go_duration(duration_ms: int) -> str:
    """Return the duration as Go prints it: "15s", "1m0s", "1h0m0s", "1.5s", "200ms"."""
    if duration_ms < SECOND:
        return f"{duration_ms}ms" if duration_ms else "0s"
    minutes, rest = divmod(duration_ms, MINUTE)
    seconds = f"{rest / SECOND:.3f}".rstrip("0").rstrip(".") + "s"
    if not minutes:
        return seconds
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{seconds}" if hours else f"{minutes}m{seconds}"
