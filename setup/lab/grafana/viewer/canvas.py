"""Panels of type canvas: boxes, texts and connections at their places, coloured by their fields' thresholds.

Schema: https://grafana.com/docs/grafana/latest/panels-visualizations/visualizations/canvas/. The ends of a
connection lie at x and y from -1 to 1 within their elements, y upwards. A tone is also said in words,
and shown by a sign before the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chaosext.report.svg.markup import Child, Markup, tag

from ..frames import Json
from .fields import Column, columns, reduced
from .look import GLYPHS, Look, look, tone
from .model import items, part
from .view import View, links

_MARGIN = 8
_LINE = 1.25  # of a text's size
_SIGNS = {**GLYPHS, "none": "?"}
_WORDS = {"good": "well", "warn": "warning", "bad": "failing", "none": "no data"}


@dataclass(frozen=True)
class Element:
    """An element and where it lies."""

    name: str
    raw: Json
    x: float
    y: float
    width: float
    height: float

    def at(self, point: Json) -> tuple[float, float]:
        """Return the place of a connection's end."""
        x, y = float(point.get("x") or 0), float(point.get("y") or 0)
        return self.x + self.width * (x + 1) / 2, self.y + self.height * (1 - y) / 2

    def holds(self, other: Element) -> bool:
        """Return whether another one's middle lies within this one."""
        x, y = other.x + other.width / 2, other.y + other.height / 2
        return self.x <= x <= self.x + self.width and self.y <= y <= self.y + self.height


def render(view: View) -> Markup:
    """Return the canvas as one drawing."""
    elements = [_element(raw) for raw in items(part(view.panel.options, "root"), "elements")]
    fields = {one.name: one for one in columns(view.panel, view.answers, view.scope)}
    width = max((e.x + e.width for e in elements), default=0) + _MARGIN
    height = max((e.y + e.height for e in elements), default=0) + _MARGIN
    left = min((e.x for e in elements), default=0) - _MARGIN
    top = min((e.y for e in elements), default=0) - _MARGIN
    by_name = {element.name: element for element in elements}
    tones = {element.name: _ground(element, fields) for element in elements}
    said = [f"{e.name}: {_WORDS[tones[e.name]]}" for e in elements if _bound(e) and tones[e.name] in _WORDS]
    return tag(
        "div",
        tag(
            "svg",
            tag("title", view.panel.title),
            tag("defs", _tip()),
            [_connections(element, by_name) for element in elements],
            [
                _drawn(view, element, fields, _tone_below(element, elements, tones), tones)
                for element in elements
            ],
            class_="canvas",
            viewBox=f"{left:g} {top:g} {width - left:g} {height - top:g}",
            role="group",
            aria_label=f"{view.panel.title}. {'; '.join(said)}",
        ),
        class_="scroll wide",
        tabindex=0,
        role="region",
        aria_label=f"{view.panel.title}, drawn",
    )


def _tip() -> Markup:
    point = tag("path", d="M0 0L8 4L0 8z", class_="tip")
    return tag(
        "marker",
        point,
        id="tip",
        viewBox="0 0 8 8",
        refX=8,
        refY=4,
        markerWidth=8,
        markerHeight=8,
        orient="auto",
    )


def _element(raw: Json) -> Element:
    place = part(raw, "placement")
    x, y, width, height = (float(place.get(key) or 0) for key in ("left", "top", "width", "height"))
    return Element(str(raw.get("name") or ""), raw, x, y, width or 100, height or 40)


def _bound(element: Element) -> str:
    return str(part(part(element.raw, "background"), "color").get("field") or "")


def _ground(element: Element, fields: dict[str, Column]) -> str:
    """Return the tone of an element's ground: its field's, else the fixed colour's; "" for none."""
    color = part(part(element.raw, "background"), "color")
    bound = _bound(element)
    if bound:
        one = fields.get(bound)
        return (_look(one).tone or "none") if one is not None and reduced(one.numbers) is not None else "none"
    fixed = str(color.get("fixed") or "transparent")
    return "" if fixed == "transparent" else tone(fixed) or "plain"


def _look(one: Column) -> Look:
    return look(reduced(one.numbers), one.settings)


