"""``python -m lab.grafana.tracestore``: one process, started and supervised by the lab's daemon."""

from __future__ import annotations

import argparse
import logging
import sys
import threading

from lab.grafana.mainthread import MainThread

from .server import Server, Tempo
from .store import MAX_BYTES, MAX_ERROR_BYTES, TraceStore

_HOST = "127.0.0.1"
_QUERY_SECONDS = 5.0  # half of what Grafana waits for a data source in the lab


def main() -> int:
    """Serve until the process is ended; return 1 with one line when it cannot start."""
    parser = argparse.ArgumentParser(prog="lab.grafana.tracestore", description="The lab's stand-in for Tempo.")
    parser.add_argument("--port", type=int, required=True, help="TCP port on 127.0.0.1, for spans and searches")
    parser.add_argument("--max-bytes", type=int, default=MAX_BYTES, help="that traces without error may cost")
    parser.add_argument("--max-error-bytes", type=int, default=MAX_ERROR_BYTES, help="that the others may cost")
    parser.add_argument("--query-seconds", type=float, default=_QUERY_SECONDS, help="that one query may take")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    worker = MainThread(asked.query_seconds)
    try:
        server = Server((_HOST, asked.port), Tempo(TraceStore(asked.max_bytes, asked.max_error_bytes), worker))
    except OSError as error:
        print(f"lab.grafana.tracestore: port {asked.port}: {error}", file=sys.stderr)
        return 1
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while True:
        worker.serve(3600.0)


if __name__ == "__main__":
    sys.exit(main())
