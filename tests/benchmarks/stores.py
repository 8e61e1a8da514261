"""Measures queries of the lab's log and trace stores: python tests/benchmarks/stores.py [--times N].

It needs no lab: each store runs as the lab runs it, a process of its own, and is filled with what the shop's
default load leaves in 15 minutes: 69,000 log lines in the proportions of the services, and traces until the
store for them is full. Then it is asked what people and experiments ask, over those 15 minutes. The CPU time
of a store, unlike the time until it answers, hardly depends on what else the machine does.
"""

from __future__ import annotations

import argparse
import itertools
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

ROOT = Path(__file__).parents[2]
sys.path[0] = str(ROOT)

from tests.lab_grafana.conftest import LogStoreProcess, running_log_store, running_trace_store  # noqa: E402 -- see above

SECONDS = 900
LINES_A_MINUTE = {
    "api-gateway": 1768, "web-gateway": 924, "cart": 727, "product": 480, "checkout": 277, "payment": 266,
    "content": 46, "product-data": 46, "cart-data-replica": 22, "session-data-replica": 28,
}  # fmt: skip
"""Counted in a lab with the default load."""
BATCH = 500
FAILED_IN = 50
"""One request in so many fails, so that there is something to find."""
TRACES = 8000
SERVICES = ("web-gateway", "web-gateway", "api-gateway", "api-gateway", "product", "product", "product", "cart")
"""Of each span of a trace: a request for the catalogue has seven, one to check out twenty."""
SELECT = "SELECT id, category, name, price_cents, description FROM product.products ORDER BY position"
LOG_QUERIES = {
    "the newest 1,000 of all lines": ('{namespace="ecommerce"}', 1000),
    "lines with a text, of all services": ('{namespace="ecommerce"} |= "level=error"', 1000),
    "lines by a regular expression, of all services": (
        '{namespace="ecommerce"} |~ "Failed to (connect|reach)"', 1000),
    "lines by a field, of the busiest service": ('{service="api-gateway"} | logfmt | duration_ms > 900', 1000),
    "errors by service, counted": (
        'sum by (service) (count_over_time({namespace="ecommerce"} |= "level=error" [15m]))', 0),
    "errors by service, over time": (
        'sum by (service) (count_over_time({namespace="ecommerce"} |= "level=error" [30s]))', 1000),
}  # fmt: skip
TRACE_QUERIES = {
    "the newest 20 traces": ("{ }", 20),
    "500 failed requests": ("{ status = error && kind = server }", 500),
    "a service's slow spans": ('{ resource.service.name = "product" && duration > 90ms }', 20),
    "spans by an attribute, none of which is there": ('{ span.http.route = "/nowhere" }', 20),
}


def main() -> None:
    """Fill both stores, ask them, print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20, help="how often each query is asked")
    times = parser.parse_args().times
    print("| query over 15 minutes | median | slowest | CPU time |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder, running_log_store(Path(folder)) as logs:
        count = fill_logs(logs)
        for what, (query, limit) in LOG_QUERIES.items():
            report(f"logs: {what}", times, lambda query=query, limit=limit: ask_logs(logs, query, limit))
    with running_trace_store() as url:
        fill_traces(url)
        for what, (query, limit) in TRACE_QUERIES.items():
            report(f"traces: {what}", times, lambda query=query, limit=limit: ask_traces(url, query, limit))
    print(f"\n{count} log lines; {TRACES} traces of {len(SERVICES)} spans sent.")


def report(what: str, times: int, ask: Callable[[], object]) -> None:
    """Ask again and again, and print how long it took, and how much of it the store worked."""
    took = []
    worked = store_cpu()
    for _ in range(times):
        before = time.monotonic()
        ask()
        took.append((time.monotonic() - before) * 1000)
    cpu = (store_cpu() - worked) / times * 1000
    print(f"| {what} | {statistics.median(took):.0f} ms | {max(took):.0f} ms | {cpu:.0f} ms |", flush=True)


def store_cpu() -> float:
    """Return the CPU seconds of the store that runs, this process' only child."""
    (store,) = psutil.Process().children()
    return sum(store.cpu_times()[:2])


def fill_logs(store: LogStoreProcess) -> int:
    """Push the lines of the last 15 minutes, and return how many they are."""
    count = 0
    start = time.time_ns() - SECONDS * 10**9
    for service, a_minute in LINES_A_MINUTE.items():
        labels = {"cluster": "lab", "namespace": "ecommerce", "service": service, "container": service}
        number = a_minute * SECONDS // 60
        step = SECONDS * 10**9 // number
        entries = ((start + n * step, line(service, n)) for n in range(number))
        for batch in batches(entries):
            store.push({**labels, "pod": f"{service}-6d5f9c7b8-x2x4z"}, *batch)
        count += number
    return count


def batches(entries: Iterator[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    """Yield entries in lists of at most BATCH."""
    while batch := list(itertools.islice(entries, BATCH)):
        yield batch


def line(service: str, number: int) -> str:
    """Return a line as the shop writes it."""
    ids = f"traceID={secrets.token_hex(16)} spanID={secrets.token_hex(8)}"
    stamp = f"ts=2026-01-01T00:{number // 60 % 60:02d}:{number % 60:02d}.000Z"
    if number % FAILED_IN == 0:
        said = 'exception=PaymentProviderError error="Failed to connect to payment provider"'
        return f'{stamp} level=error service={service} msg="unhandled exception" {ids} {said}'
    route = "method=GET route=/api/v1/{service}/{path} status=200"
    return f"{stamp} level=info service={service} msg=request {ids} {route} duration_ms={number * 37 % 1000}.5"


def fill_traces(url: str) -> None:
    """Send traces, the oldest 15 minutes ago."""
    start = time.time_ns() - SECONDS * 10**9
    step = SECONDS * 10**9 // TRACES
    for first in range(0, TRACES, BATCH):
        body = ExportTraceServiceRequest()
        for n in range(first, min(first + BATCH, TRACES)):
            add_trace(body, start + n * step, failed=n % FAILED_IN == 0)
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


def ask_logs(store: LogStoreProcess, query: str, limit: int) -> None:
    """Ask for lines or for a count over time, or with a limit of 0 for a count at this moment."""
    words = {"query": query}
    path = "loki/api/v1/query"
    if limit:
        path = "loki/api/v1/query_range"
        now = time.time_ns()
        words |= {"limit": str(limit), "start": str(now - SECONDS * 10**9), "end": str(now), "step": "30"}
    answer = store.get(path, **words)
    if not answer.json()["data"]["result"]:
        raise SystemExit(f"nothing was found: what was measured is not what the table says ({query})")


def ask_traces(url: str, query: str, limit: int) -> None:
    """Search."""
    now = int(time.time())
    words = {"q": query, "limit": limit, "start": now - SECONDS, "end": now}
    requests.get(f"{url}/api/search", params=words, timeout=60).raise_for_status()


if __name__ == "__main__":
    main()
