"""The HTTP side: OTLP in, Tempo's API out; searches run on the main thread."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from lab.grafana.bodies import Refused
from lab.grafana.mainthread import MainThread
from lab.grafana.plainhttp import PlainHandler, PlainServer, metric_lines

from . import otlp
from .answers import Answers, NotFound, as_json
from .store import TraceStore
from .traceql import TraceQLError

_TRACE = re.compile(r"/api(?P<v2>/v2)?/traces/(?P<id>[^/]+)")
_VALUES = re.compile(r"/api(?P<v2>/v2)?/search/tag/(?P<tag>[^/]+)/values")
_JSON = "application/json"
_PROTOBUF = "application/protobuf"


@dataclass(frozen=True)
class Tempo:
    """All that requests need."""

    store: TraceStore
    main: MainThread

    def metrics(self) -> str:
        """Return what the store counts, in Prometheus' text format."""
        counters = self.store.counters
        dropped = (("spans", counters.dropped_spans), ("traces", counters.dropped_traces))
        rows = (
            ("lab_tempo_spans_total", "counter", counters.spans),
            *(
                (f'lab_tempo_dropped_{what}_total{{failed="{str(failed).lower()}"}}', "counter", count)
                for what, counts in dropped
                for failed, count in counts.items()
            ),
            ("lab_tempo_store_bytes", "gauge", self.store.cost),
        )
        return "\n".join(metric_lines(rows)) + "\n"


class Server(PlainServer):
    """The trace store's server."""

    def __init__(self, address: tuple[str, int], tempo: Tempo) -> None:
        self.tempo = tempo
        super().__init__(address, _Handler)


class _Handler(PlainHandler):
    server: Server
    max_body = otlp.MAX_BYTES
    refusals: ClassVar[dict[type[Exception], int]] = {TraceQLError: 400, NotFound: 404}

    def post(self, body: bytes) -> None:
        if self.path != "/v1/traces":
            self.send_text(404, "404 page not found\n")
            return
        kind = self.headers.get("Content-Type", "")
        try:
            found = otlp.spans(body, kind, self.headers.get("Content-Encoding", "").lower())
        except Refused as error:
            # A client must not send it again: 400, 413 and 415 are no statuses to retry on.
            self.send_payload(error.status, _JSON, json.dumps({"code": 3, "message": str(error)}).encode())
            return
        self.server.tempo.store.add(found)
        if kind.startswith(otlp.JSON):
            self.send_payload(200, otlp.JSON, b"{}")
        else:
            self.send_payload(200, otlp.PROTOBUF, ExportTraceServiceResponse().SerializeToString())

    def get(self) -> None:
        path, _, query = self.path.partition("?")
        path = urllib.parse.unquote(path)
        fixed = {"/ready": "ready\n", "/api/echo": "echo"}
        if path in fixed:
            self.send_text(200, fixed[path])
        elif path == "/metrics":
            self.send_metrics(self.server.tempo.metrics())
        elif task := self._task(path, dict(urllib.parse.parse_qsl(query))):
            self.answer(self.server.tempo.main, task)
        else:
            self.send_text(404, "404 page not found\n")

    def _task(self, path: str, asked: dict[str, str]) -> Callable[[], tuple[str, bytes]] | None:
        """Return what gives the content type and the body for a path; None when there is no such path."""
        answers = Answers(self.server.tempo.store)
        if trace := _TRACE.fullmatch(path):
            return lambda: self._trace(answers, trace["id"], 2 if trace["v2"] else 1)
        if tag := _VALUES.fullmatch(path):
            return lambda: _as_json(_values(answers.values(tag["tag"]), 2 if tag["v2"] else 1))
        named = {
            "/api/search": lambda: _as_json(answers.search(asked)),
            "/api/search/tags": lambda: _as_json(answers.tags()),
            "/api/v2/search/tags": lambda: _as_json(answers.tags_by_scope()),
        }
        return named.get(path)

    def _trace(self, answers: Answers, trace_id: str, version: int) -> tuple[str, bytes]:
        found = answers.trace(trace_id)
        # Version 2 wraps the trace in a message of Tempo's own, which is not supported here.
        if version == 1 and _PROTOBUF in self.headers.get("Accept", ""):
            return _PROTOBUF, found.SerializeToString()
        return _as_json(as_json(found, version=version))


def _values(found: list[str], version: int) -> dict[str, object]:
    if version == 1:
        return {"tagValues": found}
    return {"tagValues": [{"type": "string", "value": value} for value in found]}


def _as_json(value: object) -> tuple[str, bytes]:
    return _JSON, json.dumps(value).encode()