def _tone_below(element: Element, elements: Sequence[Element], tones: dict[str, str]) -> str:
    """Return the tone that an element's text stands on: its own, or that of the last element below it."""
    found = ""
    for other in elements:
        if other is element:
            return tones[element.name] or found
        if tones[other.name] and other.holds(element):
            found = tones[other.name]
    return found


def _drawn(
    view: View, element: Element, fields: dict[str, Column], below: str, tones: dict[str, str]
) -> Markup:
    own = tones[element.name]
    text, shown = _text(view, element, fields, _SIGNS.get(own, "") if _bound(element) else "")
    to = _links(view, element, fields)
    border = part(element.raw, "border")
    radius = min(float(border.get("radius") or 6), element.height / 2)
    shape = None
    if own or float(border.get("width") or 0):
        shape = tag(
            "rect",
            x=element.x,
            y=element.y,
            width=element.width,
            height=element.height,
            rx=radius,
            class_="shape",
        )
    bound = _bound(element)
    drawn = tag(
        "g",
        tag("title", ": ".join(part for part in (element.name, _WORDS.get(own, ""), shown) if part)),
        shape,
        text,
        class_=f"element {below or 'bare'}",
        data_name=element.name,
        data_tone=own or None,
        data_field=bound or None,
    )
    if not to:
        return drawn
    said = f"{element.name}{', ' + _WORDS[own] if own in _WORDS else ''}"
    return tag("a", drawn, href=to[0][1], aria_label=said)


def _text(view: View, element: Element, fields: dict[str, Column], sign: str) -> tuple[Markup | None, str]:
    """Return an element's text as drawn, after its sign, and as said."""
    config = part(element.raw, "config")
    written = part(config, "text")
    content = ""
    if written.get("mode") == "field" or (written.get("field") and not written.get("fixed")):
        one = fields.get(str(written.get("field")))
        content = _look(one).text if one is not None else "No data"
    elif element.raw.get("type") != "rectangle" or written:
        content = view.scope.fill(str(written.get("fixed") or ""))
    lines = [line for line in content.splitlines() if line.strip()]
    if not lines and not sign:
        return None, ""
    said, lines = " ".join(lines), lines or [""]
    size = float(config.get("size") or 16)
    align, anchor = _horizontal(element, str(config.get("align") or "center"))
    first = _vertical(element, str(config.get("valign") or "middle"), size, len(lines))
    spans = [
        tag("tspan", _signed(line, "" if n else sign), x=align, y=first + n * size * _LINE)
        for n, line in enumerate(lines)
    ]
    # The size is the group's: the page's rule for texts in drawings would win over an attribute of their own.
    text = tag("text", spans, text_anchor=anchor, class_="said")
    return tag("g", text, font_size=size), said


def _signed(line: str, sign: str) -> list[Child]:
    return [tag("tspan", f"{sign} ", class_="sign", aria_hidden="true"), line] if sign else [line]


def _horizontal(element: Element, align: str) -> tuple[float, str]:
    if align == "left":
        return element.x + 6, "start"
    if align == "right":
        return element.x + element.width - 6, "end"
    return element.x + element.width / 2, "middle"


def _vertical(element: Element, align: str, size: float, lines: int) -> float:
    """Return the baseline of the first line."""
    whole = (lines - 1) * size * _LINE
    if align == "top":
        return element.y + size + 4
    if align == "bottom":
        return element.y + element.height - 6 - whole
    return element.y + element.height / 2 - whole / 2 + size * 0.36


def _links(view: View, element: Element, fields: dict[str, Column]) -> list[tuple[str, str]]:
    """Return where a click leads: the element's own links, else those of the field that it shows."""
    own = links(element.raw, view.scope, {}) or links(part(element.raw, "config"), view.scope, {})
    one = fields.get(_bound(element))
    if own or one is None:
        return own
    about = {"__field": {"name": one.name, "labels": one.labels}, "__value": {"raw": reduced(one.numbers)}}
    return links(one.settings, view.scope, about)


def _connections(element: Element, by_name: dict[str, Element]) -> list[Markup]:
    found = []
    for connection in items(element.raw, "connections"):
        target = by_name.get(str(connection.get("targetName") or ""))
        if target is None:
            continue
        (x1, y1), (x2, y2) = element.at(part(connection, "source")), target.at(part(connection, "target"))
        found.append(tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_="connection", marker_end="url(#tip)"))
    return found
