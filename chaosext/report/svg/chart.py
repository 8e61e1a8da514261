"""A chart of several series over wall-clock time: an axis, thresholds, shaded spans, gaps without data.

Laid out as plot.draw does it: percentages of the container's width at a fixed height.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .markup import Markup, tag
from .plot import Band, Mark, percent, shade, stretched, stroke, upright, x_tick, y_tick
from .points import Point, thin
from .scale import TIME_STEPS, Axis, nice

__all__ = ["Chart", "Line", "Series", "chart", "value_axis", "wall_ticks"]

_DAY = 86_400
_TICKS = 7


@dataclass(frozen=True)
class Series:
    """One line: its points in epoch seconds, its colour as a CSS class, and what it says as a tooltip."""

    points: Sequence[Point]
    kind: str
    label: str


@dataclass(frozen=True)
class Line:
    """A horizontal line at a value; `kind` becomes its CSS class."""

    value: float
    kind: str
    label: str


@dataclass(frozen=True)
class Chart:
    """What is drawn between two epoch seconds; bands and marks are epoch seconds too.

    `label` is the text alternative. `columns` bounds the points that a series keeps.
    """

    label: str
    series: Sequence[Series]
    start: float
    end: float
    axis: Axis
    bands: Sequence[Band] = ()
    marks: Sequence[Mark] = ()
    lines: Sequence[Line] = ()
    height: int = 160
    columns: int = 240


def chart(drawn: Chart) -> Markup:
    """Return the chart as an <svg> element."""
    start, span = drawn.start, max(drawn.end - drawn.start, 1e-9)
    marks = [Mark(mark.at - start, mark.kind, mark.label) for mark in drawn.marks]
    return tag(
        "svg",
        tag("title", drawn.label),
        [shade(band.start - start, band.end - start, span, f"band {band.kind}") for band in drawn.bands],
        [y_tick(drawn.axis, value, said) for value, said in drawn.axis.ticks],
        [
            x_tick((at - start) / span, said, drawn.height, index)
            for index, (at, said) in enumerate(wall_ticks(start, drawn.end))
        ],
        [_line(line, drawn.axis) for line in drawn.lines],
        [upright(mark, span) for mark in marks if 0 <= mark.at <= span],
        stretched(_series(one, drawn, span) for one in drawn.series),
        class_="plot chart",
        width="100%",
        height=drawn.height,
        role="img",
        aria_label=drawn.label,
    )


def _series(one: Series, drawn: Chart, span: float) -> Markup:
    points = [(at - drawn.start, value) for at, value in thin(one.points, drawn.columns)]
    return tag("g", tag("title", one.label), stroke(points, drawn.axis, span, f"line {one.kind}"))


def _line(line: Line, axis: Axis) -> Markup | None:
    if not axis.low <= line.value <= axis.high:
        return None
    y = percent(axis.share(line.value))
    return tag("line", tag("title", line.label), x1=0, x2="100%", y1=y, y2=y, class_=f"threshold {line.kind}")


def value_axis(
    values: Sequence[float],
    say: Callable[[float], str],
    low: float | None = None,
    high: float | None = None,
    ticks: int = 4,
) -> Axis:
    """Return an axis that holds all values, from 0 unless they lie below it, with ticks at round numbers.

    `low` and `high` fix an end; `say` words a tick's value.
    """
    known = [value for value in values if math.isfinite(value)]
    bottom = min([0.0, *known]) if low is None else low
    top = max([bottom, *known]) if high is None else high
    if top <= bottom:
        top = bottom + (abs(bottom) or 1.0)
    step = nice((top - bottom) / ticks)
    first = math.floor(bottom / step + 1e-9)
    last = math.ceil(top / step - 1e-9)
    marks = [n * step for n in range(first, last + 1)]
    bottom = marks[0] if low is None else low
    top = marks[-1] if high is None else high
    slack = (top - bottom) * 1e-9
    return Axis(bottom, top, tuple((m, say(m)) for m in marks if bottom - slack <= m <= top + slack))


def wall_ticks(start: float, end: float) -> list[tuple[float, str]]:
    """Return ticks between two epoch seconds at round times of this machine's clock, at most about seven."""
    span = end - start
    step = next((s for s in TIME_STEPS if span / s <= _TICKS), None)
    step = step or _DAY * math.ceil(span / _DAY / _TICKS)
    offset = datetime.fromtimestamp(start).astimezone().utcoffset() or timedelta()
    shift = offset.total_seconds()
    first = math.ceil((start + shift) / step) * step - shift
    style = "%d %b" if step >= _DAY else "%H:%M" if step >= TIME_STEPS[6] else "%H:%M:%S"
    count = max(math.floor((end - first) / step) + 1, 0)
    return [(at, f"{datetime.fromtimestamp(at):{style}}") for at in (first + n * step for n in range(count))]
