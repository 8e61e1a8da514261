"""Slack on kind: what is rendered for Alertmanager, and what the real one then sends, on loopback."""

import json
import os
import re
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
import yaml

ROOT = Path(__file__).parents[2]
MOUNTED = "/etc/alertmanager/slack"
WEBHOOK = {"SLACK_WEBHOOK_URL": "https://hooks.slack.example/services/T0/B0/the-secret-part"}
BOT = {"SLACK_TOKEN": "xoxb-the-secret-part", "SLACK_CHANNEL": "#on call: é"}
START_SECONDS = 60
ALERT = {
    "labels": {"alertname": "ServiceErrorRate", "service": "payment", "severity": "page"},
    "annotations": {"summary": "payment answers with errors"},
}


def render(folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLACK")}
    return subprocess.run(
        [sys.executable, str(ROOT / "setup" / "kind" / "alertmanager.py"), str(folder)],
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def rendered(folder: Path, environment: dict[str, str]) -> dict:
    done = render(folder, environment)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"[0-9a-f]{16}\n", done.stdout)
    return yaml.safe_load((folder / "alertmanager.yaml").read_text())


@pytest.mark.parametrize("environment", [WEBHOOK, BOT, {}], ids=["webhook", "bot", "nobody"])
def test_amtool_accepts_what_is_rendered(tmp_path, environment):
    rendered(tmp_path / "am", environment)
    words = ["amtool", "check-config", tmp_path / "am" / "alertmanager.yaml"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("environment", "file", "receiver"),
    [(WEBHOOK, "webhook-url", "slack"), (BOT, "token", "slack-bot"), (BOT | WEBHOOK, "webhook-url", "slack")],
    ids=["webhook", "bot", "both"],
)
def test_the_secret_is_in_a_file_of_its_own_which_the_configuration_names(
    tmp_path, environment, file, receiver
):
    folder = tmp_path / "am"
    found = rendered(folder, environment)
    assert {path.name for path in folder.iterdir()} == {"alertmanager.yaml", file}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    text = (folder / "alertmanager.yaml").read_text()
    assert f"{MOUNTED}/{file}" in text
    assert "the-secret-part" not in text
    assert "the-secret-part" in (folder / file).read_text()
    assert (found["route"]["receiver"], [r["name"] for r in found["receivers"]]) == (receiver, [receiver])


def test_the_channel_is_the_bot_s_and_the_words_are_the_webhook_s(tmp_path):
    (by_bot,), (by_webhook,) = (
        rendered(tmp_path / "am", environment)["receivers"][0]["slack_configs"]
        for environment in (BOT, WEBHOOK)
    )
    assert by_bot["channel"] == BOT["SLACK_CHANNEL"]
    assert "channel" not in by_webhook
    for words in ("title", "text", "fallback", "color"):
        assert by_bot[words] == by_webhook[words]


def test_a_new_way_leaves_nothing_of_the_old_one_and_a_new_digest(tmp_path):
    said = {
        name: render(tmp_path / "am", environment).stdout
        for name, environment in (("bot", BOT), ("webhook", WEBHOOK), ("again", WEBHOOK), ("nobody", {}))
    }
    assert said["webhook"] == said["again"]
    assert len(set(said.values())) == 3
    assert [path.name for path in (tmp_path / "am").iterdir()] == ["alertmanager.yaml"]


@pytest.mark.parametrize(
    ("given", "lacking"), [("SLACK_TOKEN", "SLACK_CHANNEL"), ("SLACK_CHANNEL", "SLACK_TOKEN")]
)
def test_half_of_a_bot_is_refused_in_a_line_without_the_secret(tmp_path, given, lacking):
    done = render(tmp_path / "am", {given: BOT[given]})
    said = f"alertmanager: SLACK_TOKEN and SLACK_CHANNEL belong together: {lacking} is not set\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)
    assert not (tmp_path / "am").exists()


class Slack(ThreadingHTTPServer):
    """Keeps each message with its path and who sent it, and answers as Slack does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[str, str | None, dict]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Slack

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.path, self.headers["Authorization"], message))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def slack() -> Iterator[Slack]:
    with Slack() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def until(true, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not true():
        assert process.poll() is None, "Alertmanager ended"
        assert time.monotonic() < deadline, f"not within {START_SECONDS} s"
        time.sleep(0.05)


def ready(address: str) -> bool:
    try:
        return requests.get(f"http://{address}/-/ready", timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize("way", ["webhook", "bot"])
def test_alertmanager_sends_what_was_rendered(tmp_path, slack, way):
    folder = tmp_path / "am"
    rendered(folder, {"SLACK_WEBHOOK_URL": f"{slack.url}/hook"} if way == "webhook" else BOT)
    file = folder / "alertmanager.yaml"
    text = file.read_text().replace(MOUNTED, str(folder)).replace("https://slack.com", slack.url)
    file.write_text(text.replace("group_wait: 30s", "group_wait: 10ms"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    words = [f"--config.file={file}", f"--storage.path={tmp_path}", f"--web.listen-address={address}"]
    with subprocess.Popen(
        ["prometheus-alertmanager", *words, "--cluster.listen-address="],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            until(lambda: ready(address), process)
            requests.post(f"http://{address}/api/v2/alerts", json=[ALERT], timeout=10).raise_for_status()
            until(lambda: slack.got, process)
        finally:
            process.terminate()
    path, authorization, message = slack.got[0]
    (attachment,) = message["attachments"]
    assert attachment["title"] == "[FIRING] ServiceErrorRate (payment)"
    assert attachment["text"].startswith("payment answers with errors (page)")
    if way == "webhook":
        assert (path, authorization, message.get("channel")) == ("/hook", None, None)
    else:
        assert (path, authorization) == ("/api/chat.postMessage", "Bearer xoxb-the-secret-part")
        assert message["channel"] == BOT["SLACK_CHANNEL"]
