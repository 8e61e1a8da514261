"""How the times to detect and to recover went from day to day: a plot for each experiment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from ..report.history import Comparison, Entry, entry_of
from ..report.page import card, pill
from ..report.svg.markup import Child, Markup, tag
from ..report.svg.plot import percent, stretched, stroke, x_tick, y_tick
from ..report.svg.points import HEIGHT, WIDTH
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
        "the median and three standard deviations on either side, once there are five earlier runs."
    )
    return card("Trends", *groups, note=note, long=True)


def _figure(run: RunResult, name: str, value: Callable[[Entry], float | None]) -> Markup | None:
    """Return one experiment's plot of one time; None without an earlier value."""
    points = [(e.started, v) for e in (*run.before, entry_of(run.verification)) if (v := value(e)) is not None]
    compared = next((c for c in run.compared if c.name == name), None)
    if compared is None or not compared.before:
        return None
    caption = tag(
        "figcaption",
        tag("h3", run.verification.experiment),
        pill(compared.judged, _TONES.get(compared.judged, "none")),
        tag("span", f"{seconds(compared.now)}{_usual(compared)}", class_="values"),
    )
    said = (
        f"{name} of {run.verification.experiment}: {seconds(compared.now)} after {len(points) - 1} earlier runs"
    )
    return tag("figure", caption, _draw(points, compared, f"{said}{_usual(compared)}; {compared.judged}"))


def _usual(c: Comparison) -> str:
    if c.low is None or c.high is None:
        return ""
    return f", usual {seconds(max(c.low, 0.0))} to {seconds(c.high)}"


def _draw(points: Sequence[tuple[str, float]], compared: Comparison, label: str) -> Markup:
    values = [value for _, value in points]
    axis = count_axis([*values, compared.high or 0.0], ticks=2)
    end = float(len(values) - 1)
    line = stroke([(float(index), value) for index, value in enumerate(values)], axis, end, "line")
    newest = tag("circle", cx="100%", cy=percent(axis.share(values[-1])), r=4, class_="newest")
    return tag(
        "svg",
        tag("title", label),
        _band(compared, axis),
        [y_tick(axis, value, said) for value, said in axis.ticks],
        [x_tick(share, said, _HEIGHT, 0) for share, said in zip((0.0, 1.0), _ends(points), strict=True)],
        stretched(line, _dots(values, axis)),
        newest,
        class_="plot spark",
        width="100%",
        height=_HEIGHT,
        role="img",
        aria_label=label,
    )


def _band(compared: Comparison, axis: Axis) -> Markup | None:
    """Shade what is usual."""
    if compared.low is None or compared.high is None:
        return None
    top, bottom = axis.share(compared.high), axis.share(max(compared.low, 0.0))
    return tag("rect", x=0, width="100%", y=percent(top), height=percent(bottom - top), class_="band recovery")


def _dots(values: Sequence[float], axis: Axis) -> Markup:
    """Mark every run: strokes of no length, whose round ends keep their shape when the area is stretched."""
    last = len(values) - 1
    at = [
        f"M{index / last * WIDTH:.0f} {axis.share(value) * HEIGHT:.0f}h0" for index, value in enumerate(values)
    ]
    return tag("path", d="".join(at), class_="line", style="stroke-width:5")


def _ends(points: Sequence[tuple[str, float]]) -> tuple[str, str]:
    """Return the first and the last run's day, or their times when that is the same day."""
    first, last = (datetime.fromisoformat(started) for started, _ in (points[0], points[-1]))
    form = "%H:%M" if first.date() == last.date() else "%d %b"
    return first.strftime(form), last.strftime(form)
