"""The experiments on the running lab, as their users run them; and everything that a user can get wrong."""

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chaosext.grafana.client import Grafana
from chaosext.polling import poll
from chaosext.result import Verdict, read
from chaosext.slo.load import load_slos
from chaosext.slo.sli import measure
from lab.grafana.server import GrafanaSettings, serve

from ..copies import ROOT, Copy
from .conftest import Reply

pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]
TOKEN_OF_NOBODY = "glsa_test-token-of-this-suite"
HALF_WINDOW_SECONDS = 5


@pytest.fixture
def copy(tmp_path: Path, lab: Any) -> Copy:
    return Copy(tmp_path, lab)


def test_a_fault_that_never_lands_is_no_success(copy):
    # The fault is a release that is no other than the one before.
    variant = copy.folder / "manifests" / "variants" / "payment-failures.yaml"
    variant.write_text(variant.read_text().replace("args: [payment-failures]", "args: [payment]"))
    hurry(copy)
    path = str(copy.folder / "experiments" / "payment.json")
    done = copy.chaos("gameday", "run", "--output", str(copy.folder / "out"), path)
    assert done.returncode == 3, done.stderr
    (folder,) = (copy.folder / "out").glob("*-payment")
    found = read(folder)
    assert found.verdict is Verdict.FAULT_NOT_LANDED
    assert any("Payment success stayed at 100%" in reason for reason in found.reasons)
    assert found.fault_landed_seconds is None


def test_a_rollback_that_does_not_restore_is_the_system_s_failure(copy, lab):
    nothing = {"type": "action", "name": "nothing", "provider": {**observe(0.1)}}
    hurry(copy)
    copy.change("payment", lambda e: e.update(rollbacks=[nothing]))
    copy.change("payment", lambda e: e["extensions"][0].update(recover_within_windows=0.5))
    done, found = copy.run("payment")
    assert (done.returncode, found.verdict) == (1, Verdict.SYSTEM_FAILED)
    assert any("the rollback is not proved: deployment/payment" in reason for reason in found.reasons)
    # What the experiment's own rollback left, its watchdog restores.
    assert "the rollback is not proved: left to the watchdog" in done.stderr
    (healed,) = (copy.folder / "reports").glob("*-payment/healed.json")
    assert poll(lambda: None if healed.exists() else "not healed", 60) is None
    assert any(
        text.startswith("deployment/payment: ") for text in json.loads(healed.read_text())["differences"]
    )
    wait_until_steady(lab)


def hurry(copy: Copy) -> None:
    """Measure payment's SLIs over half the window, and watch no longer than that needs."""
    copy.change_windows(short_window_seconds=HALF_WINDOW_SECONDS)
    copy.change("payment", shorten)


def shorten(experiment: dict[str, Any]) -> None:
    """Watch for one window and a half, ask for as many events as fit into half a one, wait for no log line."""
    experiment["method"][1]["provider"] = observe(1.5)
    for probe in experiment["steady-state-hypothesis"]["probes"]:
        arguments = probe["provider"]["arguments"]
        if "min_events" in arguments:
            arguments["min_events"] //= 2
    del experiment["extensions"][0]["evidence"]


def observe(windows: float) -> dict[str, Any]:
    module, arguments = "chaosext.verification.actions", {"windows": windows}
    return {"type": "python", "module": module, "func": "observe", "arguments": arguments}


def wait_until_steady(lab) -> None:
    """Wait until payments succeed again: the next test's baseline would wait for it as well."""
    payment = load_slos(ROOT / "manifests" / "slo.yaml")["payment-success"]
    grafana = Grafana(lab.grafana_url, lab.grafana_token)
    assert poll(lambda: None if measure(grafana, [payment], 10)[payment.name].value == 1 else "bad", 60) is None


def test_an_unsteady_baseline_is_not_run_and_no_fault_is_applied(copy, lab):
    before = versions(lab)
    impossible = {"type": "range", "range": [2, 3]}
    copy.change("payment", lambda e: probe_of(e, "payment-success").update(tolerance=impossible))
    copy.change("payment", lambda e: e["extensions"][0].update(baseline_within_windows=0.3))
    done, found = copy.run("payment")
    assert (done.returncode, found.verdict) == (1, Verdict.NOT_RUN)
    assert (
        "no steady baseline, so no fault was applied: payment-success is 1, outside 2 to 3" in found.reasons[0]
    )
    assert versions(lab) == before


def probe_of(experiment: dict, sli: str) -> dict:
    probes = experiment["steady-state-hypothesis"]["probes"]
    return next(p for p in probes if p["provider"]["arguments"]["name"] == sli)


