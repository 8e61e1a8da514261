"""HTML and SVG elements whose text is escaped by construction.

    tag("p", "a < b", class_="note")  ->  <p class="note">a &lt; b</p>

Only what `tag` returns is markup; every other string is text, whoever wrote it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import TypeAlias

__all__ = ["Child", "Markup", "clean", "join", "tag"]

_VOID = {"br", "hr", "img", "input", "link", "meta"}
# What XML 1.0 forbids (https://www.w3.org/TR/xml/#charsets): one such character makes a document unreadable.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Markup(str):
    """Text that is markup already, and is not escaped again."""

    __slots__ = ()


Child: TypeAlias = "str | float | Iterable[Child] | None"
"""What an element may contain; None is left out."""


def clean(text: str) -> str:
    """Replace characters that neither XML nor a terminal should meet, control characters above all."""
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)


def tag(name: str, /, *children: Child, **attributes: str | float | bool | None) -> Markup:
    """Return an element.

    Attributes: a trailing underscore is dropped, others become hyphens; None and False leave one out, True
    gives its name alone. `viewBox` and the like are written as they are.
    """
    words = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        shown = key.rstrip("_").replace("_", "-")
        words.append(shown if value is True else f'{shown}="{escape(clean(_text(value)))}"')
    opening = f"<{' '.join(words)}>"
    return Markup(opening if name in _VOID else f"{opening}{join(*children)}</{name}>")


def join(*children: Child) -> Markup:
    """Return children one after another, escaped where they are text."""
    return Markup("".join(_pieces(children)))


def _pieces(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if isinstance(child, Markup):
            yield child
        elif isinstance(child, str | int | float):
            yield escape(clean(_text(child)), quote=False)
        elif child is not None:
            yield from _pieces(child)


def _text(value: str | float) -> str:
    """Return text as it is, and a number without digits that nobody sees."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
