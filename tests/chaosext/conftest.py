"""A Grafana that answers what a test tells it to, over real HTTP on loopback."""

from __future__ import annotations

import contextlib
import json
import select
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from chaosext import run

from .day_world import World

TOKEN = "glsa_test-token-of-this-suite"
PROMETHEUS = {"uid": "prom", "name": "Prometheus", "type": "prometheus", "isDefault": True}


@dataclass
class Reply:
    """What one request gets: JSON, or bytes as they are; `hold` keeps the client waiting until it is set.

    With `drip` it gets a byte now and then for as long, so that no time-out of its own ends the waiting, and
    then no answer.
    """

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None
    drip: bool = False


@dataclass
class ScriptedGrafana:
    """The server's address, the requests that it got, and what it answers by path."""

    url: str
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    replies: dict[str, Reply | Callable[[Any], Reply]] = field(default_factory=dict)

    def values(self, values: dict[str, float | None]) -> None:
        """Answer every query by its refId; None answers an absent series."""
        self.replies["/api/ds/query"] = lambda body: Reply(
            {"results": {q["refId"]: {"frames": [frame(values[q["refId"]])]} for q in body["queries"]}}
        )


def frame(value: float | None, entity: str | None = None) -> dict[str, Any]:
    """An instant Prometheus frame with one value; None: the frame without fields that an empty answer is."""
    if value is None and entity is None:
        return {"schema": {"refId": "A", "fields": []}, "data": {"values": []}}
    fields = [{"name": "Time", "type": "time"}, {"name": "Value", "type": "number", "labels": {}}]
    data: dict[str, Any] = {"values": [[1700000000000], [value]]}
    if entity:
        data["entities"] = [None, {entity: [0]}]
    return {"schema": {"refId": "A", "fields": fields}, "data": data}


@pytest.fixture
def grafana_server() -> Iterator[ScriptedGrafana]:
    held: list[threading.Event] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply(None)

        def do_POST(self) -> None:
            self._reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        do_PATCH = do_POST

        def _reply(self, body: Any) -> None:
            path = self.path.split("?")[0]
            scripted.requests.append((self.command, self.path, body))
            reply = scripted.replies.get(path, Reply({"message": "Not found"}, 404))
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                reply = Reply({"message": "Invalid API key"}, 401)
            if callable(reply):
                reply = reply(body)
            if reply.hold is not None:
                held.append(reply.hold)
                if reply.drip:
                    self._drip(reply.hold)
                    return
                reply.hold.wait(30)
            content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _drip(self, hold: threading.Event) -> None:
            with contextlib.suppress(ConnectionError):
                self.wfile.write(b"HTTP/1.1 ")
                # What can be read of a client that asked is that it went away.
                while not hold.wait(0.2) and not select.select([self.connection], [], [], 0)[0]:
                    self.wfile.write(b"0")

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the test's output to the test."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    scripted = ScriptedGrafana(f"http://127.0.0.1:{server.server_address[1]}")
    scripted.replies["/api/datasources"] = Reply([PROMETHEUS])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield scripted
    for event in held:
        event.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture(autouse=True)
def _no_run_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process makes one run; the tests' process makes many."""
    monkeypatch.setattr(run, "_current", None)
