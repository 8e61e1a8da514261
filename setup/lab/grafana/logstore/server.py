"""The HTTP side: threads that read requests and have the main thread evaluate them."""

from __future__ import annotations

import json
import logging
import re
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from . import push
from .answers import Answers, Json, Parameters
from .budget import Busy, MainThread, OutOfTime
from .logql.errors import LogQLError
from .rules import Rules, samples
from .store import LogStore, TooManyStreams
from .tail import Tailer

_LOG = logging.getLogger(__name__)
_API = "/loki/api/v1/"
_VALUES = re.compile(r"label/([a-zA-Z_][a-zA-Z0-9_]*)/values")
_IDLE_SECONDS = 60  # a connection without a request is closed


@dataclass(frozen=True)
class Loki:
    """All that requests need."""

    store: LogStore
    tailer: Tailer
    rules: Rules
    main: MainThread

    def metrics(self) -> str:
        """Return the recorded series and what the store counts, in Prometheus' text format."""
        store, counters = self.store, self.store.counters
        lines = samples(self.rules.rules)
        for name, kind, value in (
            ("lab_loki_lines_total", "counter", counters.lines),
            ("lab_loki_line_bytes_total", "counter", counters.text_bytes),
            ('lab_loki_dropped_lines_total{reason="room"}', "counter", counters.dropped_for_room),
            ('lab_loki_dropped_lines_total{reason="age"}', "counter", counters.dropped_for_age),
            ("lab_loki_rotation_gaps_total", "counter", self.tailer.gaps),
            ("lab_loki_store_bytes", "gauge", store.cost),
            ("lab_loki_rule_failures_total", "counter", self.rules.failures),
        ):
            lines += [f"# TYPE {name.partition('{')[0]} {kind}", f"{name} {value}"]
        return "\n".join(dict.fromkeys(lines)) + "\n"


class Server(ThreadingHTTPServer):
    """Listens; each connection has a thread."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], loki: Loki) -> None:
        self.loki = loki
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    wbufsize = -1  # status, headers and body leave together

    _queries: ClassVar[dict[str, Callable[[Answers, Parameters], Json]]] = {
        "query": Answers.query,
        "query_range": Answers.query_range,
        "labels": Answers.labels,
        "label": Answers.labels,
        "series": Answers.series,
        "index/stats": Answers.index_stats,
    }

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path == "/ready":
            self._send(200, "text/plain", "ready\n")
        elif path == "/metrics":
            self._send(200, "text/plain; version=0.0.4; charset=utf-8", self.server.loki.metrics())
        elif path == "/prometheus/api/v1/rules":
            self._send_json(self.server.loki.rules.to_json())
        elif path == "/prometheus/api/v1/alerts":
            self._send_json({"status": "success", "data": {"alerts": []}})
        else:
            self._query(path, query)

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            return
        path, _, query = self.path.partition("?")
        if path == f"{_API}push":
            self._push(body)
        else:
            self._query(path, "&".join(filter(None, (query, body.decode("utf-8", "replace")))))

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > push.MAX_BYTES:
            self.close_connection = True
            status, reason = (413, "request body too large") if length.isdecimal() else (411, "length required")
            self._send(status, "text/plain", reason)
            return None
        return self.rfile.read(int(length))

    def _push(self, body: bytes) -> None:
        given, encoding = self.headers.get("Content-Type", ""), self.headers.get("Content-Encoding", "")
        try:
            push.push(self.server.loki.store, body, given, encoding.lower())
        except push.PushError as error:
            self._send(error.status, "text/plain", f"{error}\n")
        except TooManyStreams as error:
            self._send(429, "text/plain", f"{error}\n")
        else:
            self._send(204, "", "")

    def _query(self, path: str, query: str) -> None:
        name = path.removeprefix(_API)
        values = _VALUES.fullmatch(name)
        if not path.startswith(_API) or not (values or name in self._queries):
            self._send(404, "text/plain", "404 page not found\n")
            return
        asked = Parameters(urllib.parse.parse_qs(query))
        answers = Answers(self.server.loki.store)

        def task() -> str:
            found = answers.label_values(asked, values[1]) if values else self._queries[name](answers, asked)
            return json.dumps(found, ensure_ascii=False)

        self._answer(task)

    def _answer(self, task: Callable[[], str]) -> None:
        """Send what a task gives, errors as Loki words them: plain text."""
        try:
            text = self.server.loki.main.submit(task)
        except LogQLError as error:
            self._send(400, "text/plain", str(error))
        except Busy as error:
            self._send(429, "text/plain", f"too many outstanding requests: {error}")
        except OutOfTime as error:
            self._send(504, "text/plain", f"request timed out: {error}")
        except Exception:
            _LOG.exception("%s failed", self.path)
            self._send(500, "text/plain", "internal error")
        else:
            self._send(200, "application/json; charset=UTF-8", text)

    def _send_json(self, value: Json) -> None:
        self._send(200, "application/json; charset=UTF-8", json.dumps(value))

    def _send(self, status: int, content_type: str, text: str) -> None:
        payload = text.encode("utf-8", "replace")
        self.send_response(status)
        if content_type:
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)
        self.wfile.flush()

    def log_message(self, *_args: object) -> None:
        """Keep requests out of the log."""
