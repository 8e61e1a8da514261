"""Panels of type text: the part of Markdown that the dashboards use, everything else as plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chaosext.report.svg.markup import Child, Markup, join, tag

from .view import View, href

_INLINE = re.compile(
    r"`(?P<code>[^`]+)`|\*\*(?P<bold>[^*]+)\*\*|\*(?P<em>[^*]+)\*|\[(?P<text>[^\]]+)\]\((?P<to>[^)\s]+)\)"
)
_ITEM = re.compile(r"\s*(?:[-*]|\d+\.)\s+(.*)")
_HEADING = re.compile(r"(#{1,6})\s+(.*)")


def render(view: View) -> Markup:
    """Return the text with its variables filled in; HTML in it is shown, not obeyed."""
    return markdown(view.scope.fill(str(view.panel.options.get("content") or "")))


def markdown(text: str) -> Markup:
    """Return headings, lists, paragraphs, code, emphasis and links."""
    return tag("div", list(_blocks(text.splitlines())), class_="prose")


def _blocks(lines: list[str]) -> Iterator[Markup]:
    waiting: list[str] = []
    listed: list[str] = []
    for line in [*lines, ""]:
        item, heading = _ITEM.fullmatch(line), _HEADING.fullmatch(line)
        if waiting and (item or heading or not line.strip()):
            yield tag("p", inline(" ".join(waiting)))
            waiting = []
        if listed and not item and (heading or not line.strip()):
            yield tag("ul", [tag("li", inline(text)) for text in listed])
            listed = []
        if item:
            listed.append(item[1])
        elif heading:
            yield tag("p", tag("strong", inline(heading[2])), class_=f"heading level-{len(heading[1])}")
        elif listed and line.strip():
            listed[-1] += f" {line.strip()}"
        elif line.strip():
            waiting.append(line.strip())


def inline(text: str) -> Markup:
    """Return one block's text."""
    return join(list(_pieces(text)))


def _pieces(text: str) -> Iterator[Child]:
    at = 0
    for match in _INLINE.finditer(text):
        yield text[at : match.start()]
        at = match.end()
        if match["code"]:
            yield tag("code", match["code"])
        elif match["bold"]:
            yield tag("strong", match["bold"])
        elif match["em"]:
            yield tag("em", match["em"])
        else:
            to = href(match["to"])
            yield tag("a", match["text"], href=to) if to else match["text"]
    yield text[at:]
