"""Panels of type timeseries: a chart, its legend, thresholds, and the annotations as shaded regions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from chaosext.report.svg.chart import Chart, Line, Series, chart, value_axis
from chaosext.report.svg.markup import Markup, tag
from chaosext.report.svg.plot import Band, Mark
from chaosext.report.svg.points import Point
from chaosext.report.svg.style import HUES

from ..annotation_store import Annotation
from ..frames import Json
from .fields import Column, columns, reduced
from .look import look, tone
from .model import items, part
from .units import clock, show
from .view import View, nothing

_MOST_SERIES = 24
_LEGEND_ROW = 20  # px
_AXIS = 40  # px below and above the area
_GAP_STEPS = 2.5  # between two points further apart than this many steps there was no data


def render(view: View) -> Markup:
    """Return the chart with its legend below."""
    shown = [one for one in columns(view.panel, view.answers, view.scope) if one.field.values][:_MOST_SERIES]
    if not shown:
        return nothing()
    kinds = [_kind(one, index) for index, one in enumerate(shown)]
    start, end = view.scope.start_ms / 1000, view.scope.end_ms / 1000
    settings = shown[0].settings
    values = [value for one in shown for value in one.numbers if value is not None]
    lines = _thresholds(settings)
    legend = _legend(view, shown, kinds)
    drawn = Chart(
        label=_said(view, shown),
        series=[Series(_points(one), kind, one.name) for one, kind in zip(shown, kinds, strict=True)],
        start=start,
        end=end,
        axis=value_axis(values, lambda value: _tick(value, settings), *_limits(settings)),
        bands=[
            Band(a.time / 1000, a.time_end / 1000, "fault") for a in view.annotations if a.time_end > a.time
        ],
        marks=[mark for a in view.annotations for mark in _marks(a)],
        lines=lines,
        height=max(view.height - _AXIS - (_LEGEND_ROW if legend else 0), 60),
    )
    return tag("div", chart(drawn), legend)


def _tick(value: float, settings: Json) -> str:
    return show(value, str(settings.get("unit") or ""))


def _limits(settings: Json) -> tuple[float | None, float | None]:
    low, high = settings.get("min"), settings.get("max")
    return (float(low) if low is not None else None, float(high) if high is not None else None)


def _kind(one: Column, index: int) -> str:
    """Return the CSS class of a series' colour: its own, its threshold's, or the next of the palette."""
    color = part(one.settings, "color")
    mode = color.get("mode")
    chosen = ""
    if mode == "fixed":
        chosen = tone(str(color.get("fixedColor") or ""))
    elif mode == "thresholds":
        chosen = look(reduced(one.numbers), one.settings).tone
    return chosen if chosen in {"good", "warn", "bad", "none"} else f"hue-{index % HUES + 1}"


def _points(one: Column) -> list[Point]:
    """Return the points in seconds, with one without data where samples are missing."""
    return list(_with_gaps(one))


def _with_gaps(one: Column) -> Iterator[Point]:
    before: int | None = None
    for moment, value in zip(one.times, one.numbers, strict=True):
        if before is not None and one.step_ms and moment - before > _GAP_STEPS * one.step_ms:
            yield (before + one.step_ms) / 1000, None
        yield moment / 1000, value
        before = moment


def _thresholds(settings: Json) -> list[Line]:
    if part(part(settings, "custom"), "thresholdsStyle").get("mode") in {None, "off"}:
        return []
    unit = str(settings.get("unit") or "")
    return [
        Line(
            float(step["value"]), tone(str(step.get("color") or "")) or "none", show(float(step["value"]), unit)
        )
        for step in items(part(settings, "thresholds"), "steps")
        if step.get("value") is not None
    ]


def _marks(annotation: Annotation) -> Iterator[Mark]:
    said = f"{annotation.text}, {clock(annotation.time)}"
    yield Mark(annotation.time / 1000, "landed", said)
    if annotation.time_end > annotation.time:
        yield Mark(
            annotation.time_end / 1000, "phase", f"End of: {annotation.text}, {clock(annotation.time_end)}"
        )


def _legend(view: View, shown: list[Column], kinds: list[str]) -> Markup | None:
    options = part(view.panel.options, "legend")
    if options.get("showLegend") is False or options.get("displayMode") == "hidden":
        return None
    calculations = [str(name) for name in options.get("calcs") or []] or ["lastNotNull"]
    entries = [
        _entry(one, kind, calculations) for one, kind in itertools.islice(zip(shown, kinds, strict=True), 24)
    ]
    return tag("ul", entries, class_="legend")


def _entry(one: Column, kind: str, calculations: list[str]) -> Markup:
    values = [look(reduced(one.numbers, name), one.settings).text for name in calculations]
    names = "" if len(calculations) == 1 else f" ({', '.join(_WORDS.get(name, name) for name in calculations)})"
    swatch = tag("i", class_=f"key {kind}", aria_hidden="true")
    return tag("li", swatch, tag("span", one.name), tag("b", ", ".join(values), title=f"last{names}".strip()))


_WORDS = {"lastNotNull": "last", "mean": "mean", "max": "max", "min": "min"}


def _said(view: View, shown: list[Column]) -> str:
    last = "; ".join(f"{one.name} {look(reduced(one.numbers), one.settings).text}" for one in shown[:8])
    return f"{view.panel.title} over time, now: {last}"
