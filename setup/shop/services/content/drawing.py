"""A product's picture: a scene that all share, and the product's motif in its three colours.

motifs/<motif>.svg.tpl holds the elements of a motif on a canvas of 400 by 300. Its colours are placeholders:
${wall}, ${main} and ${accent} are the product's own, ${main_darker_25} is a shade of one (25 per cent black),
${main_lighter_18} a tint (18 per cent white). ${emblem} is a sign for a label, centred at the origin.
"""

import zlib
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from string import Template

from shop.catalogue import Product

FOLDER = Path(__file__).parent / "motifs"
_MIXED_WITH = {"darker": 0, "lighter": 255}
_EMBLEMS = ("mountain", "sun", "leaf", "flower", "bean")


class _Colours(dict[str, str]):
    """The product's colours by placeholder; a shade is mixed when a template asks for it."""

    def __missing__(self, placeholder: str) -> str:
        name, kind, percent = placeholder.split("_")
        return _mix(self[name], _MIXED_WITH[kind], int(percent) / 100)


def draw(product: Product) -> str:
    """Return an SVG of 400 by 300: a wall with a round light, a table, the motif."""
    # Any number that differs from product to product and is the same at every start.
    number = zlib.crc32(product.id.encode())
    wall, main, accent = product.colours
    colours = _Colours(wall=wall, main=main, accent=accent)
    values: Mapping[str, str] = _Colours(
        colours,
        title=escape(product.name),
        light_x=str(120 + number % 160),
        light_y=str(95 + number // 160 % 40),
        emblem=_template(f"emblem-{_EMBLEMS[(number >> 8) % len(_EMBLEMS)]}").template.strip(),
    )
    motif = _template(product.motif).substitute(values)
    return _template("scene").substitute(_Colours(values, motif=motif))


def _mix(colour: str, towards: int, share: float) -> str:
    channels = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return "#" + "".join(f"{round(value + (towards - value) * share):02x}" for value in channels)


@cache
def _template(name: str) -> Template:
    return Template((FOLDER / f"{name}.svg.tpl").read_text(encoding="utf-8"))
