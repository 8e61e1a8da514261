"""Measures the numbers of the README: python tests/benchmarks/run.py [--ticks N].

The checkout's lab is restarted for it, and is down afterwards: at last its stores of logs and traces are filled
with made-up ones, as hours of trade fill them, and memory is measured then. Nothing is asserted: a busy machine
is slower, and a benchmark is read by a person.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import requests
from figures import Row, nearest_rank, print_table
from filling import fill_logs, fill_traces

from chaosext.environment import load_windows
from chaosext.grafana.client import Grafana
from chaosext.polling import poll
from chaosext.result import Tolerance, Verification, read
from chaosext.slo.load import load_slos
from chaosext.slo.sli import measure
from chaosext.verification.expectations import parse_tolerances
from lab import settings
from lab.grafana.tracestore.store import MAX_BYTES, MAX_ERROR_BYTES
from lab.node import procfs

ROOT = Path(__file__).parents[2]
PAYMENT = ROOT / "experiments" / "payment.json"
FILLS = 40
"""How often at most a quarter of an hour is added to a store: the log store holds about an hour."""


def main() -> None:
    """Restart the lab, measure, print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=200, help="how many ticks to time")
    ticks = parser.parse_args().ticks
    lab("down")
    try:
        print_table(figures(ticks))
    finally:
        lab("down")


def figures(ticks: int) -> Iterator[Row]:
    """Bring the lab up and yield each figure with its limit."""
    began = time.monotonic()
    lab("up")
    yield "`lab up`, once installed", f"{time.monotonic() - began:.1f} s", "12 s"
    environment = lab_environment()
    os.environ.update(environment)
    grafana = Grafana(environment["GRAFANA_URL"], environment["GRAFANA_TOKEN"])
    steady = wait_until_steady(grafana, began)
    yield "from `up` to every SLI within its tolerance", f"{steady:.1f} s", "20 s"
    times = tick_times(grafana, ticks)
    middle, far = statistics.median(times) * 1000, nearest_rank(times, 95) * 1000
    tick = f"median {middle:.0f} ms, 95th percentile {far:.0f} ms"
    yield f"a tick of all SLIs: one HTTP request, {ticks} times", tick, "50 ms"
    seconds, verification = run_payment()
    yield "the payment experiment", f"{seconds:.0f} s, {verification.verdict}", "90 s"
    recovery = verification.time_to_recover_seconds or float("nan")
    yield "its time to recover", f"{recovery:.1f} s", "30 s"
    fill_stores()
    memory = f"{lab_memory() / 2**20:.0f} MiB"
    yield "memory of everything (PSS), the log and trace stores full", memory, "1.2 GiB"


def lab(*words: str) -> str:
    """Run the lab's command line and return its output; stop with what it says when it fails."""
    command = [sys.executable, "-m", "lab", *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"lab {' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout


def lab_environment() -> dict[str, str]:
    """Return what `lab env` exports."""
    words = shlex.split(lab("env").replace("export ", ""))
    return dict(word.split("=", 1) for word in words)


def wait_until_steady(grafana: Grafana, began: float) -> float:
    """Return the seconds from `began` until every SLI of the payment experiment is within its tolerance."""
    slos = load_slos(ROOT / "manifests" / "slo.yaml")
    tolerances = parse_tolerances(json.loads(PAYMENT.read_text()))
    window = load_windows(ROOT / "manifests" / "windows.yaml").short_window_seconds

    def missing() -> str | None:
        found = measure(grafana, slos.values(), window)
        out = [name for name, t in tolerances.items() if not within(t, found[name].over(t.min_events).value)]
        return ", ".join(out) or None

    if (left := poll(missing, 60, interval=0.1)) is not None:
        raise SystemExit(f"not steady within 60 s: {left}")
    return time.monotonic() - began


def within(tolerance: Tolerance, ratio: float | None) -> bool:
    """Tell whether a ratio was measured and lies in its tolerance."""
    return ratio is not None and tolerance.holds(ratio)


def fill_stores() -> None:
    """Bring the log and the trace store to their limits with what hours of trade leave there."""
    ports = settings.from_environment().ports
    logs, traces = f"http://{settings.HOST}:{ports.loki}", f"http://{settings.HOST}:{ports.tempo}"
    for _ in range(FILLS):
        if figure(logs, 'lab_loki_dropped_lines_total{reason="room"}') > 0:
            break
        fill_logs(logs, 900)
    else:
        raise SystemExit("the log store is not full: its memory is not what the table says")
    # Traces with an error have room of their own.
    for _ in range(FILLS):
        if figure(traces, "lab_tempo_store_bytes") > 0.98 * (MAX_BYTES + MAX_ERROR_BYTES):
            return
        fill_traces(traces, 900, 4000, failed_in=2)
    raise SystemExit("the trace store is not full: its memory is not what the table says")


def figure(url: str, name: str) -> float:
    """Return one of a store's own metrics."""
    answer = requests.get(f"{url}/metrics", timeout=60)
    answer.raise_for_status()
    return next(float(line.split()[-1]) for line in answer.text.splitlines() if line.startswith(f"{name} "))


def lab_memory() -> int:
    """Return the proportional set size of the daemon and all below it, in bytes."""
    return procfs.tree_bytes(int(json.loads(lab("status", "--json"))["pid"]))


def tick_times(grafana: Grafana, count: int) -> list[float]:
    """Return the seconds that each of `count` measurements of all SLIs took."""
    slos = load_slos(ROOT / "manifests" / "slo.yaml")
    times = []
    for _ in range(count):
        start = time.perf_counter()
        measure(grafana, slos.values(), 10)
        times.append(time.perf_counter() - start)
    return times


def run_payment() -> tuple[float, Verification]:
    """Run the payment experiment; return its seconds and what it proved."""
    folder = ROOT / "reports" / "benchmark"
    folder.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "chaostoolkit", "--no-version-check", "--no-log-file", "run", str(PAYMENT)],
        env={**os.environ, "CHAOS_REPORT_DIR": str(folder)},
        cwd=folder,  # Chaos Toolkit writes its own journal where it runs
        capture_output=True,
        check=False,
    )
    return time.monotonic() - start, read(folder)


if __name__ == "__main__":
    main()
