"""Alerts: from a rule through the real Prometheus and Alertmanager to what `alerts` shows."""

import asyncio
import json
import stat
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from lab import alertmanager, alerts
from lab.alerts import AlertLog
from lab.errors import LabError
from lab.settings import Settings

pytestmark = pytest.mark.timeout(600)
CHECKOUT = Path(__file__).parents[2]
CONTRACT = CHECKOUT / "manifests" / "observability" / "alertmanager.yaml"
RULES = """
groups:
  - name: drill
    rules:
      - alert: NobodyHere
        expr: absent(kube_pod_status_phase{pod="visitor"})
        labels: {service: payment, severity: page}
        annotations: {summary: "Nobody is here", description: "Somebody should be."}
"""
VISITOR = """
apiVersion: v1
kind: Pod
metadata: {name: visitor, namespace: default}
spec: {containers: [{name: main, image: "ecommerce-shop:1", command: [sleep, "600"]}]}
"""


def _message(title: str) -> dict:
    return {"channel": "", "attachments": [{"title": title, "text": "why", "color": "danger"}]}


def test_the_last_messages_are_kept_and_counted_on(tmp_path):
    path = tmp_path / "alerts.jsonl"
    log = AlertLog(path, kept=3)
    for number in range(5):
        log.add(_message(f"alert {number}"))
    found = alerts.read(path)
    assert [(entry["number"], entry["title"]) for entry in found] == [
        (3, "alert 2"),
        (4, "alert 3"),
        (5, "alert 4"),
    ]
    assert found[0].keys() == {"number", "time", "title", "text", "color"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_a_crash_left_half_written_is_read_as_far_as_it_goes(tmp_path):
    path = tmp_path / "alerts.jsonl"
    AlertLog(path).add(_message("whole"))
    path.write_bytes(path.read_bytes() + b'[1]\n{"number": "x"}\n\xff\n{"number": 2, "ti')
    log = AlertLog(path)
    log.add(_message("next"))
    assert [(entry["number"], entry["title"]) for entry in alerts.read(path)] == [(1, "whole"), (2, "next")]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (json.dumps({"text": "hello"}), 200),
        (json.dumps(_message("x")), 200),
        ("no json", 400),
        ("[]", 400),
        ("{}", 400),
        (json.dumps({"attachments": ["x"]}), 400),
        (json.dumps({"attachments": 5}), 400),
    ],
)
def test_the_webhook_answers_as_slack_does(tmp_path, body, status):
    async def post() -> tuple[int, str, int]:
        app = web.Application()
        app.add_routes(alerts.routes(AlertLog(tmp_path / "alerts.jsonl"), "secret"))
        async with TestClient(TestServer(app)) as client:
            answer = await client.post("/slack/secret", data=body)
            other = await client.post("/slack/guessed", data=body)
            return answer.status, await answer.text(), other.status

    assert asyncio.run(post()) == (status, "ok" if status == 200 else "invalid_payload", 404)
    assert len(alerts.read(tmp_path / "alerts.jsonl")) == (status == 200)


@pytest.mark.parametrize("where", ["cluster", "lab"])
def test_amtool_accepts_the_configuration(tmp_path, where):
    path = CONTRACT
    if where == "lab":
        alertmanager.write(Settings(CHECKOUT, tmp_path), tmp_path / "am", "http://127.0.0.1:1/slack/x", None)
        path = tmp_path / "am" / "alertmanager.yaml"
    done = subprocess.run(["amtool", "check-config", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_lab_s_messages_stay_on_this_machine_and_their_address_secret(tmp_path):
    url = "http://127.0.0.1:1/slack/x"
    alertmanager.write(Settings(CHECKOUT, tmp_path), tmp_path / "am", url, None)
    text = (tmp_path / "am" / "alertmanager.yaml").read_text()
    assert "slack.com" not in text
    assert url not in text
    (receiver,) = yaml.safe_load(text)["receivers"]
    (path,) = {Path(entry["api_url_file"]) for entry in receiver["slack_configs"]}
    assert path.read_text() == url
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    words = alertmanager.words(Settings(CHECKOUT, tmp_path), tmp_path)
    assert "--cluster.listen-address=" in words
    assert any(word.startswith("--web.listen-address=127.0.0.1:") for word in words)


def test_a_route_without_a_file_for_its_address_is_refused(tmp_path):
    folder = tmp_path / "manifests" / "observability"
    folder.mkdir(parents=True)
    found = yaml.safe_load(CONTRACT.read_text())
    found["route"]["receiver"] = "slack-bot"
    del found["receivers"][1]["slack_configs"][0]["api_url_file"]
    (folder / "alertmanager.yaml").write_text(yaml.safe_dump(found))
    with pytest.raises(LabError, match="needs slack_configs with an api_url_file"):
        alertmanager.configuration(Settings(tmp_path, tmp_path / ".lab"), tmp_path)


def test_an_alert_arrives_and_its_end_too_and_nowhere_else(own_lab):
    checkout = own_lab.use_copy()
    rules = checkout / "manifests" / "observability" / "rules" / "lab"
    for path in rules.glob("*"):
        path.unlink()
    rules.mkdir(parents=True, exist_ok=True)
    (rules / "drill.yaml").write_text(RULES)
    slack = _Trap()
    own_lab.env["SLACK_WEBHOOK_URL"] = slack.url
    try:
        up = own_lab("up", "--no-apply")
        assert up.returncode == 0, up.stderr
        file = own_lab.state / "alerts.jsonl"
        (first,) = own_lab.until(lambda: alerts.read(file))
        assert (first["title"], first["color"]) == ("[FIRING] NobodyHere (payment)", "danger")
        assert first["text"].splitlines() == ["Nobody is here (page)", "Somebody should be."]
        own_lab.kubectl("apply", "-f", "-", stdin=VISITOR)
        own_lab.until(lambda: len(alerts.read(file)) == 2)
        assert alerts.read(file)[1]["title"] == "[RESOLVED] NobodyHere (payment)"
        table = own_lab("alerts").stdout.splitlines()
        assert table[0].split() == ["TIME", "TITLE", "TEXT"]
        assert "[FIRING] NobodyHere (payment)" in table[1]
        assert table[1].endswith("Nobody is here (page)")
        with own_lab.start("alerts", "-f", "--json") as following:
            assert json.loads(following.stdout.readline()) == first
            following.kill()
        assert slack.requests == 0
    finally:
        slack.stop()


class _Trap:
    """Stands for Slack, and must never hear of the lab."""

    def __init__(self) -> None:
        self.requests = 0
        trap = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                trap.requests += 1
                self.send_response(200)
                self.end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
