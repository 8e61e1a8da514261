"""Panels of type logs: the newest line first, with its level, and the way to its trace."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from chaosext.report.svg.markup import Child, Markup, tag

from .asking import Answer
from .model import items
from .units import clock
from .view import View, nothing

_MOST = 200
_LONGEST = 2000
_LEVEL = re.compile(r"\b(?:level|lvl|severity)=\"?(\w+)", re.IGNORECASE)
_WORD = re.compile(r"\b(FATAL|CRITICAL|ERROR|WARN(?:ING)?|INFO|DEBUG|TRACE)\b")
_LEVELS = {
    "error": "bad", "fatal": "bad", "critical": "bad", "panic": "bad", "warning": "warn", "warn": "warn",
    "info": "accent", "notice": "accent", "log": "accent",
}  # fmt: skip


def render(view: View) -> Markup:
    """Return the lines."""
    ascending = view.panel.options.get("sortOrder") == "Ascending"
    return listed(view.answers, ascending=ascending)


def listed(answers: Iterable[Answer], *, ascending: bool = False) -> Markup:
    """Return the lines of all answers by their time."""
    lines: list[tuple[int, str, list[tuple[str, str]]]] = []
    for answer in answers:
        derived = _derived(answer)
        for frame in answer.frames:
            by_name = {field.name: field.values for field in frame.fields}
            times = by_name.get("timestamp") or by_name.get("Time") or []
            texts = by_name.get("body") or by_name.get("Line") or []
            lines += [(at, str(text), derived) for at, text in zip(times, texts, strict=False)]
    if not lines:
        return nothing("No log lines")
    if ascending:
        lines.reverse()  # the store gives the newest first, also of one millisecond
    lines.sort(key=lambda line: line[0], reverse=not ascending)
    return tag("ol", [_line(*line) for line in lines[:_MOST]], class_="logs")


def _derived(answer: Answer) -> list[tuple[str, str]]:
    """Return the fields that the data source finds in lines and leads to traces by: name and pattern."""
    settings: dict[str, Any] = answer.source.json_data() if answer.source is not None else {}
    fields = [field for field in items(settings, "derivedFields") if field.get("datasourceUid")]
    return [(str(field.get("name")), str(field.get("matcherRegex"))) for field in fields]


def _line(at: int, text: str, derived: list[tuple[str, str]]) -> Markup:
    level = level_of(text)
    tone = _LEVELS.get(level, "none")
    seen: Child = tag("span", level or "log", class_=f"level {tone}")
    return tag(
        "li", tag("time", clock(at)), seen, tag("code", _with_traces(text[:_LONGEST], derived)), class_=tone
    )


def level_of(text: str) -> str:
    """Return the level that a line carries, in lower case; "" without one."""
    found = _LEVEL.search(text) or _WORD.search(text)
    return found[1].lower() if found else ""


def _with_traces(text: str, derived: list[tuple[str, str]]) -> list[Child]:
    """Return the text with what leads to a trace as a link."""
    for name, pattern in derived:
        match = re.search(pattern, text)
        if match and match.groups() and re.fullmatch(r"[0-9a-fA-F]{1,32}", match[1]):
            trace, (a, b) = match[1], match.span(1)
            link = tag("a", trace, href=f"/trace/{trace}", title=f"Open the trace ({name})", class_="to-trace")
            return [text[:a], link, text[b:]]
    return [text]
