"""From a series of samples to the fewest points that still draw it: extremes and gaps are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

__all__ = ["Point", "gaps", "line_path", "thin"]

Point = tuple[float, float | None]
"""A time and a value; None: there was no data."""

WIDTH, HEIGHT = 1000, 200
"""The user units that a path's coordinates have; the SVG stretches them to its container."""


def thin(points: Sequence[Point], columns: int) -> list[Point]:
    """Return points for a plot of so many columns.

    Of each column's values the first, the least, the greatest and the last stay (the M4 aggregation of Jugel et
    al., 2014), and one point without data where there is any: a line through them looks as the whole does.
    """
    if len(points) <= 4 * columns or columns < 1:
        return list(points)
    start, span = points[0][0], points[-1][0] - points[0][0] or 1.0
    kept: list[Point] = []
    for column in _columns(points, start, span, columns):
        known = [(value, at) for at, value in column if value is not None]
        chosen = {column[0], column[-1]}
        if known:
            (low, low_at), (high, high_at) = min(known), max(known)
            chosen |= {(low_at, low), (high_at, high)}
        if (empty := next((p for p in column if p[1] is None), None)) is not None:
            chosen.add(empty)
        kept.extend(sorted(chosen, key=lambda p: p[0]))
    return kept


def _columns(points: Sequence[Point], start: float, span: float, columns: int) -> Iterator[list[Point]]:
    column: list[Point] = []
    current = 0
    for point in points:
        index = min(int((point[0] - start) / span * columns), columns - 1)
        if index != current and column:
            yield column
            column = []
        current = index
        column.append(point)
    yield column


def gaps(points: Sequence[Point], end: float) -> list[tuple[float, float]]:
    """Return the spans (from, to) without data: from the last sample that had some to the next one."""
    found: list[tuple[float, float]] = []
    began: float | None = None
    last: float | None = None
    for at, value in points:
        if value is None:
            if began is None:
                began = at if last is None else last
        else:
            if began is not None:
                found.append((began, at))
            began, last = None, at
    if began is not None:
        found.append((began, end))
    return found


def line_path(points: Sequence[tuple[float, float] | None]) -> str:
    """Return a path's `d` through points in user units; None lifts the pen, a lone point becomes a dot.

    What lies between two neighbours of the same height says nothing, and is left out.
    """
    words: list[str] = []
    for stroke in _strokes(points):
        inner = [b for a, b, c in zip(stroke, stroke[1:], stroke[2:], strict=False) if not a[1] == b[1] == c[1]]
        first, *rest = [stroke[0], *inner, *stroke[-1:]]
        words.append(f"M{_at(first)}")
        words.extend(_step(a, b) for a, b in pairwise([first, *rest]))
    return "".join(words)


def _strokes(points: Sequence[tuple[float, float] | None]) -> Iterator[list[tuple[int, int]]]:
    stroke: list[tuple[int, int]] = []
    for point in [*points, None]:
        if point is not None:
            stroke.append((round(point[0]), round(point[1])))
        elif stroke:
            yield stroke
            stroke = []


def _step(a: tuple[int, int], b: tuple[int, int]) -> str:
    return f"h{b[0] - a[0]}" if a[1] == b[1] else f"l{b[0] - a[0]} {b[1] - a[1]}".replace(" -", "-")


def _at(point: tuple[int, int]) -> str:
    return f"{point[0]} {point[1]}"
