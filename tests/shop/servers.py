"""Servers that stand where the shop expects another: a trace collector, an upstream that breaks."""

import contextlib
import socketserver
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from .world import World


class Collector:
    """An OTLP/HTTP collector that keeps the spans it gets."""

    def __init__(self) -> None:
        self.spans: list[tuple[dict[str, str], Span]] = []
        self.raw = b""
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.take(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, body: bytes) -> None:
        self.raw += body
        for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = {item.key: item.value.string_value for item in resource_spans.resource.attributes}
            for scope_spans in resource_spans.scope_spans:
                self.spans += [(resource, span) for span in scope_spans.spans]

    def of_trace(self, trace_id: str) -> list[tuple[dict[str, str], Span]]:
        return [(resource, span) for resource, span in list(self.spans) if span.trace_id.hex() == trace_id]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Unreliable(socketserver.ThreadingTCPServer):
    """An upstream that ends a connection, instead of answering, after as many answers as it is told."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: str, answers_per_connection: int) -> None:
        self.requests: list[bytes] = []
        self.headers: list[bytes] = []
        self.answers_per_connection = answers_per_connection
        super().__init__((address, 8080), _Handler)


class _Handler(socketserver.StreamRequestHandler):
    server: Unreliable

    def handle(self) -> None:
        answers = 0
        while line := self.rfile.readline():
            length = 0
            while (header := self.rfile.readline()) not in (b"\r\n", b""):
                self.server.headers.append(header.lower())
                if header.lower().startswith(b"content-length:"):
                    length = int(header.split(b":")[1])
            self.rfile.read(length)
            self.server.requests.append(line.split()[0])
            if answers == self.server.answers_per_connection:
                return
            answers += 1
            # Long enough for requests that come together to need several connections.
            time.sleep(0.05)
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"
            )


@contextlib.contextmanager
def unreliable(world: World, name: str, answers: int) -> Iterator[Unreliable]:
    address = world.new_address()
    with Unreliable(address, answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        world.name(name, address)
        yield server
        server.shutdown()
