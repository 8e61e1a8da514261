"""What the README says can be done, is there."""

import re
import subprocess
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from chaosext.architecture import load_architecture
from chaosext.result import EXIT_CODES
from lab import settings

from .dashboards.reds import BOXES, MATRIX, OVERVIEW, RED, expected

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = [
    line.strip().split("#")[0].strip()
    for line in re.findall(r"^    (?:\./|source|kubectl|chaos|python).*", README, re.M)
]


def test_every_link_and_picture_is_there():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert len(links) > 8
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_experiment_and_every_verdict_is_listed():
    for path in (ROOT / "experiments").glob("*.json"):
        assert f"| `{path.name}` |" in README
    for verdict, code in EXIT_CODES.items():
        assert re.search(rf"^\| {verdict} \|.*\| {code} \|$", README, re.M)


def test_the_story_tells_of_every_failure_and_of_what_turns_red():
    story = README.partition("## The story, failure by failure")[2].partition("\n## ")[0]
    told = re.findall(
        r"^\*\*[^*]+:\*\*\s+`chaos run experiments/([\w-]+)\.json`\.\s+Red: ([^.]+)\.", story, re.M
    )
    titles = {
        one.title: one.name for one in load_architecture(ROOT / "manifests" / "architecture.yaml").components
    }
    red = {name: {titles[box] for box in re.split(r",\s+", said) if box != "nothing"} for name, said in told}
    shown = {
        name: {box for box in BOXES if expected(name, OVERVIEW, box) == RED}
        for name in MATRIX
        if name != "no-fault"
    }
    assert red == shown
    assert len(red) == 9
    assert "`chaos run experiments/no-fault.json`" in story
    assert "not Grafana" in story


@pytest.fixture
def drill(lab):
    """The title of an alert that the lab's Alertmanager was given and has sent; it ends with the test."""
    address = f"http://{settings.HOST}:{settings.from_environment().ports.alertmanager}/api/v2/alerts"
    alert = {"labels": {"alertname": "Drill", "service": uuid.uuid4().hex}}
    requests.post(address, json=[alert], timeout=10).raise_for_status()
    title = f"[FIRING] Drill ({alert['labels']['service']})"
    deadline = time.monotonic() + 60
    while title not in (shown := lab.run("python", "-m", "lab", "alerts", "--json")).stdout:
        assert time.monotonic() < deadline, shown
        time.sleep(0.2)
    yield title
    requests.post(address, json=[alert | {"endsAt": datetime.now(UTC).isoformat()}], timeout=10)


@pytest.mark.lab
def test_every_command_works(lab, drill):
    """Those that install, test, follow for ever, run long or end the lab are tried elsewhere."""
    elsewhere = {"./setup/run experiments/payment.json", "./setup/test", "./setup/up lab", "./setup/down lab"}
    elsewhere |= {"python -m lab logs payment -f", "chaos run experiments/no-fault.json", "source setup/env"}
    elsewhere |= {"chaos gameday run", "chaos slo rules", "source setup/env kind"}
    elsewhere |= {"./setup/up kind", "./setup/down kind", "./setup/test --target kind"}
    said = {
        "kubectl get pods": "payment-",
        "python -m lab status": "payment-",
        "python -m lab alerts": drill,
        "chaos gameday list": "postgres-connections",
        "chaos gameday lint": "",
        "chaos slo status": "payment-success",
    }
    assert {*COMMANDS} == elsewhere | said.keys()
    for command, words in said.items():
        script = f"source setup/env && {command}"
        done = subprocess.run(
            ["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
        # The status is 1 while an objective is not met: an experiment may just have spent of it.
        assert done.returncode in ({0, 1} if command == "chaos slo status" else {0}), done.stderr
        assert words in done.stdout


@pytest.mark.lab
def test_up_again_takes_what_is_there(lab):
    done = subprocess.run(
        [str(ROOT / "setup/up"), "lab"], capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "the lab is already up" in done.stdout


@pytest.mark.lab
def test_logs_are_followed(lab):
    with subprocess.Popen(
        ["bash", "-c", "source setup/env && exec python -m lab logs payment -f"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as following:
        try:
            lines = [following.stdout.readline() for _ in range(20)]
        finally:
            following.terminate()
    assert all("service=payment" in line for line in lines if "msg=request" in line)
    assert any(
        re.search(r"msg=request traceID=[0-9a-f]{32} .*route=/process status=200", line) for line in lines
    )
