"""How a value looks: its text, and a tone from its thresholds or mappings; never a colour alone.

Colours of the files (names such as `dark-red`, or #rrggbb) become tones of the page's palette, so that they can
be read in light and dark: green is good, red is bad, yellow and orange warn.
"""

from __future__ import annotations

import colorsys
import re
from dataclasses import dataclass
from typing import Any

from ..frames import Json
from .model import items, part
from .units import show

GLYPHS = {"good": "✓", "warn": "!", "bad": "✕"}

_FAMILIES = {
    "green": "good", "red": "bad", "orange": "warn", "yellow": "warn", "blue": "accent", "purple": "landed",
    "text": "", "white": "", "black": "", "transparent": "", "gray": "none", "grey": "none",
}  # fmt: skip
_GREY = 0.15  # the saturation below which a colour is none
_HUES = ((20, "bad"), (70, "warn"), (170, "good"), (260, "accent"), (320, "landed"), (361, "bad"))


@dataclass(frozen=True)
class Look:
    """A value's text, its tone ("" for none), and whether a mapping chose the text."""

    text: str
    tone: str = ""
    mapped: bool = False


def look(value: Any, settings: Json) -> Look:
    """Return how a value of a field with these settings looks."""
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    mapped = _mapped(value, number, settings)
    if mapped.get("text"):
        return Look(str(mapped["text"]), tone(str(mapped.get("color") or "")), mapped=True)
    chosen = str(mapped.get("color") or "")
    if value is None or isinstance(value, str):
        text = value if isinstance(value, str) else str(settings.get("noValue") or "No data")
        return Look(text, tone(chosen))
    decimals = settings.get("decimals")
    text = show(number, str(settings.get("unit") or ""), int(decimals) if decimals is not None else None)
    return Look(text, tone(chosen) if chosen else toned(number, settings))


def toned(number: float | None, settings: Json) -> str:
    """Return the tone that a number has by the field's colour mode and thresholds."""
    color = part(settings, "color")
    mode = str(color.get("mode") or "thresholds")
    if mode == "fixed":
        return tone(str(color.get("fixedColor") or ""))
    if mode != "thresholds" or number is None:
        return ""
    return tone(step_colour(number, settings))


def step_colour(number: float, settings: Json) -> str:
    """Return the colour of the highest threshold that a number has reached; "" without thresholds."""
    thresholds = part(settings, "thresholds")
    if thresholds.get("mode") == "percentage":
        low, high = float(settings.get("min") or 0), float(settings.get("max") or 100)
        number = (number - low) / ((high - low) or 1) * 100
    reached = ""
    for step in items(thresholds, "steps"):
        limit = step.get("value")
        if limit is None or number >= float(limit):
            reached = str(step.get("color") or "")
    return reached


def tone(colour: str) -> str:
    """Return the tone of a colour as dashboards write it; "" for text's own or none."""
    word = re.sub(r"^(?:semi-|super-)?(?:dark|light)-", "", colour.strip().lower())
    if word in _FAMILIES or not word:
        return _FAMILIES.get(word, "")
    match = re.fullmatch(r"#([0-9a-f]{6})(?:[0-9a-f]{2})?", word)
    if not match:
        return "none"
    red, green, blue = (int(match[1][at : at + 2], 16) / 255 for at in (0, 2, 4))
    hue, _, saturation = colorsys.rgb_to_hls(red, green, blue)
    if saturation < _GREY:
        return "none"
    return next(name for bound, name in _HUES if hue * 360 < bound)


def _mapped(value: Any, number: float | None, settings: Json) -> Json:
    """Return the result of the first value mapping that fits: text, color."""
    for mapping in items(settings, "mappings"):
        options = part(mapping, "options")
        kind = mapping.get("type")
        if kind == "value":
            found = options.get(_key(value))
            if isinstance(found, dict):
                return found
        elif _fits(str(kind), options, value, number):
            return part(options, "result")
    return {}


def _key(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _fits(kind: str, options: Json, value: Any, number: float | None) -> bool:
    if kind == "range":
        low, high = options.get("from"), options.get("to")
        return number is not None and (low is None or number >= low) and (high is None or number <= high)
    if kind == "regex" and isinstance(value, str):
        return re.search(str(options.get("pattern") or "").strip("/"), value) is not None
    if kind == "special":
        return options.get("match") in {"null", "null+nan", "empty"} and value in {None, ""}
    return False
