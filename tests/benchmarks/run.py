"""Measures the numbers of the README: python tests/benchmarks/run.py [--ticks N]. The lab is restarted for it.

Nothing is asserted: a busy machine is slower, and a benchmark is read by a person.
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
from pathlib import Path

import psutil

from chaosext.environment import load_windows
from chaosext.grafana.client import Grafana
from chaosext.polling import poll
from chaosext.result import Tolerance, Verification, read
from chaosext.slo.load import load_slos
from chaosext.slo.sli import measure
from chaosext.verification.expectations import parse_tolerances

ROOT = Path(__file__).parents[2]
PAYMENT = ROOT / "experiments" / "payment.json"


def main() -> None:
    """Restart the lab, measure, print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ticks", type=int, default=200, help="how many ticks to time")
    ticks = parser.parse_args().ticks
    lab("down")
    began = time.monotonic()
    lab("up")
    up = time.monotonic() - began
    environment = lab_environment()
    os.environ.update(environment)
    grafana = Grafana(environment["GRAFANA_URL"], environment["GRAFANA_TOKEN"])
    steady = wait_until_steady(grafana, began)
    memory = lab_memory()
    times = tick_times(grafana, ticks)
    seconds, verification = run_payment()
    rows = [
        ("`lab up`, once installed", f"{up:.1f} s"),
        ("from `up` to every SLI within its tolerance", f"{steady:.1f} s"),
        ("memory of everything (PSS)", f"{memory / 2**20:.0f} MiB"),
        (
            f"a tick of all SLIs, one HTTP request ({ticks} ticks)",
            f"median {statistics.median(times) * 1000:.0f} ms, "
            f"95th percentile {statistics.quantiles(times, n=20)[-1] * 1000:.0f} ms",
        ),
        ("the payment experiment", f"{seconds:.0f} s, {verification.verdict}"),
        ("its time to recover", f"{verification.time_to_recover_seconds or float('nan'):.1f} s"),
    ]
    print("| what | measured |\n| --- | --- |")
    for name, value in rows:
        print(f"| {name} | {value} |")


def lab(*words: str) -> str:
    """Run the lab's command line and return its output."""
    done = subprocess.run([sys.executable, "-m", "lab", *words], check=True, capture_output=True, text=True)
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


def lab_memory() -> int:
    """Return the proportional set size of the daemon and all below it, in bytes."""
    daemon = psutil.Process(int(json.loads(lab("status", "--json"))["pid"]))
    return sum(p.memory_full_info().pss for p in [daemon, *daemon.children(recursive=True)])


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
