"""What a dashboard's variables may be and are, asked of the data sources where a variable is a query."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from ..durations import parse_time
from ..frames import Json
from ..sources import DataSources
from ..upstream import QueryError, SourceDown, Upstream
from .model import Dashboard, items
from .variables import ALL, Scope, Variable, chosen

_LABEL_VALUES = re.compile(r"label_values\((?:(?P<series>.+),)?\s*(?P<label>\w+)\s*\)", re.DOTALL)
_OK = 200
_MOST_OPTIONS = 200
_HIDDEN = 2  # of `hide`: neither the variable nor its label is shown

Asked = Mapping[str, list[str]]
"""The address' parameters, each with its values."""


async def scope_of(dashboard: Dashboard, asked: Asked, sources: DataSources, now_ms: int) -> Scope:
    """Return the variables and the time range that an address asks for.

    Raises ApiError (400) for a time that is none, QueryError when a variable's options cannot be had.
    """
    times = _first(asked, "from") or dashboard.times[0], _first(asked, "to") or dashboard.times[1]
    start_ms, end_ms = (
        parse_time(name, text, now_ms) for name, text in zip(("from", "to"), times, strict=True)
    )
    found: dict[str, Variable] = {}
    for raw in dashboard.variables:
        name = str(raw.get("name"))
        scope = Scope(found, start_ms, max(end_ms, start_ms + 1000), times)
        options = await _options(raw, scope, sources)
        found[name] = _variable(raw, options, asked.get(f"var-{name}", []))
    return Scope(found, start_ms, max(end_ms, start_ms + 1000), times)


def source_of(named: object, scope: Scope, sources: DataSources) -> Upstream:
    """Return the data source that a panel, a target or a variable names; raises ApiError when there is none."""
    return sources.by_query({"datasource": scope.deep(named)})


def _variable(raw: Json, options: tuple[tuple[str, str], ...], asked: list[str]) -> Variable:
    kind = str(raw.get("type"))
    values = chosen(raw, [] if kind == "constant" else asked, options)
    written = ""
    if ALL in values:
        written = str(raw.get("allValue") or "")
        values = tuple(value for _, value in options if value != ALL) or (ALL,)
    return Variable(
        name=str(raw.get("name")),
        label=str(raw.get("label") or raw.get("name")),
        kind=kind,
        values=values,
        options=options,
        multi=bool(raw.get("multi") or raw.get("includeAll")),
        hidden=raw.get("hide") in {_HIDDEN, "hideVariable"} or kind == "constant",
        written=written,
    )


async def _options(raw: Json, scope: Scope, sources: DataSources) -> tuple[tuple[str, str], ...]:
    kind = raw.get("type")
    if kind == "datasource":
        named = [source for source in sources.all() if source.type == raw.get("query")]
        return tuple((source.name, source.uid) for source in named)
    if kind == "constant":
        return ((str(raw.get("query") or ""),) * 2,)
    found = await _asked(raw, scope, sources) if kind == "query" else _listed(raw)
    return (("All", ALL), *found) if raw.get("includeAll") and found else found


def _listed(raw: Json) -> tuple[tuple[str, str], ...]:
    """Return the options of a custom, interval or text variable: as the file lists them, or `a,b,Text : c`."""
    listed = [(str(o.get("text")), str(o.get("value"))) for o in items(raw, "options") if o.get("value") != ALL]
    if listed or raw.get("type") == "textbox":
        return tuple(listed)
    words = [word.strip() for word in str(raw.get("query") or "").split(",") if word.strip()]
    return tuple(
        (text.strip(), (value or text).strip()) for text, _, value in (w.partition(" : ") for w in words)
    )


async def _asked(raw: Json, scope: Scope, sources: DataSources) -> tuple[tuple[str, str], ...]:
    query = raw.get("query")
    text = str(query.get("query") if isinstance(query, dict) else query or raw.get("definition") or "")
    match = _LABEL_VALUES.fullmatch(scope.fill(text, "promql").strip())
    if match is None:
        raise QueryError(400, f"variable {raw.get('name')}: not supported by this viewer: {text[:80]!r}")
    source = source_of(raw.get("datasource"), scope, sources)
    params = {"start": f"{scope.start_ms / 1000:.0f}", "end": f"{scope.end_ms / 1000:.0f}"}
    if match["series"]:
        params["match[]"] = match["series"].strip()
    try:
        reply = await source.fetch("GET", f"api/v1/label/{match['label']}/values", params=params)
    except SourceDown as error:
        raise QueryError(502, str(error)) from None
    try:
        values = json.loads(reply.payload)["data"] if reply.status == _OK else None
        kept = _kept(raw, [str(value) for value in values or []])
    except (ValueError, KeyError, TypeError, re.error) as error:
        raise QueryError(502, f"variable {raw.get('name')}: {error}") from None
    if values is None:
        raise QueryError(
            reply.status, f"variable {raw.get('name')}: {reply.payload[:200].decode(errors='replace')}"
        )
    return tuple((value, value) for value in kept[:_MOST_OPTIONS])


def _kept(raw: Json, values: list[str]) -> list[str]:
    """Return the values that the variable's `regex` lets through, its first group in their place, in order."""
    written = str(raw.get("regex") or "").strip()
    if written:
        pattern = re.compile(written.removeprefix("/").removesuffix("/"))
        matches = [pattern.search(value) for value in values]
        values = [
            match[1] if match.groups() else value for match, value in zip(matches, values, strict=True) if match
        ]
    return sorted(dict.fromkeys(values), reverse=raw.get("sort") in {2, 4, 6})


def _first(asked: Asked, name: str) -> str:
    return next(iter(asked.get(name, [])), "")
