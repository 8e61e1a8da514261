"""A trace as a waterfall: a row for each span, its name above a bar that lies where the span lay in time.

Names stand above their bars, not beside them, so that a phone's width serves as well as a screen's: bars are
percentages of the width, texts keep their size, and what does not fit is cut at the row's end. Each row is a
list item with its own text alternative.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .markup import Markup, tag
from .plot import percent
from .scale import duration, duration_ticks
from .style import HUES

__all__ = ["MOST_SPANS", "WaterfallSpan", "waterfall"]

MOST_SPANS = 60
_AXIS, _NAME, _DETAIL, _BAR, _GAP = 24, 18, 15, 7, 10
_INDENT, _DEEPEST = 8, 14
_THINNEST = 0.003
_NAME_WIDTH = 0.82
"""The share of a row that its name may fill; its duration stands at the end."""
_LONGEST_DETAIL = 180


@dataclass(frozen=True)
class WaterfallSpan:
    """One span, times in milliseconds: `start` on any clock that the trace's spans share, `depth` from 0.

    `detail` is a short text below the name, such as an SQL statement or an error. `blamed` lifts one span out:
    the one that a reader should look at first.
    """

    service: str
    name: str
    start: float
    duration: float
    depth: int = 0
    failed: bool = False
    detail: str = ""
    blamed: bool = False


@dataclass(frozen=True)
class _Row:
    """A span, and where it is drawn: its upper edge, and its bar's ends as shares of the width."""

    span: WaterfallSpan
    y: float
    left: float
    width: float
    hue: int

    @property
    def height(self) -> float:
        return _height(self.span)


def waterfall(spans: Sequence[WaterfallSpan], label: str, left_out: int = 0) -> Markup:
    """Return the waterfall as an <svg> element; `spans` in the order of their tree, parents first.

    At most MOST_SPANS are drawn, failed ones, then those nearest to the root first; a last line counts the rest
    and `left_out`, those that the caller has not passed.
    """
    drawn = _chosen(spans)
    missing = len(spans) - len(drawn) + left_out
    zero = min((span.start for span in drawn), default=0.0)
    whole = max((span.start + span.duration - zero for span in drawn), default=0.0) or 1.0
    rows = list(_rows(drawn, zero, whole))
    bottom = rows[-1].y + rows[-1].height if rows else float(_AXIS)
    height = bottom + (_NAME if missing else 0)
    return tag(
        "svg",
        tag("title", label),
        tag("g", _axis(whole, bottom), aria_hidden="true"),
        [_drawn(row, zero) for row in rows],
        _more(missing, bottom) if missing else None,
        class_="waterfall",
        width="100%",
        height=height,
        role="list",
        aria_label=label,
    )


def _chosen(spans: Sequence[WaterfallSpan]) -> list[WaterfallSpan]:
    """Return the spans that say most, in their order."""
    if len(spans) <= MOST_SPANS:
        return list(spans)
    ranked = sorted(
        range(len(spans)),
        key=lambda n: (not spans[n].blamed, not spans[n].failed, spans[n].depth, -spans[n].duration),
    )
    return [spans[n] for n in sorted(ranked[:MOST_SPANS])]


def _rows(spans: Sequence[WaterfallSpan], zero: float, whole: float) -> Iterator[_Row]:
    hues: dict[str, int] = {}
    y = float(_AXIS)
    for span in spans:
        hue = hues.setdefault(span.service, len(hues) % HUES + 1)
        width = min(max(span.duration / whole, _THINNEST), 1.0)
        left = min(max((span.start - zero) / whole, 0.0), 1.0 - width)
        yield _Row(span, y, left, width, hue)
        y += _height(span)


def _height(span: WaterfallSpan) -> float:
    return _NAME + (_DETAIL if span.detail else 0) + _BAR + _GAP


def _axis(whole: float, bottom: float) -> list[Markup]:
    """Draw the time above the rows, and lines through them."""
    return [
        tag(
            "g",
            tag("line", x1=percent(at / whole), x2=percent(at / whole), y1=16, y2=bottom, class_="grid"),
            tag("text", said, x=percent(at / whole), y=11, class_="first" if at == 0 else "x"),
            class_="minor" if index % 2 else None,
        )
        for index, (at, said) in enumerate(duration_ticks(whole))
    ]


def _drawn(row: _Row, zero: float) -> Markup:
    span = row.span
    said = _said(span, zero)
    kinds = ["span", f"hue-{row.hue}", "failed" if span.failed else "", "blamed" if span.blamed else ""]
    return tag(
        "g",
        tag("title", said),
        tag("rect", x=0, y=row.y, width="100%", height=row.height - 2, rx=3, class_="row"),
        _texts(row),
        tag("text", duration(span.duration), x="100%", dx=-4, y=row.y + 13, class_="took"),
        tag(
            "rect",
            x=percent(row.left),
            y=row.y + row.height - _GAP - _BAR + 3,
            width=percent(row.width),
            height=_BAR,
            rx=1.5,
            class_="bar-of-span",
        ),
        class_=" ".join(kind for kind in kinds if kind),
        role="listitem",
        aria_label=said,
    )


def _texts(row: _Row) -> list[Markup]:
    """Write the name and the detail, each cut off by an <svg> of its own."""
    span = row.span
    x = 4 + _INDENT * min(span.depth, _DEEPEST)
    name = tag(
        "text",
        tag("tspan", "✕ ", class_="sign") if span.failed else None,
        tag("tspan", span.service, class_="service"),
        f" {span.name}",
        x=x,
        y=13,
        class_="name",
    )
    written = [tag("svg", name, y=row.y, width=percent(_NAME_WIDTH), height=_NAME, class_="area")]
    if span.detail:
        detail = tag("text", _cut(span.detail), x=x, y=11, class_="detail")
        written.append(tag("svg", detail, y=row.y + _NAME, width="100%", height=_DETAIL, class_="area"))
    return written


def _said(span: WaterfallSpan, zero: float) -> str:
    failed = ", failed" if span.failed else ""
    detail = f": {_cut(span.detail)}" if span.detail else ""
    after = duration(span.start - zero)
    return f"{span.service} {span.name}, {duration(span.duration)} from {after} on{failed}{detail}"


def _more(missing: int, y: float) -> Markup:
    said = f"{missing} more {'span is' if missing == 1 else 'spans are'} not drawn"
    return tag("g", tag("text", said, x=4, y=y + 12, class_="more"), role="listitem", aria_label=said)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_DETAIL else f"{line[: _LONGEST_DETAIL - 1]}…"
