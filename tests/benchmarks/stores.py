"""Measures queries of the lab's log and trace stores: python tests/benchmarks/stores.py [--times N].

It needs no lab: each store runs as the lab runs it, a process of its own, and is filled with what the shop's
default load leaves in 15 minutes: 69,000 log lines in the proportions of the services, and traces until the
store for them is full. Then it is asked what people and experiments ask, over those 15 minutes; of logs, by
/api/ds/query of the stand-in for Grafana, another process. The CPU time of both, unlike the time until they
answer, hardly depends on what else the machine does.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import requests
from figures import Row, nearest_rank, print_table
from filling import SERVICES, fill_logs, fill_traces

ROOT = Path(__file__).parents[2]
sys.path[0] = str(ROOT)

from tests.lab_grafana.conftest import TOKEN, free_port, running_log_store, running_trace_store, wait_until  # noqa: E402 -- see above

SECONDS = 900
TRACES = 8000
LIMIT_MS = 200
"""Of a query of logs over the 15 minutes."""
GRAFANA = """
import asyncio, sys
from pathlib import Path
from lab.grafana.server import GrafanaSettings, serve

async def run(port, folder, loki):
    nobody = "http://127.0.0.1:1"
    await serve(GrafanaSettings("127.0.0.1", int(port), sys.stdin.read(), nobody, Path(folder), loki_url=loki))
    await asyncio.Event().wait()

asyncio.run(run(*sys.argv[1:]))
"""
"""The stand-in for Grafana by itself, as the lab's daemon serves it."""
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
    with tempfile.TemporaryDirectory() as folder, running_log_store(Path(folder) / "logs") as logs:
        count = fill_logs(logs.url, SECONDS)
        with running_grafana(Path(folder) / "grafana", logs.url) as url:
            for what, (query, limit) in LOG_QUERIES.items():
                took = asked(times, lambda query=query, limit=limit: ask_logs(url, query, limit))
                yield f"{what}; {count:,} lines of 15 minutes", took, f"{LIMIT_MS} ms"
    with running_trace_store() as url:
        fill_traces(url, SECONDS, TRACES)
        for what, (query, limit) in TRACE_QUERIES.items():
            took = asked(times, lambda query=query, limit=limit: ask_traces(url, query, limit))
            yield f"{what}; {TRACES:,} traces of {len(SERVICES)} spans sent", took, ""


def asked(times: int, ask: Callable[[], object]) -> str:
    """Ask again and again; say how long it took, and how much of it the processes that answer worked."""
    took = []
    ask()  # what the first request alone does: connect, compile
    worked = children_cpu()
    for _ in range(times):
        before = time.monotonic()
        ask()
        took.append((time.monotonic() - before) * 1000)
    cpu = (children_cpu() - worked) / times * 1000
    middle, p95 = statistics.median(took), nearest_rank(took, 95)
    return f"median {middle:.0f} ms, p95 {p95:.0f} ms, slowest {max(took):.0f} ms, {cpu:.0f} ms of CPU"


def children_cpu() -> float:
    """Return the CPU seconds of what answers: this process' children."""
    return sum(sum(child.cpu_times()[:2]) for child in psutil.Process().children())


@contextlib.contextmanager
def running_grafana(folder: Path, loki: str) -> Iterator[str]:
    """Run the stand-in for Grafana in front of a log store; gives the URL of its queries."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", GRAFANA, str(port), str(folder), loki],
        stdin=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "setup")},
    )
    assert process.stdin is not None
    process.stdin.write(TOKEN)
    process.stdin.close()

    def healthy() -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"http://127.0.0.1:{port}/api/health", timeout=5).ok
        return False

    try:
        wait_until(healthy, "the stand-in answers")
        yield f"http://127.0.0.1:{port}/api/ds/query"
    finally:
        process.terminate()
        process.wait()


def ask_logs(url: str, query: str, limit: int) -> None:
    """Ask for lines or for a count over time, or with a limit of 0 for a count at this moment."""
    now = time.time_ns() // 10**6
    asked_of = {
        "refId": "A",
        "datasource": {"uid": "loki", "type": "loki"},
        "expr": query,
        "intervalMs": 30_000,
    }
    asked_of |= {"queryType": "range", "maxLines": limit} if limit else {"queryType": "instant"}
    body = {"from": str(now - SECONDS * 1000), "to": str(now), "queries": [asked_of]}
    answer = requests.post(url, json=body, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60)
    answer.raise_for_status()
    # Without a byte more than is needed: how long this process reads is not what is measured.
    if b'"values": [[' not in answer.content or b'"values": [[]' in answer.content:
        raise SystemExit(f"nothing was found: what was measured is not what the table says ({query})")


def ask_traces(url: str, query: str, limit: int) -> None:
    """Search."""
    now = int(time.time())
    words = {"q": query, "limit": limit, "start": now - SECONDS, "end": now}
    requests.get(f"{url}/api/search", params=words, timeout=60).raise_for_status()


if __name__ == "__main__":
    main()
