"""The run's events in Loki, from whole runs of Chaos Toolkit against a scripted Grafana."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from .conftest import PROMETHEUS, TOKEN, Reply, ScriptedGrafana

LOKI = {"uid": "logs", "name": "Loki", "type": "loki"}
PUSH = "/api/datasources/proxy/uid/logs/loki/api/v1/push"
EXPERIMENT = {
    "title": "Events",
    "description": "-",
    # What Chaos Toolkit documents, and what ends chaostoolkit-grafana's own control.
    "tags": ["a", "b"],
    "configuration": {"grafana_url": {"type": "env", "key": "GRAFANA_URL"}},
    "secrets": {"grafana": {"token": {"type": "env", "key": "GRAFANA_TOKEN"}}},
    "controls": [
        {
            "name": "run-events",
            "provider": {"type": "python", "module": "chaosext.grafana.control", "secrets": ["grafana"]},
        }
    ],
    "method": [
        {
            "type": "action",
            "name": "do-nothing",
            "provider": {"type": "python", "module": "platform", "func": "system"},
        },
        {
            "type": "probe",
            "name": "fail",
            "provider": {
                "type": "python",
                "module": "chaosext.kubernetes.probes",
                "func": "manifest_is_live",
                "arguments": {"path": "nothing.yaml"},
            },
        },
    ],
}


@pytest.fixture
def run(tmp_path: Path, grafana_server: ScriptedGrafana):
    """A function that runs the experiment to its end."""
    (tmp_path / "events.json").write_text(json.dumps(EXPERIMENT))

    def start() -> subprocess.CompletedProcess[str]:
        chaos = str(Path(sys.executable).parent / "chaos")
        return subprocess.run(
            [chaos, "--no-version-check", "--no-log-file", "run", "events.json"],
            cwd=tmp_path,
            env={
                **os.environ,
                "GRAFANA_URL": grafana_server.url,
                "GRAFANA_TOKEN": TOKEN,
                "HOME": str(tmp_path),
            },
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return start


def pushed(grafana_server: ScriptedGrafana) -> list[tuple[dict, dict]]:
    streams = [s for _, path, body in grafana_server.requests if path == PUSH for s in body["streams"]]
    return [(s["stream"], json.loads(s["values"][0][1])) for s in streams]


def test_a_run_s_events_are_lines_with_few_labels_and_all_else_in_the_line(run, grafana_server):
    grafana_server.replies["/api/datasources"] = Reply([PROMETHEUS, LOKI])
    grafana_server.replies[PUSH] = Reply(b"", 204)
    done = run()
    assert "Traceback" not in done.stderr
    events = pushed(grafana_server)
    types = [labels["type"] for labels, _ in events]
    assert types[0] == "experiment-started"
    assert "experiment-finished" in types
    assert {"experiment-activity-started", "experiment-activity-finished"} <= set(types)
    for labels, line in events:
        assert set(labels) <= {"source", "experiment", "type", "status"}
        assert (labels["source"], labels["experiment"]) == ("chaostoolkit", "events")
        assert line["run_id"] == events[0][1]["run_id"]
    finished = [line for labels, line in events if labels["type"] == "experiment-activity-finished"]
    assert [line["name"] for line in finished] == ["do-nothing", "fail"]
    assert finished[0]["output"] == "Linux"
    assert finished[1]["status"] == "failed"
    assert TOKEN not in json.dumps(events)


def test_a_grafana_without_loki_costs_nothing(run, grafana_server):
    assert run().returncode == 0
    assert pushed(grafana_server) == []


def test_a_run_does_not_wait_for_a_slow_loki(run, grafana_server):
    grafana_server.replies["/api/datasources"] = Reply([PROMETHEUS, LOKI])
    grafana_server.replies[PUSH] = Reply(hold=threading.Event(), drip=True)
    # A run that waited for the answer to its first event would not end: none comes, and no time-out.
    done = run()
    assert pushed(grafana_server)[0][0]["type"] == "experiment-started"
    assert "run events did not reach Loki" in done.stderr
    assert done.returncode == 0


def test_a_loki_that_is_silent_is_given_up_without_failing_the_run(run, grafana_server):
    grafana_server.replies["/api/datasources"] = Reply([PROMETHEUS, LOKI])
    grafana_server.replies[PUSH] = Reply(b"", 204, hold=threading.Event())
    done = run()
    assert "run events did not reach Loki" in done.stderr
    assert done.returncode == 0


def test_a_loki_that_refuses_is_said_once(run, grafana_server):
    grafana_server.replies["/api/datasources"] = Reply([PROMETHEUS, LOKI])
    grafana_server.replies[PUSH] = Reply({"message": "too many requests"}, 429)
    done = run()
    assert done.returncode == 0
    assert done.stderr.count("run events did not reach Loki") == 1
    assert "429: too many requests" in done.stderr
