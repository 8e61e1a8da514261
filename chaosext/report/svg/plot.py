"""A line plot over time: shaded phases, a tolerance, marks, gaps, axes.

The SVG fills its container's width at a fixed height: positions are percentages, and only the line itself is
stretched, so that text and strokes keep their size on a phone, a screen and paper alike. Labels lie in the
margins that style.STYLE gives the SVG.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .markup import Child, Markup, tag
from .points import HEIGHT, WIDTH, Point, gaps, line_path, thin
from .scale import Axis, clock, time_ticks

__all__ = [
    "Band",
    "Limit",
    "Mark",
    "Plot",
    "draw",
    "percent",
    "shade",
    "spark",
    "stretched",
    "stroke",
    "time_axis",
    "upright",
    "x_tick",
    "y_tick",
]


@dataclass(frozen=True)
class Band:
    """A shaded span of time, in seconds; `kind` becomes its CSS class."""

    start: float
    end: float
    kind: str


@dataclass(frozen=True)
class Mark:
    """A moment, drawn as a vertical line; `kind` becomes its CSS class, `label` its tooltip."""

    at: float
    kind: str
    label: str


@dataclass(frozen=True)
class Limit:
    """A horizontal line, and on which side of it values are bad: `below` or above."""

    value: float
    below: bool
    label: str


@dataclass(frozen=True)
class Plot:
    """What is drawn: one series over 0 to `seconds`, its axis, and what it is held against.

    `label` is the text alternative, and says what a reader of the plot would learn from it.
    """

    label: str
    points: Sequence[Point]
    seconds: float
    axis: Axis
    bands: Sequence[Band] = ()
    marks: Sequence[Mark] = ()
    limit: Limit | None = None
    height: int = 120
    columns: int = 240
    kind: str = ""


def draw(plot: Plot) -> Markup:
    """Return the plot as an <svg> element."""
    end = max(plot.seconds, 1e-9)
    points = thin(plot.points, plot.columns)
    return tag(
        "svg",
        tag("title", plot.label),
        [shade(band.start, band.end, end, f"band {band.kind}") for band in plot.bands],
        _bad_side(plot),
        [shade(a, b, end, "gap") for a, b in gaps(points, end)],
        [y_tick(plot.axis, value, label) for value, label in plot.axis.ticks],
        time_axis(end, plot.height),
        _limit(plot),
        [_moment(mark, end) for mark in plot.marks if 0 <= mark.at <= end],
        stretched(stroke(points, plot.axis, end, "line")),
        class_=f"plot {plot.kind}".strip(),
        width="100%",
        height=plot.height,
        role="img",
        aria_label=plot.label,
    )


def spark(values: Sequence[float | None], label: str, high: float | None = None) -> Markup:
    """Return a small trend, the newest value last and dotted: from 0 to `high`, or to the greatest value."""
    known = [v for v in values if v is not None]
    axis = Axis(0.0, max([high or 0.0, *known, 1e-9]) * 1.05, ())
    points: list[Point] = [(float(index), value) for index, value in enumerate(values)]
    end = max(len(values) - 1.0, 1.0)
    last = values[-1] if values else None
    dot = None if last is None else tag("circle", cx="100%", cy=percent(axis.share(last)), r=3, class_="newest")
    return tag(
        "svg",
        tag("title", label),
        stretched(stroke(points, axis, end, "line")),
        dot,
        class_="spark",
        width="100%",
        height=28,
        role="img",
        aria_label=label,
    )


def stroke(points: Sequence[Point], axis: Axis, end: float, kind: str) -> Markup:
    """Draw a series in the user units of `stretched`; `kind` is its CSS class."""
    scaled = [None if value is None else (at / end * WIDTH, axis.share(value) * HEIGHT) for at, value in points]
    return tag("path", d=line_path(scaled), class_=kind)


def stretched(*paths: Child) -> Markup:
    """Stretch series to the plot's area; their strokes keep their width by STYLE."""
    return tag(
        "svg",
        *paths,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        preserveAspectRatio="none",
        width="100%",
        height="100%",
        class_="area",
    )


def shade(start: float, stop: float, end: float, kind: str) -> Markup:
    """Draw a span of time over the whole height; `end` is the time at the right edge."""
    left, right = (min(max(at / end, 0.0), 1.0) for at in (start, stop))
    return tag("rect", x=percent(left), width=percent(right - left), y=0, height="100%", class_=kind)


def _bad_side(plot: Plot) -> Markup | None:
    """Tint where values are out of tolerance, unless that is everywhere or nowhere."""
    if plot.limit is None:
        return None
    at = plot.axis.share(plot.limit.value)
    if at in {0.0, 1.0}:
        return None
    top, height = (at, 1 - at) if plot.limit.below else (0.0, at)
    return tag("rect", x=0, width="100%", y=percent(top), height=percent(height), class_="bad-side")


def _limit(plot: Plot) -> Markup | None:
    if plot.limit is None:
        return None
    y = percent(plot.axis.share(plot.limit.value))
    return tag("line", tag("title", plot.limit.label), x1=0, x2="100%", y1=y, y2=y, class_="limit")


def y_tick(axis: Axis, value: float, label: str) -> Markup:
    """Draw a tick of the vertical axis: its label in the margin, and a line through the area."""
    y = percent(axis.share(value))
    return tag(
        "g",
        tag("line", x1=0, x2="100%", y1=y, y2=y, class_="grid"),
        tag("text", label, x=-8, y=y, dy="0.32em", class_="y"),
    )


def time_axis(seconds: float, height: float) -> list[Markup]:
    """Draw the time axis below an area; every second label is `minor`, which STYLE hides on a phone."""
    return [x_tick(at / seconds, label, height, index) for index, (at, label) in enumerate(time_ticks(seconds))]


def x_tick(share: float, label: str, height: float, index: int) -> Markup:
    """Draw the tick of a time axis with this place in it, at a share of the width."""
    x = percent(share)
    return tag(
        "g",
        tag("line", x1=x, x2=x, y1=height, y2=height + 4, class_="tick"),
        tag("text", label, x=x, y=height + 16, class_="x"),
        class_="minor" if index % 2 else None,
    )


def _moment(mark: Mark, end: float) -> Markup:
    return upright(replace(mark, label=f"{mark.label} at {clock(mark.at)}"), end)


def upright(mark: Mark, end: float) -> Markup:
    """Draw a moment as a line from top to bottom, with its label as the tooltip."""
    x = percent(mark.at / end)
    return tag("line", tag("title", mark.label), x1=x, x2=x, y1=0, y2="100%", class_=f"mark {mark.kind}")


def percent(share: float) -> str:
    """Write a share of a width or a height as a percentage."""
    return f"{share * 100:.2f}".rstrip("0").rstrip(".") + "%"
