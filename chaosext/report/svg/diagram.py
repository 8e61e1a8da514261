"""A diagram of boxes and who calls whom, each box in the colour of its state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .markup import Markup, tag

__all__ = ["Box", "diagram"]

WIDTH, HEIGHT = 190, 80
_GAP_X, _GAP_Y, _MARGIN = 36, 12, 3
_LINE_STEP, _LID = 18, 8


@dataclass(frozen=True)
class Box:
    """One component: where it is (column and row from 0; rows may lie between), what it says, how it is.

    `shape` is `service`, `store` or `users`; `state` becomes its CSS class; `lines` stand below the title;
    `href` makes it a link.
    """

    name: str
    title: str
    column: int
    row: float
    shape: str = "service"
    state: str = ""
    lines: tuple[str, ...] = ()
    href: str | None = None

    @property
    def x(self) -> float:
        """The left edge."""
        return _MARGIN + self.column * (WIDTH + _GAP_X)

    @property
    def y(self) -> float:
        """The upper edge."""
        return _MARGIN + self.row * (HEIGHT + _GAP_Y)


def diagram(boxes: Sequence[Box], edges: Iterable[tuple[str, str]], label: str) -> Markup:
    """Return the diagram as an <svg> element; edges whose ends are not both boxes are left out."""
    by_name = {box.name: box for box in boxes}
    width = max((box.x for box in boxes), default=0) + WIDTH + _MARGIN
    height = max((box.y for box in boxes), default=0) + HEIGHT + _MARGIN
    return tag(
        "svg",
        tag("title", label),
        tag("defs", _arrow()),
        [_edge(by_name[a], by_name[b]) for a, b in edges if a in by_name and b in by_name],
        [_box(box) for box in boxes],
        class_="diagram",
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=label,
    )


def _arrow() -> Markup:
    return tag(
        "marker",
        tag("path", d="M0 0L8 4L0 8z", class_="arrow"),
        id="arrow",
        viewBox="0 0 8 8",
        refX=8,
        refY=4,
        markerWidth=7,
        markerHeight=7,
        orient="auto",
    )


def _edge(a: Box, b: Box) -> Markup:
    """Draw a call: from one column to a later one a curve, within or against them a bow around the boxes."""
    start, end = a.y + HEIGHT / 2, b.y + HEIGHT / 2
    if b.column > a.column:
        x1, x2 = a.x + WIDTH, b.x
        bend = (x2 - x1) / 2
        path = f"M{x1:g} {start:g}C{x1 + bend:g} {start:g} {x2 - bend:g} {end:g} {x2:g} {end:g}"
    else:
        x1, x2 = a.x, b.x + WIDTH
        bend = _GAP_X
        start, end = start + HEIGHT / 4, end + HEIGHT / 4
        path = f"M{x1:g} {start:g}C{x1 - bend:g} {start:g} {x2 + bend:g} {end:g} {x2:g} {end:g}"
    backwards = None if b.column > a.column else "backwards"
    return tag("path", d=path, class_=f"edge {backwards or ''}".strip(), marker_end="url(#arrow)")


def _box(box: Box) -> Markup:
    middle = box.x + WIDTH / 2
    room = box.y + HEIGHT / 2 + (_LID / 2 if box.shape == "store" else 0)
    first = room - _LINE_STEP * len(box.lines) / 2
    drawn = tag(
        "g",
        tag("title", ": ".join([box.title, *box.lines[:1]])),
        _shape(box),
        tag("text", box.title, x=middle, y=first, dy="0.35em", class_="name"),
        [
            tag("text", line, x=middle, y=first + _LINE_STEP * n, dy="0.35em", class_="line-of-box")
            for n, line in enumerate(box.lines, start=1)
        ],
        class_=f"box {box.state}".strip(),
    )
    return drawn if box.href is None else tag("a", drawn, href=box.href)


def _shape(box: Box) -> Markup:
    if box.shape == "store":
        rim, right, bottom = _LID, box.x + WIDTH, box.y + HEIGHT - _LID
        curve = f"a{WIDTH / 2:g} {rim} 0 0"
        side = f"V{bottom:g}{curve} 0 {WIDTH} 0V{box.y + rim:g}"
        top = f"M{box.x:g} {box.y + rim:g}"
        body = tag("path", d=f"{top}{side}{curve} 0 -{WIDTH} 0z", class_="shape")
        lid = tag("path", d=f"M{right:g} {box.y + rim:g}{curve} 1 -{WIDTH} 0", class_="lid")
        return tag("g", body, lid)
    radius = HEIGHT / 2 if box.shape == "users" else 8
    return tag("rect", x=box.x, y=box.y, width=WIDTH, height=HEIGHT, rx=radius, class_="shape")
