"""Panels of type stat: a number for each series, with its tone and its trend."""

from __future__ import annotations

from chaosext.report.svg.markup import Markup, tag
from chaosext.report.svg.plot import spark

from .fields import Column, columns, reduced
from .look import GLYPHS, look
from .model import part
from .view import View, linked, links, nothing

_MOST = 40
_TREND = 60  # points that a trend keeps
_ROOM_FOR_TREND = 90  # px


def render(view: View) -> Markup:
    """Return the numbers."""
    shown = [one for one in columns(view.panel, view.answers, view.scope) if one.field.values]
    if not shown:
        return nothing(str(view.panel.defaults.get("noValue") or "No data"))
    return tag("ul", [_item(view, one, alone=len(shown) == 1) for one in shown[:_MOST]], class_="stats")


def _item(view: View, one: Column, *, alone: bool) -> Markup:
    options = view.panel.options
    calculation = str(next(iter(part(options, "reduceOptions").get("calcs") or []), "lastNotNull"))
    value = reduced(one.numbers, calculation)
    seen = look(value, one.settings)
    mode = options.get("textMode") or "auto"
    named = mode in {"name", "value_and_name"} or (mode == "auto" and not alone)
    tone = seen.tone if options.get("colorMode") != "none" else ""
    glyph = tag("span", GLYPHS[tone], class_="glyph", aria_hidden="true") if tone in GLYPHS else None
    text = tag("span", glyph, seen.text, class_="value") if mode != "name" else None
    about = {"__value": {"raw": value, "text": seen.text}, "__field": {"name": one.name, "labels": one.labels}}
    content = [tag("span", one.name, class_="what") if named else None, text, _trend(view, one)]
    return tag(
        "li",
        linked(content, links(one.settings, view.scope, about), class_="inside"),
        class_=f"stat {tone}".strip(),
        data_tone=tone or None,
        data_name=one.name,
    )


def _trend(view: View, one: Column) -> Markup | None:
    values = one.numbers
    if view.panel.options.get("graphMode") != "area" or len(values) < 2 or view.height < _ROOM_FOR_TREND:  # noqa: PLR2004 - a line has two ends
        return None
    every = -(-len(values) // _TREND)
    return spark(values[::-1][::every][::-1], f"{one.name}: its trend")
