"""The plots of a run: one for each SLI, with phases, tolerance, alerts and gaps; the strip of its moments."""

from __future__ import annotations

from ..result import Outcome, Phase, SliResult, Verification
from ..words import show_tolerance, show_value
from .events import events, length
from .page import pill
from .svg.markup import Markup, tag
from .svg.plot import Band, Limit, Mark, Plot, draw
from .svg.scale import clock, count_axis, ratio_axis
from .svg.strip import strip

__all__ = ["TONES", "bands", "legend", "sli_figure", "sli_figures", "timeline"]

TONES = {
    Outcome.HELD: "good",
    Outcome.DEVIATED: "good",
    Outcome.STARVED: "good",
    Outcome.UNEXPECTED: "bad",
    Outcome.TOO_FAR: "bad",
    Outcome.NOT_RECOVERED: "bad",
    Outcome.NOT_DEVIATED: "warn",
    Outcome.NO_DATA: "warn",
    Outcome.NOT_JUDGED: "none",
}
_PHASES = {Phase.BASELINE: "Baseline", Phase.FAULT: "Fault", Phase.RECOVERY: "Recovery"}
_MARKED = {"pending", "firing", "landed"}
_POINTS = 16_000
"""Columns of all plots of a page together; with at most four points each they stay far below a megabyte."""
_FEWEST = 24
_WHOLE, _HALF, _THIRD = 240, 120, 80
"""Columns of a plot by the share of the page that it has: each about four pixels wide, for four points."""


def bands(v: Verification) -> list[Band]:
    """Return the run's phases as shaded spans."""
    starts = sorted((at, phase) for phase, at in v.phases.items())
    ends = [at for at, _ in starts[1:]] + [length(v)]
    return [Band(at, end, str(phase)) for (at, phase), end in zip(starts, ends, strict=True) if end > at]


def timeline(v: Verification) -> Markup:
    """Return the strip of phases and moments, and the moments in words."""
    found = events(v)
    marks = [Mark(event.at, event.kind, event.text) for event in found]
    shaded = [(band, _PHASES[Phase(band.kind)]) for band in bands(v)]
    said = [
        tag("li", tag("b", str(n)), tag("time", clock(event.at)), tag("span", event.text))
        for n, event in enumerate(found, start=1)
    ]
    label = "Timeline of the run; the list below it says the same"
    return tag("div", strip(shaded, marks, length(v), label), tag("ol", said, class_="events"))


def sli_figures(v: Verification) -> tuple[list[Markup], list[Markup], list[Markup]]:
    """Return the figures of the SLIs that moved or should have, of those that held, and of the rest."""
    most = max(_FEWEST, _POINTS // max(len(v.slis), 1))
    calm = {Outcome.HELD, Outcome.NOT_JUDGED}
    moved = [s for s in v.slis if s.expected and s.outcome not in calm]
    held = [s for s in v.slis if s.expected and s.outcome in calm]
    rest = [s for s in v.slis if not s.expected]
    return (
        [sli_figure(v, sli, min(most, _WHOLE if len(moved) == 1 else _HALF), 180) for sli in moved],
        [sli_figure(v, sli, min(most, _HALF), 90) for sli in held],
        [sli_figure(v, sli, min(most, _THIRD), 70) for sli in rest],
    )


def sli_figure(v: Verification, sli: SliResult, columns: int, height: int) -> Markup:
    """Return one SLI's plot with its name, its outcome and its values."""
    points = [(sample.at, sample.values.get(sli.name)) for sample in v.samples]
    known = [value for _, value in points if value is not None]
    limit = _limit(sli)
    scale = count_axis if sli.unit == "count" else ratio_axis
    plot = Plot(
        label=_said(sli),
        points=points,
        seconds=length(v),
        axis=scale([*known, *([limit.value] if limit else [])], ticks=4 if height >= 120 else 2),  # noqa: PLR2004 - px
        bands=bands(v),
        marks=[Mark(e.at, e.kind, e.text) for e in events(v) if e.kind in _MARKED],
        limit=limit,
        height=height,
        columns=columns,
    )
    values = " → ".join(show_value(value, sli.unit) for value in (sli.baseline, sli.worst, sli.recovered))
    caption = tag(
        "figcaption",
        tag("h3", sli.display_name),
        pill(sli.outcome, TONES[sli.outcome]) if sli.expected else None,
        tag("span", values, class_="values"),
    )
    return tag("figure", caption, draw(plot))


def _limit(sli: SliResult) -> Limit | None:
    if sli.tolerance is None:
        return None
    counted = sli.unit == "count"
    value = sli.tolerance.high if counted else sli.tolerance.low
    return Limit(value, not counted, f"Tolerance: {show_tolerance(sli.tolerance, sli.unit)}")


def _said(sli: SliResult) -> str:
    """Say what the plot shows."""
    before, worst, after = (show_value(x, sli.unit) for x in (sli.baseline, sli.worst, sli.recovered))
    held = "" if sli.tolerance is None else f"; tolerance {show_tolerance(sli.tolerance, sli.unit)}"
    return f"{sli.display_name} over time: before {before}, worst {worst}, after {after}{held}; {sli.outcome}"


def legend() -> Markup:
    """Return what lines and shades mean in every plot."""
    lines = (
        ("line", "SLI"),
        ("limit", "tolerance; tinted: outside of it"),
        ("mark landed", "fault landed"),
        ("mark pending", "alert pending"),
        ("mark firing", "alert firing"),
    )
    shades = (("baseline", "baseline"), ("fault", "fault"), ("recovery", "recovery"), ("gap", "no data"))
    return tag(
        "ul",
        [
            tag(
                "li",
                tag(
                    "svg",
                    tag("line", x1=0, x2=22, y1=6, y2=6, class_=kind),
                    class_="sample",
                    aria_hidden="true",
                ),
                said,
            )
            for kind, said in lines
        ],
        [tag("li", tag("span", class_=f"box {kind}"), said) for kind, said in shades],
        class_="legend",
    )
