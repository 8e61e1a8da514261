"""Fills log and trace stores with what the shop's default load leaves there."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Iterator

import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

LINES_A_MINUTE = {
    "api-gateway": 1768, "web-gateway": 924, "cart": 727, "product": 480, "checkout": 277, "payment": 266,
    "content": 46, "product-data": 46, "cart-data-replica": 22, "session-data-replica": 28,
}  # fmt: skip
"""Counted in a lab with the default load."""
BATCH = 500
FAILED_IN = 50
"""One request in so many fails, so that there is something to find."""
SERVICES = ("web-gateway", "web-gateway", "api-gateway", "api-gateway", "product", "product", "product", "cart")
"""Of each span of a trace: a request for the catalogue has seven, one to check out twenty."""
SELECT = "SELECT id, category, name, price_cents, description FROM product.products ORDER BY position"


def fill_logs(url: str, seconds: int) -> int:
    """Push the lines of the last seconds to a log store, and return how many they are."""
    count = 0
    start = time.time_ns() - seconds * 10**9
    for service, a_minute in LINES_A_MINUTE.items():
        labels = {"cluster": "lab", "namespace": "ecommerce", "service": service, "container": service}
        number = a_minute * seconds // 60
        step = seconds * 10**9 // number
        entries = ((start + n * step, line(service, n)) for n in range(number))
        for batch in batches(entries):
            push(url, {**labels, "pod": f"{service}-6d5f9c7b8-x2x4z"}, batch)
        count += number
    return count


def batches(entries: Iterator[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    """Yield entries in lists of at most BATCH."""
    while batch := list(itertools.islice(entries, BATCH)):
        yield batch


def push(url: str, labels: dict[str, str], entries: list[tuple[int, str]]) -> None:
    """Add lines to a stream."""
    values = [[str(moment), text] for moment, text in entries]
    body = {"streams": [{"stream": labels, "values": values}]}
    requests.post(f"{url}/loki/api/v1/push", json=body, timeout=60).raise_for_status()


_CALL = (
    r"  File \"/srv/shop/step_{n}.py\", line {n}7, in step_{n}\n    return await self._next_step_{n}(request)\n"
)
STACK = r"Traceback (most recent call last):\n" + "".join(_CALL.format(n=n) for n in range(1, 25))
"""What an exception's line ends with: its calls, escaped as logfmt does, about 2.5 kB of them."""


def line(service: str, number: int) -> str:
    """Return a line as the shop writes it; a failure's has its stack."""
    ids = f"traceID={secrets.token_hex(16)} spanID={secrets.token_hex(8)}"
    stamp = f"ts=2026-01-01T00:{number // 60 % 60:02d}:{number % 60:02d}.000Z"
    if number % FAILED_IN == 0:
        said = 'exception=PaymentProviderError error="Failed to connect to payment provider"'
        return f'{stamp} level=error service={service} msg="unhandled exception" {ids} {said} stack="{STACK}"'
    route = "method=GET route=/api/v1/{service}/{path} status=200"
    return f"{stamp} level=info service={service} msg=request {ids} {route} duration_ms={number * 37 % 1000}.5"


def fill_traces(url: str, seconds: int, traces: int, failed_in: int = FAILED_IN) -> None:
    """Send traces to a trace store, the oldest some seconds ago; one in `failed_in` has errors."""
    start = time.time_ns() - seconds * 10**9
    step = seconds * 10**9 // traces
    for first in range(0, traces, BATCH):
        body = ExportTraceServiceRequest()
        for n in range(first, min(first + BATCH, traces)):
            add_trace(body, start + n * step, failed=n % failed_in == 0)
        headers = {"Content-Type": "application/x-protobuf"}
        answer = requests.post(f"{url}/v1/traces", data=body.SerializeToString(), headers=headers, timeout=60)
        answer.raise_for_status()


def add_trace(body: ExportTraceServiceRequest, at: int, *, failed: bool) -> None:
    """Add one request's spans, each the parent of the next."""
    trace, parent = secrets.token_bytes(16), b""
    for depth, service in enumerate(SERVICES):
        group = body.resource_spans.add()
        group.resource.attributes.append(text("service.name", service))
        group.resource.attributes.append(text("service.version", "1.0.0"))
        span = group.scope_spans.add().spans.add(
            trace_id=trace,
            span_id=secrets.token_bytes(8),
            parent_span_id=parent,
            name="GET /products",
            kind=2 if depth % 2 == 0 else 3,
            start_time_unix_nano=at + depth * 10**6,
            end_time_unix_nano=at + 100 * 10**6 - depth * 10**6,
        )
        span.status.code = 2 if failed else 0
        span.attributes.append(text("http.route", "/products"))
        span.attributes.append(text("db.statement", SELECT))
        parent = span.span_id


def text(name: str, value: str) -> KeyValue:
    """Return an attribute."""
    return KeyValue(key=name, value=AnyValue(string_value=value))
