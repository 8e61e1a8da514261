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
        # Lines first: they would cross the numbers and names.
        [_line(mark, _level(row, rows), seconds, top) for mark, row in placed],
        [_name(band, said, seconds, top) for band, said in bands],
        [_number(n, mark, _level(row, rows), seconds) for n, (mark, row) in enumerate(placed, start=1)],
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
    left, width = percent(band.start / seconds), percent((band.end - band.start) / seconds)
    return tag(
        "rect", tag("title", said), x=left, width=width, y=top, height=_PHASE, class_=f"band {band.kind}"
    )


def _name(band: Band, said: str, seconds: float, top: float) -> Markup | None:
    """Name a phase that is long enough for its name."""
    if (band.end - band.start) / seconds < _LABEL_FITS:
        return None
    middle = percent((band.start + band.end) / 2 / seconds)
    return tag("text", said, x=middle, y=top + _PHASE / 2, dy="0.35em", class_="phase-name")


def _level(row: int, rows: int) -> float:
    return (rows - row) * _ROW - _ROW / 2


def _line(mark: Mark, y: float, seconds: float, top: float) -> Markup:
    x = percent(mark.at / seconds)
    return tag("line", x1=x, x2=x, y1=y, y2=top + _PHASE, class_=f"mark {mark.kind}")


def _number(number: int, mark: Mark, y: float, seconds: float) -> Markup:
    x = percent(mark.at / seconds)
    circle = tag("circle", tag("title", mark.label), cx=x, cy=y, r=_RADIUS, class_=f"moment {mark.kind}")
    return tag("g", circle, tag("text", str(number), x=x, y=y, dy="0.35em", class_="number"))
