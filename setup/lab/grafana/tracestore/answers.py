"""Tempo's query API: parameters in, JSON (or protobuf) out.

https://grafana.com/docs/tempo/latest/api_docs/
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from . import otlp, traceql
from .store import Span, Trace, TraceStore, Value
from .traceql import TraceQLError

Json = dict[str, Any]

DEFAULT_LIMIT = 20
DEFAULT_SPANS = 3  # shown of each trace
MAX_LIMIT = 1000
MAX_VALUES = 1000  # of a tag
_NS = 1_000_000_000
_ID_DIGITS = 32
_INTRINSICS = (
    "duration",
    "kind",
    "name",
    "rootName",
    "rootServiceName",
    "status",
    "statusMessage",
    "traceDuration",
)


class NotFound(Exception):
    """There is no such trace."""


@dataclass(frozen=True)
class Answers:
    """What the store answers; every method raises TraceQLError for what it cannot understand."""

    store: TraceStore

    def trace(self, text: str) -> TracesData:
        """Return a trace by its id, in hexadecimal. Raises NotFound."""
        if not re.fullmatch(r"[0-9a-fA-F]{1,32}", text):
            raise TraceQLError("trace IDs can only contain hex characters, at most 32 of them")
        found = self.store.get(bytes.fromhex(text.zfill(_ID_DIGITS)))
        if found is None:
            raise NotFound("trace not found")
        groups: dict[tuple[bytes, bytes], list[Span]] = defaultdict(list)
        for span in sorted(found.spans, key=lambda span: span.start):
            groups[span.resource.resource, span.resource.scope].append(span)
        data = TracesData()
        for (resource, scope), spans in groups.items():
            group = data.resource_spans.add(resource=ResourceMessage.FromString(resource))
            group.scope_spans.add(
                scope=InstrumentationScope.FromString(scope), spans=[span.message() for span in spans]
            )
        return data

    def search(self, asked: dict[str, str]) -> Json:
        """Return /api/search: the newest traces with spans that `q` names, between start and end (seconds)."""
        find = traceql.parse(asked.get("q") or "{}")
        limit, shown = _number(asked, "limit", DEFAULT_LIMIT), _number(asked, "spss", DEFAULT_SPANS)
        start, end = _number(asked, "start", 0) * _NS, _number(asked, "end", 0) * _NS or time.time_ns()
        found: list[Json] = []
        inspected = 0
        for trace in self.store.between(start, end + _NS):
            inspected += 1
            spans = find(trace)
            if spans:
                found.append(_summary(trace, spans, shown))
            if len(found) >= min(limit, MAX_LIMIT):
                break
        return {"traces": found, "metrics": {"inspectedTraces": inspected, "completedJobs": 1, "totalJobs": 1}}

    def tags(self) -> Json:
        """Return /api/search/tags: the names of all attributes."""
        return {"tagNames": sorted(self._resource_tags() | self._span_tags())}

    def tags_by_scope(self) -> Json:
        """Return /api/v2/search/tags: the same, by scope."""
        scopes = {"resource": self._resource_tags(), "span": self._span_tags(), "intrinsic": set(_INTRINSICS)}
        return {"scopes": [{"name": name, "tags": sorted(tags)} for name, tags in scopes.items()]}

    def values(self, tag: str) -> list[str]:
        """Return the values of a tag, at most MAX_VALUES: "service.name", ".http.route", "status"..."""
        if tag in {"status", "kind"}:
            return sorted(traceql.STATUSES if tag == "status" else traceql.KINDS)
        scope, name = _scoped(tag)
        found: set[str] = set()
        for trace in self.store.all():
            for span in trace.spans:
                value = _value_of(span, scope, name)
                if value is not None:
                    found.add(_text(value))
            if len(found) >= MAX_VALUES:
                break
        return sorted(found)[:MAX_VALUES]

    def _resource_tags(self) -> set[str]:
        return {name for trace in self.store.all() for span in trace.spans for name in span.resource.attributes}

    def _span_tags(self) -> set[str]:
        return {
            pair.key for trace in self.store.all() for span in trace.spans for pair in span.message().attributes
        }


def _scoped(tag: str) -> tuple[str, str]:
    for scope in ("resource", "span"):
        if tag.startswith(f"{scope}."):
            return scope, tag.removeprefix(f"{scope}.")
    return "", tag.removeprefix(".")


def _value_of(span: Span, scope: str, name: str) -> Value | None:
    if name == "name" and not scope:
        return span.name
    found = None if scope == "resource" else otlp.attributes(span.message().attributes).get(name)
    return span.resource.attributes.get(name) if found is None and scope != "span" else found


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(asked: dict[str, str], name: str, default: int) -> int:
    text = asked.get(name) or str(default)
    if not re.fullmatch(r"\d{1,10}", text):
        raise TraceQLError(f"invalid {name}: {text[:80]!r}")
    return int(text)


def _summary(trace: Trace, spans: list[Span], shown: int) -> Json:
    root = trace.root
    spanset = {"spans": [_span(span) for span in spans[:shown]], "matched": len(spans)}
    return {
        "traceID": trace.id.hex(),
        "rootServiceName": root.resource.service if root else "<root span not yet received>",
        "rootTraceName": root.name if root else "",
        "startTimeUnixNano": str(trace.start),
        "durationMs": (trace.end - trace.start) // 1_000_000,
        "spanSet": spanset,
        "spanSets": [spanset],
        "serviceStats": _service_stats(trace),
    }


def _service_stats(trace: Trace) -> Json:
    stats: dict[str, Json] = {}
    for span in trace.spans:
        one = stats.setdefault(span.resource.service, {"spanCount": 0, "errorCount": 0})
        one["spanCount"] += 1
        one["errorCount"] += span.status == traceql.STATUSES["error"]
    return stats


def _span(span: Span) -> Json:
    return {
        "spanID": span.id.hex(),
        "name": span.name,
        "startTimeUnixNano": str(span.start),
        "durationNanos": str(span.duration),
        "attributes": [{"key": "service.name", "value": {"stringValue": span.resource.service}}],
    }


def as_json(data: TracesData, *, version: int) -> Json:
    """Return a trace as Tempo writes it: version 1 has `batches`, version 2 `trace`; ids are base64."""
    groups = MessageToDict(data).get("resourceSpans", [])
    return {"batches": groups} if version == 1 else {"trace": {"resourceSpans": groups}}
