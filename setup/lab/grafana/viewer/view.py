"""What a panel is drawn from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chaosext.report.svg.markup import Child, Markup, tag

from ..annotation_store import Annotation
from ..frames import Json
from .asking import Answer
from .model import Panel, items
from .variables import Scope

_SAFE = re.compile(r"https?://|/(?!/)|\?|d/|explore\b")


@dataclass(frozen=True)
class View:
    """A panel, what its queries were answered, and the annotations of its dashboard; `height` is in px."""

    panel: Panel
    answers: list[Answer]
    scope: Scope
    annotations: Sequence[Annotation] = field(default_factory=list)
    height: int = 200


def nothing(text: str = "No data") -> Markup:
    """Return what stands in a panel without data."""
    return tag("p", text, class_="nothing")


def href(written: str) -> str | None:
    """Return an address that may be followed, as Grafana roots it; None for any other scheme."""
    address = written.strip()
    if not _SAFE.match(address):
        return None
    return f"/{address}" if address.startswith(("d/", "explore")) else address


def links(settings: Json, scope: Scope, about: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return a field's data links as title and address; `about` is what they may refer to (`__value`...)."""
    known = scope.with_more(about)
    found = []
    for link in items(settings, "links"):
        address = href(known.fill(str(link.get("url") or "")))
        if address is not None:
            found.append((known.fill(str(link.get("title") or "open")), address))
    return found


def linked(content: Child, to: Sequence[tuple[str, str]], **attributes: str | None) -> Markup:
    """Return content as a link to the first of the addresses; as it is without one."""
    if not to:
        return tag("span", content, **attributes)
    title, address = to[0]
    return tag("a", content, href=address, title=title, **attributes)
