"""What the stand-ins for Loki and Tempo share: HTTP with a thread for each connection, errors as plain text.

Threads read requests and have the main thread evaluate them.
"""

from __future__ import annotations

import abc
import json
import logging
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from lab.grafana.mainthread import Busy, MainThread, OutOfTime

_LOG = logging.getLogger(__name__)

_IDLE_SECONDS = 60  # a connection without a request is closed


class PlainServer(ThreadingHTTPServer):
    """Listens; each connection has a thread."""

    daemon_threads = True
    request_queue_size = 64


class PlainHandler(BaseHTTPRequestHandler):
    """Reads bodies within `max_body` bytes, and sends answers in one piece."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    wbufsize = -1  # status, headers and body leave together
    max_body = 4 * 1024 * 1024
    refusals: ClassVar[dict[type[Exception], int]] = {}
    """What a task may raise of what it was asked, and the status that says so."""

    @abc.abstractmethod
    def get(self) -> None:
        """Answer GET of `self.path`."""

    @abc.abstractmethod
    def post(self, body: bytes) -> None:
        """Answer POST of `self.path`."""

    def do_GET(self) -> None:
        """Answer a request; the name is the standard library's."""
        self.get()

    def do_POST(self) -> None:
        """Answer a request with a body; the name is the standard library's."""
        body = self._body()
        if body is not None:
            self.post(body)

    def _body(self) -> bytes | None:
        """Return the request's body; None when it was refused, and the answer has been sent."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > self.max_body:
            self.close_connection = True
            status, reason = (413, "request body too large") if length.isdecimal() else (411, "length required")
            self.send_text(status, reason)
            return None
        return self.rfile.read(int(length))

    def answer(self, main: MainThread, task: Callable[[], tuple[str, bytes]]) -> None:
        """Have the main thread do a task and send the content type and the body that it gives, or its error."""
        try:
            kind, payload = main.submit(task)
        except Busy as error:
            self.send_text(429, f"too many outstanding requests: {error}")
        except OutOfTime as error:
            self.send_text(504, f"request timed out: {error}")
        except tuple(self.refusals) as error:
            status = next(status for kind, status in self.refusals.items() if isinstance(error, kind))
            self.send_text(status, str(error))
        except Exception:
            _LOG.exception("%s failed", self.path)
            self.send_text(500, "internal error")
        else:
            self.send_payload(200, kind, payload)

    def send_metrics(self, text: str) -> None:
        """Send metrics in Prometheus' text format."""
        self.send_payload(200, "text/plain; version=0.0.4", text.encode())

    def send_json(self, value: Any) -> None:
        """Send a value as JSON, status 200."""
        self.send_payload(200, "application/json; charset=UTF-8", json.dumps(value).encode())

    def send_text(self, status: int, text: str) -> None:
        """Send plain text."""
        self.send_payload(status, "text/plain", text.encode("utf-8", "replace"))

    def send_payload(self, status: int, content_type: str, payload: bytes) -> None:
        """Send an answer; without a content type it has no body."""
        self.send_response(status)
        if content_type:
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)
        self.wfile.flush()

    def log_message(self, *_args: object) -> None:
        """Keep requests out of the log."""


def metric_lines(rows: Iterable[tuple[str, str, float]]) -> list[str]:
    """Return series in Prometheus' text format from names, which may have labels, types and values."""
    lines: list[str] = []
    for name, kind, value in rows:
        lines += [f"# TYPE {name.partition('{')[0]} {kind}", f"{name} {value}"]
    return list(dict.fromkeys(lines))
