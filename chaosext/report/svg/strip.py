"""A strip of time: its phases side by side, and numbered moments above them."""

from __future__ import annotations

from collections.abc import Sequence

from .markup import Markup, tag
from .plot import Band, Mark, percent, time_axis

__all__ = ["strip"]

_ROW, _RADIUS, _PHASE = 22, 9, 26
_APART = 0.065
"""The least distance of two numbers in a row, as a share of the width: a phone's is 280 px, a number's 18."""
_LABEL_FITS = 0.2


def strip(bands: Sequence[tuple[Band, str]], marks: Sequence[Mark], seconds: float, label: str) -> Markup:
    """Return the strip as an <svg> element; a mark's number is its place in `marks`, from 1."""
    placed = _rows(marks, seconds)
    rows = max((row for _, row in placed), default=-1) + 1
    top = rows * _ROW + 4
    height = top + _PHASE
    return tag(
        "svg",
        tag("title", label),
        [_band(band, said, seconds, top) for band, said in bands],
        [_moment(n, mark, row, rows, seconds, top) for n, (mark, row) in enumerate(placed, start=1)],
        time_axis(seconds, height),
        class_="plot strip",
        width="100%",
        height=height,
        role="img",
        aria_label=label,
    )


def _rows(marks: Sequence[Mark], seconds: float) -> list[tuple[Mark, int]]:
    """Give each mark the lowest row in which it does not cover the one before it."""
    ends: list[float] = []
    placed = []
    for mark in marks:
        at = mark.at / seconds
        row = next((n for n, end in enumerate(ends) if at - end >= _APART), len(ends))
        ends[row : row + 1] = [at]
        placed.append((mark, row))
    return placed


def _band(band: Band, said: str, seconds: float, top: float) -> Markup:
    left, width = band.start / seconds, (band.end - band.start) / seconds
    text = tag("text", said, x=percent(left + width / 2), y=top + _PHASE / 2, dy="0.35em", class_="phase")
    rect = tag("rect", x=percent(left), width=percent(width), y=top, height=_PHASE, class_=f"band {band.kind}")
    return tag("g", tag("title", said), rect, text if width >= _LABEL_FITS else None)


def _moment(number: int, mark: Mark, row: int, rows: int, seconds: float, top: float) -> Markup:
    x, y = percent(mark.at / seconds), (rows - row) * _ROW - _ROW / 2
    return tag(
        "g",
        tag("title", mark.label),
        tag("line", x1=x, x2=x, y1=y, y2=top + _PHASE, class_=f"mark {mark.kind}"),
        tag("circle", cx=x, cy=y, r=_RADIUS, class_=f"moment {mark.kind}"),
        tag("text", str(number), x=x, y=y, dy="0.35em", class_="number"),
    )
