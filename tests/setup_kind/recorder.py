"""An HTTP server on loopback that answers everything with 200 and remembers what it was asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

#: (method, path with query, the body's media type, the body's keys, sorted)
Request = tuple[str, str, str, tuple[str, ...]]


class Recorder(ThreadingHTTPServer):
    """The server; `requests` grows while it serves."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[Request] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def recording() -> Iterator[Recorder]:
    """Serve until the block ends."""
    with Recorder() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def keys(media: str, body: str) -> tuple[str, ...]:
    """Return the names in a form or a JSON object."""
    if not body:
        return ()
    return tuple(sorted(json.loads(body) if media == "application/json" else dict(parse_qsl(body))))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Recorder

    def _record(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        media = (self.headers.get("Content-Type") or "").partition(";")[0]
        self.server.requests.append((self.command, self.path, media if body else "", keys(media, body)))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_GET = do_POST = _record

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""
