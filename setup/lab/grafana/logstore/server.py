"""The HTTP side: Loki's API, the recorded series, and what the store counts."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from lab.grafana.bodies import Refused
from lab.grafana.mainthread import MainThread
from lab.grafana.plainhttp import PlainHandler, PlainServer, metric_lines

from . import push
from .answers import Answers, Json, Parameters
from .logql.errors import LogQLError
from .rules import Rules, samples
from .store import LogStore, TooManyStreams
from .tail import Tailer

_API = "/loki/api/v1/"
_VALUES = re.compile(r"label/([a-zA-Z_][a-zA-Z0-9_]*)/values")


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
        rows = (
            ("lab_loki_lines_total", "counter", counters.lines),
            ("lab_loki_line_bytes_total", "counter", counters.text_bytes),
            ('lab_loki_dropped_lines_total{reason="room"}', "counter", counters.dropped_for_room),
            ('lab_loki_dropped_lines_total{reason="age"}', "counter", counters.dropped_for_age),
            ("lab_loki_rotation_gaps_total", "counter", self.tailer.gaps),
            ("lab_loki_store_bytes", "gauge", store.cost),
            ("lab_loki_rule_failures_total", "counter", self.rules.failures),
        )
        return "\n".join([*samples(self.rules.rules), *metric_lines(rows)]) + "\n"


class Server(PlainServer):
    """The log store's server."""

    def __init__(self, address: tuple[str, int], loki: Loki) -> None:
        self.loki = loki
        super().__init__(address, _Handler)


class _Handler(PlainHandler):
    server: Server
    max_body = push.MAX_BYTES
    refusals: ClassVar[dict[type[Exception], int]] = {LogQLError: 400}

    _queries: ClassVar[dict[str, Callable[[Answers, Parameters], Json]]] = {
        "query": Answers.query,
        "query_range": Answers.query_range,
        "labels": Answers.labels,
        "label": Answers.labels,
        "series": Answers.series,
        "index/stats": Answers.index_stats,
    }

    def get(self) -> None:
        path, _, query = self.path.partition("?")
        if path == "/ready":
            self.send_text(200, "ready\n")
        elif path == "/metrics":
            self.send_metrics(self.server.loki.metrics())
        elif path == "/prometheus/api/v1/rules":
            self.send_json(self.server.loki.rules.to_json())
        elif path == "/prometheus/api/v1/alerts":
            self.send_json({"status": "success", "data": {"alerts": []}})
        else:
            self._query(path, query)

    def post(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        if path == f"{_API}push":
            self._push(body)
        else:
            self._query(path, "&".join(filter(None, (query, body.decode("utf-8", "replace")))))

    def _push(self, body: bytes) -> None:
        given, encoding = self.headers.get("Content-Type", ""), self.headers.get("Content-Encoding", "")
        try:
            push.push(self.server.loki.store, body, given, encoding.lower())
        except Refused as error:
            self.send_text(error.status, f"{error}\n")
        except TooManyStreams as error:
            self.send_text(429, f"{error}\n")
        else:
            self.send_payload(204, "", b"")

    def _query(self, path: str, query: str) -> None:
        name = path.removeprefix(_API)
        values = _VALUES.fullmatch(name)
        if not path.startswith(_API) or not (values or name in self._queries):
            self.send_text(404, "404 page not found\n")
            return
        asked = Parameters(urllib.parse.parse_qs(query))
        answers = Answers(self.server.loki.store)

        def task() -> tuple[str, bytes]:
            found = answers.label_values(asked, values[1]) if values else self._queries[name](answers, asked)
            text = json.dumps(found, ensure_ascii=False)
            return "application/json; charset=UTF-8", text.encode("utf-8", "replace")

        self.answer(self.server.loki.main, task)
