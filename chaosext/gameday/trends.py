"""How the times to detect and to recover went from day to day: a plot for each experiment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..report.history import Entry, entry_of, usual
from ..report.page import card, pill
from ..report.svg.markup import Child, Markup, tag
from ..report.svg.plot import percent, shade, stretched, stroke, x_tick, y_tick
from ..report.svg.points import HEIGHT, WIDTH, Point, gaps
from ..report.svg.scale import Axis, count_axis
from ..report.words import seconds
from .summary import DayResult, RunResult

__all__ = ["trends"]

_HEIGHT = 80
_TONES = {"as usual": "good", "better than usual": "good", "worse than usual": "bad"}
_METRICS: tuple[tuple[str, Callable[[Entry], float | None]], ...] = (
    ("Time to detect", lambda entry: entry.time_to_detect_seconds),
    ("Time to recover", lambda entry: entry.time_to_recover_seconds),
)


@dataclass(frozen=True)
class _Trend:
    """One time of one experiment, run by run (None: that run has none), and the bounds of what is usual."""

    values: tuple[float | None, ...]
    started: tuple[str, ...]
    low: float | None
    high: float | None
    judged: str

    @property
    def words(self) -> str:
        """The newest value, and what is usual."""
        now = "not measured" if self.values[-1] is None else seconds(self.values[-1])
        return now if self.low is None else f"{now}, usual {seconds(self.low)} to {seconds(self.high)}"


def trends(day: DayResult) -> Markup | None:
    """Return the card of trends; None when no experiment of the day has earlier verified runs."""
    groups: list[Child] = []
    for name, value in _METRICS:
        figures = [figure for run in day.runs if (figure := _figure(run, name, value)) is not None]
        if figures:
            groups += [tag("h3", name), tag("div", figures, class_="plots few")]
    if not groups:
        return None
    note = (
        "Seconds, over earlier verified runs in this environment and this one, the large dot. Shaded: usual, "
        "the median and three standard deviations on either side, once there are five earlier runs. Grey: a "
        "run without such a time."
    )
    return card("Trends", *groups, note=note, long=True)


def _figure(run: RunResult, name: str, value: Callable[[Entry], float | None]) -> Markup | None:
    """Return one experiment's plot of one time; None when no earlier run has it."""
    trend = _trend(run, name, value)
    if trend is None:
        return None
    caption = tag(
        "figcaption",
        tag("h3", run.verification.experiment),
        pill(trend.judged, _TONES.get(trend.judged, "none")),
        tag("span", trend.words, class_="values"),
    )
    said = f"{name} of {run.verification.experiment} after {len(trend.values) - 1} earlier runs: {trend.words}"
    return tag("figure", caption, _draw(trend, f"{said}; {trend.judged}"))


def _trend(run: RunResult, name: str, value: Callable[[Entry], float | None]) -> _Trend | None:
    entries = (*run.before, entry_of(run.verification))
    values = tuple(value(entry) for entry in entries)
    known = [v for v in values[:-1] if v is not None]
    if not known:
        return None
    low, high = usual(known, "seconds")
    compared = next((c for c in run.compared if c.name == name), None)
    return _Trend(
        values=values,
        started=tuple(entry.started for entry in entries),
        low=None if low is None else max(low, 0.0),
        high=high,
        judged="not measured" if compared is None else compared.judged,
    )


def _draw(trend: _Trend, label: str) -> Markup:
    known = [value for value in trend.values if value is not None]
    axis = count_axis([*known, trend.high or 0.0], ticks=2)
    points: list[Point] = [(float(index), value) for index, value in enumerate(trend.values)]
    end = float(len(points) - 1)
    newest = trend.values[-1]
    return tag(
        "svg",
        tag("title", label),
        _band(trend, axis),
        [shade(a, b, end, "gap") for a, b in gaps(points, end)],
        [y_tick(axis, value, said) for value, said in axis.ticks],
        [x_tick(share, said, _HEIGHT, 0) for share, said in zip((0.0, 1.0), _ends(trend.started), strict=True)],
        stretched(stroke(points, axis, end, "line"), _dots(points, axis, end)),
        None
        if newest is None
        else tag("circle", cx="100%", cy=percent(axis.share(newest)), r=4, class_="newest"),
        class_="plot spark",
        width="100%",
        height=_HEIGHT,
        role="img",
        aria_label=label,
    )


def _band(trend: _Trend, axis: Axis) -> Markup | None:
    """Shade what is usual."""
    if trend.low is None or trend.high is None:
        return None
    top, bottom = axis.share(trend.high), axis.share(trend.low)
    return tag("rect", x=0, width="100%", y=percent(top), height=percent(bottom - top), class_="band recovery")


def _dots(points: Sequence[Point], axis: Axis, end: float) -> Markup:
    """Mark every run: strokes of no length, whose round ends keep their shape when the area is stretched."""
    at = [
        f"M{index / end * WIDTH:.0f} {axis.share(value) * HEIGHT:.0f}h0"
        for index, value in points
        if value is not None
    ]
    return tag("path", d="".join(at), class_="line", style="stroke-width:5")


def _ends(started: Sequence[str]) -> tuple[str, str]:
    """Return the first and the last run's day, or their times when that is the same day."""
    first, last = (datetime.fromisoformat(text) for text in (started[0], started[-1]))
    form = "%H:%M" if first.date() == last.date() else "%d %b"
    return first.strftime(form), last.strftime(form)
