"""Measures the lab's node: python tests/benchmarks/node.py. The lab is restarted for it.

Start, memory, CPU time, what watching containers costs, and what a preloaded process would save that the shop's
pods are forked from: the numbers behind setup/lab/README.md. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable

import psutil
from figures import Row, print_table
from run import ROOT, lab

from lab.node import procfs

QUIET_SECONDS = 20
POUR_SECONDS = 2.0
SHARERS = 8  # the shop's services, product counted twice
MODULES = "shop.server, shop.telemetry, shop.logs, shop.services.api_gateway"


def main() -> None:
    """Restart the lab, measure, print a Markdown table."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    lab("down")
    began = time.monotonic()
    output = lab("up")
    up = time.monotonic() - began
    rolled_out = re.search(r"([\d.]+) s  all Deployments are rolled out", output)
    daemon = psutil.Process(int(json.loads(lab("status", "--json"))["pid"]))
    memory, seconds = usage(daemon)
    share = cpu_share(daemon)
    rows: list[Row] = [
        ("`lab up`", f"{up:.1f} s", "12 s"),
        ("of that, until all pods are ready", f"{rolled_out[1] if rolled_out else '?'} s", ""),
        ("CPU time until then, all processes", f"{seconds:.1f} s", ""),
        *(
            (f"memory (PSS) just after `up`, {name}", f"{size / 2**20:.0f} MiB", "")
            for name, size in sorted(memory.items())
        ),
        # Its limit is for a lab that has run for hours: run.py measures that.
        ("memory (PSS) just after `up`, everything", f"{memory.total() / 2**20:.0f} MiB", ""),
        ("the daemon while the shop trades", f"{share:.1%} of a core", ""),
        ("of that, watching containers", f"{look_seconds(daemon) * 100:.2f}% of a core", ""),
    ]
    for name, start in {"each imports": executed, "forked after the imports": forked}.items():
        pss, cpu = imports(start)
        rows.append(
            (
                f"{SHARERS} processes with the shop's libraries, {name}",
                f"{pss / 2**20:.0f} MiB, {cpu:.2f} s CPU",
                "",
            )
        )
    print_table(rows)


def usage(daemon: psutil.Process) -> tuple[Counter[str], float]:
    """Return bytes of proportional memory by kind of process, and the CPU seconds of all."""
    memory: Counter[str] = Counter()
    seconds = 0.0
    for process in [daemon, *daemon.children(recursive=True)]:
        try:
            memory[kind(process, daemon)] += procfs.resident_bytes(process.pid)
            seconds += sum(process.cpu_times()[:4])
        except psutil.NoSuchProcess:
            continue  # a probe that has just ended
    return memory, seconds


def kind(process: psutil.Process, daemon: psutil.Process) -> str:
    """Return what a process of the lab is, in a word."""
    words = " ".join(process.cmdline())
    if process.pid == daemon.pid:
        return "the daemon"
    for part, name in {
        "-m shop": "the shop",
        "locust": "the load",
        "postgres": "databases",
        "redis": "databases",
    }.items():
        if part in words:
            return name
    return "Prometheus and exporters"


def cpu_share(process: psutil.Process) -> float:
    """Return the share of one core that a process takes over QUIET_SECONDS."""
    before = sum(process.cpu_times()[:2])
    time.sleep(QUIET_SECONDS)
    return (sum(process.cpu_times()[:2]) - before) / QUIET_SECONDS


def look_seconds(daemon: psutil.Process) -> float:
    """Return the CPU seconds of reading once what each of the daemon's children uses."""
    pids, rounds = [child.pid for child in daemon.children()], 20
    before = time.process_time()
    for _ in range(rounds):
        for pid in pids:
            procfs.use(pid)
    return (time.process_time() - before) / rounds


def executed() -> list[subprocess.Popen[bytes]]:
    """Start processes that import for themselves."""
    script = f"import {MODULES}, time; time.sleep(60)"
    return [subprocess.Popen([sys.executable, "-c", script], env=environment()) for _ in range(SHARERS)]


def forked() -> list[subprocess.Popen[bytes]]:
    """Start one process that imports and then forks the others."""
    script = (
        f"import {MODULES}, gc, os, time; gc.collect(); gc.freeze()\n"
        f"for _ in range({SHARERS}): os.fork() or (time.sleep(60), os._exit(0))\n"
        "time.sleep(60)"
    )
    return [subprocess.Popen([sys.executable, "-c", script], env=environment(), start_new_session=True)]


def imports(start: Callable[[], list[subprocess.Popen[bytes]]]) -> tuple[int, float]:
    """Return the bytes and the CPU seconds of a group of processes, once they have stopped to work."""
    group = start()
    every: list[psutil.Process] = []
    last, seconds = -1.0, 0.0
    while seconds != last:
        time.sleep(POUR_SECONDS)
        roots = [psutil.Process(one.pid) for one in group]
        every = [process for root in roots for process in (root, *root.children(recursive=True))]
        last, seconds = seconds, sum(sum(process.cpu_times()[:2]) for process in every)
    size = sum(procfs.resident_bytes(process.pid) for process in every)
    for process in every:
        os.kill(process.pid, signal.SIGKILL)
    for one in group:
        one.wait()
    return size, seconds


def environment() -> dict[str, str]:
    """Return the environment in which the shop can be imported."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "setup")}


if __name__ == "__main__":
    main()
