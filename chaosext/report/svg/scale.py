"""Where an axis begins and ends, where its ticks are, and what they say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "TIME_STEPS",
    "Axis",
    "clock",
    "count_axis",
    "duration",
    "duration_ticks",
    "nice",
    "ratio_axis",
    "time_ticks",
]

TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
_NARROWEST_RATIO = 0.1
"""The least range of a ratio's axis: noise below a percent should not look like a failure."""
_MINUTE, _HOUR = 60, 3600
_THREE_DIGITS = 999.5
"""From here on a number rounds to four digits."""


@dataclass(frozen=True)
class Axis:
    """A vertical axis: its range, and its ticks as (value, label)."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def share(self, value: float) -> float:
        """Return where a value lies, 0 at the top and 1 at the bottom; kept within the axis."""
        return min(max((self.high - value) / (self.high - self.low), 0.0), 1.0)


def ratio_axis(values: Sequence[float], ticks: int = 4) -> Axis:
    """Return an axis for ratios in [0, 1]: its top is 100%, its bottom a round number below all values."""
    low = min([1 - _NARROWEST_RATIO, *values])
    step = nice((1 - max(low, 0.0)) / ticks)
    bottom = max(0.0, 1 - math.ceil((1 - low) / step - 1e-9) * step)
    count = round((1 - bottom) / step)
    marks = [1 - n * step for n in range(count + 1)]
    return Axis(bottom, 1.0, tuple((mark, f"{round(mark * 100, 2):g}%") for mark in marks))


def count_axis(values: Sequence[float], ticks: int = 4) -> Axis:
    """Return an axis for counts: from 0 to a round number that is at least 1 and holds all values."""
    high = max([1.0, *values])
    step = max(1.0, nice(high / ticks))
    top = math.ceil(high / step - 1e-9) * step
    marks = [n * step for n in range(round(top / step) + 1)]
    return Axis(0.0, top, tuple((mark, _short(mark)) for mark in marks))


def time_ticks(seconds: float, ticks: int = 8) -> list[tuple[float, str]]:
    """Return ticks for the time from 0 to `seconds`: at most about `ticks`, at round times."""
    step = next((s for s in TIME_STEPS if seconds / s <= ticks), None)
    if step is None:
        days = TIME_STEPS[-1]
        step = days * math.ceil(seconds / days / ticks)
    return [(float(at), clock(at)) for at in range(0, math.floor(seconds) + 1, step)]


def duration_ticks(milliseconds: float, ticks: int = 6) -> list[tuple[float, str]]:
    """Return ticks from 0 to a duration above 0, at most `ticks` and one, each with its time in words."""
    step = nice(milliseconds / ticks)
    return [(n * step, duration(n * step)) for n in range(math.floor(milliseconds / step + 1e-9) + 1)]


def duration(milliseconds: float) -> str:
    """Say a duration in three digits, or in whole seconds: 0.45 ms, 120 ms, 2.5 s, 4000 s."""
    seconds = milliseconds / 1000
    if abs(milliseconds) < _THREE_DIGITS:
        return f"{milliseconds:.3g} ms" if round(milliseconds, 2) else "0 ms"
    return f"{seconds:.3g} s" if abs(seconds) < _THREE_DIGITS else f"{seconds:.0f} s"


def clock(seconds: float) -> str:
    """Say a time as m:ss, or h:mm:ss from an hour on."""
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE}:{whole % _MINUTE:02d}"
    return f"{whole // _HOUR}:{whole % _HOUR // _MINUTE:02d}:{whole % _MINUTE:02d}"


def nice(step: float) -> float:
    """Return the least of 1, 2, 2.5 and 5 times a power of ten that is not below a step."""
    power = 10 ** math.floor(math.log10(step))
    return float(next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= step * (1 - 1e-9)))


def _short(value: float) -> str:
    """Say a count in few characters: 1500 is 1.5k."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
