"""The service account and its token, made at a server that answers as Grafana's service account API does."""

import base64
import json
import runpy
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "setup" / "kind" / "grafana_token.py"
PASSWORD = "a password"


class Grafana(ThreadingHTTPServer):
    """Accounts and tokens in memory, behind the administrator's password."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.accounts: dict[int, str] = {}
        self.tokens: dict[int, str] = {}
        self.made = 0


class _Handler(BaseHTTPRequestHandler):
    server: Grafana

    def _answer(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        status, found = self._find(self.path.partition("?")[0], body)
        text = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _find(self, path: str, body: dict[str, str]) -> tuple[int, object]:  # noqa: PLR0911 - one a route
        grafana, given = self.server, self.headers.get("Authorization", "")
        if path == "/api/health":
            return 200, {"database": "ok"}
        if path == "/api/org":
            return (200, {}) if given.removeprefix("Bearer ") in grafana.tokens.values() else (401, {})
        if given != "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode():
            return 401, {"message": "Invalid username or password"}
        if path == "/api/serviceaccounts/search":
            named = [{"id": number, "name": name} for number, name in grafana.accounts.items()]
            return 200, {"serviceAccounts": named}
        if path == "/api/serviceaccounts":
            grafana.accounts[7] = body["name"]
            return 201, {"id": 7, "name": body["name"]}
        if self.command == "GET":
            return 200, [{"id": number, "name": "gameday"} for number in grafana.tokens]
        if self.command == "DELETE":
            del grafana.tokens[int(path.rpartition("/")[2])]
            return 200, {}
        if grafana.tokens:
            return 409, {"message": "a token of that name exists"}
        grafana.made += 1
        grafana.tokens[grafana.made] = f"glsa_{grafana.made}"
        return 200, {"id": grafana.made, "key": f"glsa_{grafana.made}"}

    do_GET = do_POST = do_DELETE = _answer

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with Grafana() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def state(tmp_path) -> Path:
    (tmp_path / "grafana-admin").write_text(PASSWORD)
    return tmp_path


def make(grafana: Grafana, state: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, str(SCRIPT), grafana.url, str(state)]
    return subprocess.run(words, capture_output=True, text=True, timeout=90, check=False)


def test_a_token_is_made_kept_and_for_nobody_else(grafana, state):
    for _ in range(2):
        done = make(grafana, state)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    file = state / "grafana-token"
    assert (file.read_text(), grafana.made) == ("glsa_1", 1)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_grafana_that_has_forgotten_the_token_gives_another_and_keeps_one_account(grafana, state):
    make(grafana, state)
    (state / "grafana-token").write_text("glsa_of_yesterday")
    assert make(grafana, state).returncode == 0
    assert (state / "grafana-token").read_text() == "glsa_2"
    assert (len(grafana.accounts), list(grafana.tokens.values())) == (1, ["glsa_2"])


def test_a_wrong_password_is_one_line_without_it(grafana, state):
    (state / "grafana-admin").write_text("another password")
    done = make(grafana, state)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("grafana_token.py: GET ")
    assert "HTTP 401" in line
    assert "another password" not in line


def test_a_grafana_that_is_not_there_is_waited_for_and_then_named():
    token = runpy.run_path(str(SCRIPT))
    with pytest.raises(token["TokenError"], match="is not healthy within 0 s: ConnectionError"):
        token["wait_until_healthy"]("http://127.0.0.1:1", 0)