def test_a_day_s_exit_code_is_its_worst(copy):
    missing = str(copy.folder / "nothing.json")
    refused = str(copy.folder / "experiments" / "no-fault.json")
    done = copy.chaos(
        "gameday", "run", "--output", str(copy.folder / "out"), missing, refused, KUBECONFIG="/nowhere"
    )
    assert done.returncode == 2
    assert f"{missing}: no such experiment" in done.stderr
    assert "KUBECONFIG: /nowhere does not exist: run 'source setup/env'" in done.stderr


def probe(experiment: dict) -> dict:
    return experiment["steady-state-hypothesis"]["probes"][0]["provider"]["arguments"]


def fault(experiment: dict) -> dict:
    return experiment["method"][0]["provider"]["arguments"]


@pytest.mark.parametrize(
    ("spoil", "verdict", "said"),
    [
        (
            lambda c: c.change("payment", lambda e: probe(e).update(name="payments")),
            Verdict.TOOL_ERROR,
            "payments",
        ),
        (
            lambda c: c.change("payment", lambda e: e.pop("extensions")),
            Verdict.TOOL_ERROR,
            "one entry named 'chaosext'",
        ),
        (
            lambda c: c.change("payment", lambda e: fault(e).update(path="x.yaml")),
            Verdict.TOOL_ERROR,
            "x.yaml: no such",
        ),
        (lambda c: write_fault(c, "{"), Verdict.TOOL_ERROR, "payment-failures.yaml: not YAML"),
        (
            lambda c: edit_fault(c, "kind: Deployment", "kind: Deploymnt"),
            Verdict.TOOL_ERROR,
            "knows no kind apps/v1 Dep",
        ),
        (
            lambda c: edit_fault(c, "namespace: ecommerce", "namespace: default"),
            Verdict.NOT_RUN,
            "chaos.enabled=true",
        ),
        (
            lambda c: edit_fault(c, "namespace: ecommerce", "namespace: moon"),
            Verdict.NOT_RUN,
            "has no namespace 'moon'",
        ),
    ],
)
def test_a_wrong_experiment_is_one_clear_line_and_changes_nothing(copy, lab, spoil, verdict, said):
    before = versions(lab)
    spoil(copy)
    done, found = copy.run("payment")
    assert (done.returncode, found.verdict) == (1, verdict)
    assert len(found.reasons) == 1
    assert said in found.reasons[0]
    assert said in done.stderr
    assert versions(lab) == before


def write_fault(copy: Copy, text: str) -> None:
    (copy.folder / "manifests" / "variants" / "payment-failures.yaml").write_text(text)


def edit_fault(copy: Copy, old: str, new: str) -> None:
    path = copy.folder / "manifests" / "variants" / "payment-failures.yaml"
    path.write_text(path.read_text().replace(old, new))


def versions(lab: Any) -> str:
    columns = "custom-columns=NAME:.metadata.name,GENERATION:.metadata.generation"
    return lab.run("kubectl", "get", "deploy", "-n", "ecommerce", "-o", columns).stdout


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"KUBECONFIG": "/nowhere"}, "KUBECONFIG: /nowhere does not exist: run 'source setup/env'"),
        ({"GRAFANA_URL": None}, "GRAFANA_URL is not set: run 'source setup/env'"),
        (
            {"GRAFANA_URL": "http://127.0.0.1:1"},
            "http://127.0.0.1:1/api/datasources cannot be reached (Connection refused)",
        ),
        ({"GRAFANA_TOKEN": "wrong"}, "answered 401: GRAFANA_TOKEN is wrong"),
        ({"GRAFANA_TOKEN": ""}, "GRAFANA_TOKEN is not set"),
        ({"CHAOS_ENVIRONMENT": None}, "CHAOS_ENVIRONMENT is not set"),
    ],
)
def test_a_wrong_environment_is_one_clear_line(copy, environment, said):
    done, found = copy.run("payment", **environment)
    assert (done.returncode, found.verdict) == (1, Verdict.TOOL_ERROR)
    assert said in found.reasons[0]
    assert said in done.stderr


def test_no_token_at_all_is_said_by_chaos_toolkit(copy):
    path = str(copy.folder / "experiments" / "payment.json")
    done = copy.chaos("run", "--journal-path", str(copy.folder / "j.json"), path, GRAFANA_TOKEN=None)
    assert done.returncode == 1
    assert "an environment key that does not exist: GRAFANA_TOKEN" in done.stderr


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply({"message": "Not found"}, 404), "answered 404: Not found; is GRAFANA_URL a Grafana"),
        (Reply({"message": "Internal server error"}, 500), "answered 500: Internal server error"),
        (
            Reply(b"<html>Log in</html>", 200, {"Content-Type": "text/html"}),
            "answered 200 with text/html, not JSON",
        ),
        pytest.param(Reply([], hold=threading.Event()), "did not answer within 5 s", marks=pytest.mark.full),
    ],
)
def test_a_grafana_that_is_something_else_is_said(copy, grafana_server, reply, said):
    grafana_server.replies["/api/datasources"] = reply
    done, found = copy.run("payment", GRAFANA_URL=grafana_server.url, GRAFANA_TOKEN=TOKEN_OF_NOBODY)
    assert (done.returncode, found.verdict) == (1, Verdict.TOOL_ERROR)
    assert said in found.reasons[0]


