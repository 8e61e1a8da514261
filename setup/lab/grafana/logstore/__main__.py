"""``python -m lab.grafana.logstore``: one process, started and supervised by the lab's daemon.

Threads read the pods' logs and HTTP requests; the main one evaluates queries and rules, within a time.
"""

from __future__ import annotations

import argparse
import logging
import sys
import threading
import time
from pathlib import Path

from lab.grafana.mainthread import MainThread, OutOfTime

from .pods import Pods
from .rules import RuleError, Rules, load
from .server import Loki, Server
from .store import MAX_AGE_SECONDS, MAX_BYTES, LogStore
from .tail import Tailer

_HOST = "127.0.0.1"
_QUERY_SECONDS = 5.0  # half of what Grafana waits for a data source in the lab


def main() -> int:
    """Serve until the process is ended; return 1 with one line when it cannot start."""
    asked = _arguments()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    try:
        rules = load(asked.rules, asked.window_seconds)
        store = LogStore(asked.max_bytes, asked.max_age_seconds)
        tailer = Tailer(asked.logs, asked.cluster, asked.since_ns, Pods(asked.pods), store)
        worker = MainThread(asked.query_seconds)
        server = Server((_HOST, asked.port), Loki(store, tailer, rules, worker))
    except (RuleError, OSError) as error:
        print(f"lab.grafana.logstore: {error}", file=sys.stderr)
        return 1
    for target in (tailer.run, server.serve_forever):
        threading.Thread(target=target, daemon=True).start()
    _work(worker, rules, store, asked.interval_seconds)
    return 0


def _work(worker: MainThread, rules: Rules, store: LogStore, interval_seconds: float) -> None:
    """Evaluate the rules at every interval, and in between what is asked."""
    due = time.monotonic()
    while True:
        if time.monotonic() >= due:
            due = time.monotonic() + interval_seconds
            for rule in rules.rules:
                try:
                    worker.run(lambda rule=rule: rules.evaluate(store, rule))  # type: ignore[misc]
                except OutOfTime as error:
                    rules.fail(rule, str(error))
        worker.serve(due - time.monotonic())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="lab.grafana.logstore", description="The lab's stand-in for Loki.")
    parser.add_argument("--port", type=int, required=True, help="TCP port on 127.0.0.1")
    parser.add_argument("--logs", type=Path, required=True, help="folder of the pods' logs")
    parser.add_argument("--pods", required=True, help="URL of the service discovery of pods")
    parser.add_argument("--cluster", required=True, help="value of the label cluster")
    parser.add_argument("--since-ns", type=int, required=True, help="older lines are another lab's")
    parser.add_argument("--rules", type=Path, required=True, help="file of recording rules")
    parser.add_argument("--window-seconds", type=float, required=True, help="what a rule counts over")
    parser.add_argument("--interval-seconds", type=float, required=True, help="between two evaluations")
    parser.add_argument("--max-bytes", type=int, default=MAX_BYTES, help="that lines may cost")
    parser.add_argument("--max-age-seconds", type=float, default=MAX_AGE_SECONDS, help="that lines stay")
    parser.add_argument("--query-seconds", type=float, default=_QUERY_SECONDS, help="that one query may take")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
