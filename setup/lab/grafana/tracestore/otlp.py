"""Receives spans by OTLP/HTTP: protobuf or JSON, perhaps compressed by gzip.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError  # type: ignore[import-untyped]
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from lab.grafana.bodies import Refused, unzipped

from .store import Resource, Span, Value

PROTOBUF, JSON = "application/x-protobuf", "application/json"
MAX_BYTES = 4 * 1024 * 1024  # of a body as it comes
MAX_UNZIPPED_BYTES = 16 * 1024 * 1024
_TRACE_ID, _SPAN_ID = 16, 8  # bytes
_IDS = frozenset({"traceId", "spanId", "parentSpanId"})


def spans(body: bytes, content_type: str, encoding: str) -> list[tuple[bytes, Span]]:
    """Return the spans of an export, each with its trace's id. Raises Refused."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind not in {PROTOBUF, JSON}:
        raise Refused(415, f"not supported here: the content type {kind[:80]!r}; send {PROTOBUF} or {JSON}")
    if encoding not in {"", "identity", "gzip"}:
        raise Refused(415, f"not supported here: the content encoding {encoding[:80]!r}; send gzip or none")
    try:
        data = unzipped(body, MAX_UNZIPPED_BYTES) if encoding == "gzip" else body
        request = ExportTraceServiceRequest()
        if kind == PROTOBUF:
            request.ParseFromString(data)
        else:
            ParseDict(_with_ids(data), request, ignore_unknown_fields=True)
        return list(_spans(request))
    except (DecodeError, ParseError, ValueError, RecursionError, zlib.error) as error:
        raise Refused(400, f"not an export of traces: {str(error)[:200]}") from None


def _with_ids(data: bytes) -> Any:
    tree = json.loads(data)
    if not isinstance(tree, dict):
        raise ValueError("not an object")  # noqa: TRY004 - of the text, whose type is right
    _decode_ids(tree)
    return tree


def _decode_ids(tree: Any) -> None:
    """Turn ids from OTLP's hexadecimal into protobuf's base64."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key in _IDS and isinstance(value, str):
                tree[key] = base64.b64encode(bytes.fromhex(value)).decode()
            else:
                _decode_ids(value)
    elif isinstance(tree, list):
        for item in tree:
            _decode_ids(item)


def _spans(request: ExportTraceServiceRequest) -> Iterator[tuple[bytes, Span]]:
    for group in request.resource_spans:
        known = attributes(group.resource.attributes)
        for scope in group.scope_spans:
            resource = Resource(known, group.resource.SerializeToString(), scope.scope.SerializeToString())
            for message in scope.spans:
                if len(message.trace_id) != _TRACE_ID or len(message.span_id) != _SPAN_ID:
                    raise ValueError("a span's trace id has not 16 bytes, or its own id not 8")
                yield message.trace_id, Span(message, resource)


def attributes(pairs: Iterable[KeyValue]) -> dict[str, Value]:
    """Return attributes by name; lists and maps as JSON."""
    return {pair.key: value(pair.value) for pair in pairs}


def value(given: AnyValue) -> Value:
    """Return an attribute's value."""
    kind = given.WhichOneof("value")
    if kind is None:
        return ""
    if kind in {"array_value", "kvlist_value"}:
        return json.dumps(_plain(given))
    if kind == "bytes_value":
        return base64.b64encode(given.bytes_value).decode()
    found: Value = getattr(given, kind)
    return found


def _plain(given: AnyValue) -> Any:
    kind = given.WhichOneof("value")
    if kind == "array_value":
        return [_plain(item) for item in given.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: _plain(pair.value) for pair in given.kvlist_value.values}
    return value(given)