@pytest.fixture
def grafana_without_prometheus(tmp_path: Path) -> Iterator[str]:
    """The lab's Grafana in front of a Prometheus that is down."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def wait(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(10)

    settings = GrafanaSettings("127.0.0.1", 0, TOKEN_OF_NOBODY, "http://127.0.0.1:1", tmp_path / "grafana")
    settings.state_dir.mkdir()
    runner = wait(serve(settings))
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    wait(runner.cleanup())
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


def test_a_prometheus_that_is_down_behind_grafana_is_no_data_and_no_fault_is_applied(
    copy, lab, grafana_without_prometheus
):
    before = versions(lab)
    copy.change("payment", lambda e: e["extensions"][0].update(baseline_within_windows=0.2))
    done, found = copy.run("payment", GRAFANA_URL=grafana_without_prometheus, GRAFANA_TOKEN=TOKEN_OF_NOBODY)
    assert (done.returncode, found.verdict) == (1, Verdict.NO_DATA)
    assert "no steady baseline, so no fault was applied" in found.reasons[0]
    assert "no query could be answered" in found.reasons[0]
    assert versions(lab) == before


def test_the_readme_s_hypothesis_of_log_lines_and_traces(copy):
    text = (ROOT / "setup" / "existing" / "README.md").read_text()
    (example,) = re.findall(r"^```json\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    copy.experiment("pictures").write_text(example)
    journal = copy.folder / "journal.json"
    done = copy.chaos("run", "--journal-path", str(journal), str(copy.experiment("pictures")))
    assert done.returncode == 0, done.stderr
    found = json.loads(journal.read_text())
    (before, after) = (found["steady_states"][when]["probes"] for when in ("before", "after"))
    assert [probe["tolerance_met"] for probe in (*before, *after)] == [True] * 4
    assert before[0]["output"] >= 1
    # It is held against what is there: the same lines are too many for a tolerance of none.
    example = json.loads(example)
    example["steady-state-hypothesis"]["probes"][0]["tolerance"]["range"] = [0, 0]
    copy.experiment("pictures").write_text(json.dumps(example))
    copy.chaos("run", "--journal-path", str(journal), str(copy.experiment("pictures")))
    # Chaos Toolkit exits with 0 where a hypothesis was not met before the method: its journal says so.
    before = json.loads(journal.read_text())["steady_states"]["before"]
    assert (before["steady_state_met"], before["probes"][0]["tolerance_met"]) == (False, False)


def test_no_traffic_is_no_data_and_the_rollback_brings_it_back(copy, lab):
    lab.run("kubectl", "scale", "deploy/load", "--replicas=0", "-n", "ecommerce")
    hurry(copy)
    payment = load_slos(ROOT / "manifests" / "slo.yaml")["payment-success"]
    grafana = Grafana(lab.grafana_url, lab.grafana_token)
    assert (
        poll(lambda: measure(grafana, [payment], HALF_WINDOW_SECONDS)[payment.name].value and "traffic", 60)
        is None
    )
    copy.change("payment", lambda e: e["extensions"][0].update(baseline_within_windows=0.2))
    done, found = copy.run("payment")
    assert (done.returncode, found.verdict) == (1, Verdict.NO_DATA), found.reasons
    assert "so no fault was applied: payment-success has no data (no traffic: 0 events" in found.reasons[0]
    replicas = lab.run(
        "kubectl", "get", "deploy/load", "-n", "ecommerce", "-o", "jsonpath={.status.readyReplicas}"
    )
    assert replicas.stdout == "1"


def test_a_dry_run_proves_nothing(copy):
    path = str(copy.folder / "experiments" / "no-fault.json")
    done = copy.chaos("run", "--dry", "activities", "--journal-path", str(copy.folder / "j.json"), path)
    assert done.returncode == 1
    assert "--dry runs nothing" in done.stderr


def test_a_method_s_process_that_fails_is_a_tool_error(copy):
    failing = {"type": "action", "name": "nothing", "provider": {"type": "process", "path": "false"}}
    hurry(copy)
    copy.change("payment", lambda e: e.update(method=[failing]))
    done, found = copy.run("payment")
    assert (done.returncode, found.verdict) == (1, Verdict.TOOL_ERROR)
    assert found.reasons == ["action 'nothing' failed: it ended with exit code 1"]
    assert found.rollback.proved
