"""Measures queries of the lab's log and trace stores: python tests/benchmarks/stores.py [--times N].

It needs no lab: each store runs as the lab runs it, a process of its own, and is filled with what the shop's
default load leaves in 15 minutes: 69,000 log lines in the proportions of the services, and traces until the
store for them is full. Then it is asked what people and experiments ask, over those 15 minutes. The CPU time
of a store, unlike the time until it answers, hardly depends on what else the machine does.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import requests
from figures import Row, print_table
from filling import SERVICES, fill_logs, fill_traces

ROOT = Path(__file__).parents[2]
sys.path[0] = str(ROOT)

from tests.lab_grafana.conftest import LogStoreProcess, running_log_store, running_trace_store  # noqa: E402 -- see above

SECONDS = 900
TRACES = 8000
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
    print_table(measure(parser.parse_args().times))


def measure(times: int) -> Iterator[Row]:
    """Yield what each query took."""
    with tempfile.TemporaryDirectory() as folder, running_log_store(Path(folder)) as logs:
        count = fill_logs(logs.url, SECONDS)
        for what, (query, limit) in LOG_QUERIES.items():
            took = asked(times, lambda query=query, limit=limit: ask_logs(logs, query, limit))
            yield f"{what}; {count:,} lines of 15 minutes", took, ""
    with running_trace_store() as url:
        fill_traces(url, SECONDS, TRACES)
        for what, (query, limit) in TRACE_QUERIES.items():
            took = asked(times, lambda query=query, limit=limit: ask_traces(url, query, limit))
            yield f"{what}; {TRACES:,} traces of {len(SERVICES)} spans sent", took, ""


def asked(times: int, ask: Callable[[], object]) -> str:
    """Ask again and again; say how long it took, and how much of it the store worked."""
    took = []
    worked = store_cpu()
    for _ in range(times):
        before = time.monotonic()
        ask()
        took.append((time.monotonic() - before) * 1000)
    cpu = (store_cpu() - worked) / times * 1000
    return f"median {statistics.median(took):.0f} ms, slowest {max(took):.0f} ms, {cpu:.0f} ms of CPU"


def store_cpu() -> float:
    """Return the CPU seconds of the store that runs, this process' only child."""
    (store,) = psutil.Process().children()
    return sum(store.cpu_times()[:2])


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
