"""Traces as trees of spans, made from the frames of a Tempo data source.

The fields are those of Grafana's `pkg/tsdb/tempo/trace_transform.go`; names of attributes are OpenTelemetry's
semantic conventions, the older ones included.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..errors import GrafanaError
from .frames import rows

__all__ = ["Span", "Trace", "trace_of"]

_ERROR = 2
_CLIENT_ERRORS = range(400, 500)
_PEERS = ("peer.service", "server.address", "net.peer.name", "db.name")
_STATEMENTS = ("db.query.text", "db.statement")
_STATUSES = ("http.response.status_code", "http.status_code")


@dataclass(frozen=True)
class Span:
    """One span: start in epoch seconds, duration in seconds, attributes as they came.

    `exception` is the last one recorded on it, as "type: message", "" without one.
    """

    id: str
    parent: str
    service: str
    name: str
    kind: str
    start: float
    seconds: float
    failed: bool = False
    message: str = ""
    version: str = ""
    exception: str = ""
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def end(self) -> float:
        """When it ended."""
        return self.start + self.seconds

    @property
    def peer(self) -> str:
        """Whom a client's span asked, by name; "" when it does not say."""
        return _first(self.attributes, _PEERS) if self.kind in {"client", "producer"} else ""

    @property
    def statement(self) -> str:
        """The SQL statement or the Redis command; "" without one."""
        return _first(self.attributes, _STATEMENTS)


@dataclass(frozen=True)
class Trace:
    """The spans of one trace, by their start; there is at least one."""

    id: str
    spans: list[Span]

    @cached_property
    def children(self) -> dict[str, list[Span]]:
        """The spans below each span, by its id; those whose parent is missing are below ""."""
        known = {span.id for span in self.spans}
        found: dict[str, list[Span]] = defaultdict(list)
        for span in self.spans:
            found[span.parent if span.parent in known and span.parent != span.id else ""].append(span)
        return found

    @property
    def root(self) -> Span:
        """The span without a parent; the first one when that has not come."""
        return next((span for span in self.spans if not span.parent), self.spans[0])

    @property
    def seconds(self) -> float:
        """How long it took, from its first span's start to its last one's end."""
        return max(span.end for span in self.spans) - self.spans[0].start

    def walk(self) -> Iterator[tuple[int, Span]]:
        """Yield every span with its depth, a parent before its children, siblings by their start."""
        waiting = [(0, span) for span in reversed(self.children.get("", []))]
        while waiting:
            depth, span = waiting.pop()
            yield depth, span
            waiting += [(depth + 1, child) for child in reversed(self.children.get(span.id, []))]


def trace_of(trace_id: str, frames: list[dict[str, Any]]) -> Trace | None:
    """Return the trace that frames hold, None when they hold no span.

    Raises GrafanaError when a frame lacks a column that a trace has in every version.
    """
    found = [_span(row) for frame in frames for row in rows(frame)]
    return Trace(trace_id, sorted(found, key=lambda span: span.start)) if found else None


def _span(row: dict[str, Any]) -> Span:
    try:
        attributes = _pairs(row.get("tags"))
        status = _first(attributes, _STATUSES)
        refused = status.isdigit() and int(status) in _CLIENT_ERRORS
        return Span(
            id=str(row["spanID"]),
            parent=str(row.get("parentSpanID") or ""),
            service=str(row.get("serviceName") or "unknown"),
            name=str(row.get("operationName") or ""),
            kind=str(row.get("kind") or ""),
            start=float(row["startTime"]) / 1000,
            seconds=float(row["duration"]) / 1000,
            # The conventions call a 4xx answer its asker's error; here it is an answer like others.
            failed=int(row.get("statusCode") or 0) == _ERROR and not refused,
            message=str(row.get("statusMessage") or ""),
            version=_pairs(row.get("serviceTags")).get("service.version", ""),
            exception=_exception(row.get("logs")),
            attributes=attributes,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise GrafanaError(f"a trace's frame is not of the documented form: {error!r}") from error


def _exception(logs: object) -> str:
    for event in reversed(_list(logs)):
        found = _pairs(event.get("fields") if isinstance(event, dict) else None)
        if "exception.type" in found or "exception.message" in found:
            kind = found.get("exception.type", "").rpartition(".")[2]
            return ": ".join(part for part in (kind, found.get("exception.message", "")) if part)
    return ""


def _pairs(value: object) -> dict[str, str]:
    return {
        str(pair["key"]): str(pair.get("value", ""))
        for pair in _list(value)
        if isinstance(pair, dict) and "key" in pair
    }


def _list(value: object) -> list[Any]:
    """Return a list column's cell, which some versions send as JSON in a text."""
    if isinstance(value, str):
        value = json.loads(value or "[]")
    return value if isinstance(value, list) else []


def _first(attributes: dict[str, str], names: tuple[str, ...]) -> str:
    return next((attributes[name] for name in names if attributes.get(name)), "")
