"""Tempo's answers as data frames: a trace with a row for each span, a search with a row for each trace.

Shapes: Grafana's `pkg/tsdb/tempo/trace_transform.go`, and the table that its frontend makes of a search.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from .frames import Field, Frame, Json

_MS = 1_000_000  # nanoseconds
_STATUS = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
_TRACE_FIELDS = {
    "traceID": "string", "spanID": "string", "parentSpanID": "string", "operationName": "string",
    "serviceName": "string", "kind": "string", "statusCode": "int64", "statusMessage": "string",
    "instrumentationLibraryName": "string", "instrumentationLibraryVersion": "string", "traceState": "string",
    "serviceTags": "json.RawMessage", "startTime": "float64", "duration": "float64",
    "logs": "json.RawMessage", "references": "json.RawMessage", "tags": "json.RawMessage",
}  # fmt: skip


def trace_frame(ref_id: str, answer: Json) -> Frame:
    """Return the frame of a trace (`/api/traces/<id>`); times and durations are milliseconds."""
    rows = [
        _row(span, scope.get("scope") or {}, _tags((group.get("resource") or {}).get("attributes")))
        for group in answer.get("batches") or []
        for scope in group.get("scopeSpans") or []
        for span in scope.get("spans") or []
    ]
    fields = [Field(name, kind, [row[name] for row in rows]) for name, kind in _TRACE_FIELDS.items()]
    return Frame(ref_id, fields, {"preferredVisualisationType": "trace"}, name="Trace")


def search_frame(ref_id: str, answer: Json) -> Frame:
    """Return the frame of a search (`/api/search`)."""
    traces = answer.get("traces") or []
    fields = [
        Field("traceID", "string", [trace["traceID"] for trace in traces]),
        Field("startTime", "time.Time", [int(trace["startTimeUnixNano"]) // _MS for trace in traces]),
        Field("traceService", "string", [trace["rootServiceName"] for trace in traces]),
        Field("traceName", "string", [trace["rootTraceName"] for trace in traces]),
        Field(
            "traceDuration", "float64", [float(trace["durationMs"]) for trace in traces], config={"unit": "ms"}
        ),
    ]
    return Frame(ref_id, fields, {"preferredVisualisationType": "table"}, name="Traces")


def _row(span: Json, scope: Json, resource: list[Json]) -> Json:
    start, end = int(span.get("startTimeUnixNano", 0)), int(span.get("endTimeUnixNano", 0))
    status = span.get("status") or {}
    kind = span.get("kind", "").removeprefix("SPAN_KIND_").lower()
    return {
        # Grafana leaves out a half that is zero, as 64-bit ids have it.
        "traceID": _hex(span.get("traceId", "")).removeprefix("0" * 16),
        "spanID": _hex(span["spanId"]),
        "parentSpanID": _hex(span.get("parentSpanId", "")),
        "operationName": span.get("name", ""),
        "serviceName": next((tag["value"] for tag in resource if tag["key"] == "service.name"), ""),
        "kind": "" if kind == "unspecified" else kind,
        "statusCode": _STATUS.get(status.get("code", ""), 0),
        "statusMessage": status.get("message", ""),
        "instrumentationLibraryName": scope.get("name", ""),
        "instrumentationLibraryVersion": scope.get("version", ""),
        "traceState": span.get("traceState", ""),
        "serviceTags": resource,
        "startTime": start / _MS,
        "duration": max(end - start, 0) / _MS,
        "logs": [_log(event) for event in span.get("events") or []],
        "references": [
            {
                "traceID": _hex(link["traceId"]),
                "spanID": _hex(link["spanId"]),
                "tags": _tags(link.get("attributes")),
            }
            for link in span.get("links") or []
        ],
        "tags": _tags(span.get("attributes")),
    }


def _log(event: Json) -> Json:
    fields = [{"key": "message", "value": event["name"]}] if event.get("name") else []
    return {
        "timestamp": int(event.get("timeUnixNano", 0)) / _MS,
        "fields": fields + _tags(event.get("attributes")),
    }


def _tags(attributes: list[Json] | None) -> list[Json]:
    return [{"key": one["key"], "value": _value(one.get("value") or {})} for one in attributes or []]


def _value(given: Json) -> Any:
    if "intValue" in given:
        return int(given["intValue"])
    for kind in ("stringValue", "boolValue", "doubleValue"):
        if kind in given:
            return given[kind]
    return json.dumps(given)


def _hex(text: str) -> str:
    return base64.b64decode(text).hex()
