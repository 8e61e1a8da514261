"""The experiments on the running lab, as their users run them; and everything that a user can get wrong."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from chaosext.grafana.client import Grafana
from chaosext.polling import poll
from chaosext.result import Phase, Verdict, Verification, read
from chaosext.slo.load import load_slos
from chaosext.slo.sli import measure
from lab.grafana.server import GrafanaSettings, serve

from .conftest import Reply

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.lab, pytest.mark.timeout(180)]
TOKEN_OF_NOBODY = "glsa_test-token-of-this-suite"


class Copy:
    """A copy of the experiments and manifests that a test may spoil, and the runs of it."""

    def __init__(self, folder: Path, lab: Any) -> None:
        self.folder = folder
        self._lab = lab
        shutil.copytree(ROOT / "experiments", folder / "experiments")
        shutil.copytree(ROOT / "manifests", folder / "manifests")

    def change(self, name: str, change: Callable[[dict[str, Any]], Any]) -> None:
        path = self.folder / "experiments" / f"{name}.json"
        experiment = json.loads(path.read_text())
        change(experiment)
        path.write_text(json.dumps(experiment))

    def chaos(self, *words: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
        env = {**self._lab.env, "HOME": str(self.folder)} | environment
        return subprocess.run(
            [str(ROOT / ".venv/bin/chaos"), "--no-version-check", "--no-log-file", *words],
            env={name: value for name, value in env.items() if value is not None},
            cwd="/",  # paths resolve from the experiment's folder, so that it works from anywhere
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )

    def run(
        self, name: str, **environment: str | None
    ) -> tuple[subprocess.CompletedProcess[str], Verification]:
        """Run `chaos run`; return the process and what it left in the one folder under reports/."""
        shutil.rmtree(self.folder / "reports", ignore_errors=True)
        journal = str(self.folder / "journal.json")
        path = str(self.folder / "experiments" / f"{name}.json")
        done = self.chaos("run", "--journal-path", journal, path, **environment)
        assert "Traceback" not in done.stderr
        (folder,) = (self.folder / "reports").iterdir()
        return done, read(folder)


@pytest.fixture
def copy(tmp_path: Path, lab: Any) -> Copy:
    return Copy(tmp_path, lab)


def test_a_fault_that_never_lands_is_no_success(copy):
    # The fault is a release that is no other than the one before.
    variant = copy.folder / "manifests" / "variants" / "payment-failures.yaml"
    variant.write_text(variant.read_text().replace("args: [payment-failures]", "args: [payment]"))
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
    copy.change("payment", lambda e: e.update(rollbacks=[nothing]))
    copy.change("payment", lambda e: e["extensions"][0].update(recover_within_windows=0.5))
    done, found = copy.run("payment")
    try:
        assert (done.returncode, found.verdict) == (1, Verdict.SYSTEM_FAILED)
        assert any("the rollback is not proved: deployment/payment" in reason for reason in found.reasons)
    finally:
        healed = copy.chaos("gameday", "heal", "--manifest", str(ROOT / "manifests" / "app.yaml"))
    assert healed.returncode == 0, healed.stdout + healed.stderr
    assert "found: deployment/payment" in healed.stdout
    wait_until_steady(lab)


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
        (Reply([], hold=threading.Event()), "did not answer within 5 s"),
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


def test_no_traffic_is_no_data_and_the_rollback_brings_it_back(copy, lab):
    lab.run("kubectl", "scale", "deploy/load", "--replicas=0", "-n", "ecommerce")
    payment = load_slos(ROOT / "manifests" / "slo.yaml")["payment-success"]
    grafana = Grafana(lab.grafana_url, lab.grafana_token)
    assert poll(lambda: measure(grafana, [payment], 10)["payment-success"].value and "traffic", 60) is None
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
    copy.change("payment", lambda e: e.update(method=[failing]))
    done, found = copy.run("payment")
    assert (done.returncode, found.verdict) == (1, Verdict.TOOL_ERROR)
    assert found.reasons == ["action 'nothing' failed: it ended with exit code 1"]
    assert found.rollback.proved


@pytest.fixture
def payment_run(copy, lab):
    """A function that starts the payment experiment and returns its process amid the fault."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        words = [str(ROOT / ".venv/bin/chaos"), "--no-version-check", "--no-log-file", "run"]
        words += ["--journal-path", str(copy.folder / "journal.json")]
        process = subprocess.Popen(
            [*words, str(copy.folder / "experiments" / "payment.json")],
            env={**lab.env, "HOME": str(copy.folder)},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        assert any("Observing" in line for line in process.stderr)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.stderr.close()
        process.wait()


def reports(copy: Copy) -> Path:
    (folder,) = (copy.folder / "reports").glob("*-payment")
    return folder


def wait_for(path: Path, seconds: float = 60) -> None:
    assert poll(lambda: None if path.exists() else f"{path} is missing", seconds) is None


def test_a_second_run_is_refused_and_sigterm_rolls_the_first_one_back(copy, lab, payment_run):
    process = payment_run()
    second = copy.chaos(
        "gameday",
        "run",
        "--output",
        str(copy.folder / "out"),
        str(copy.folder / "experiments" / "no-fault.json"),
    )
    assert second.returncode == 5, second.stderr
    assert "of experiment payment (by " in second.stderr
    assert "holds namespace 'ecommerce' since" in second.stderr
    # All of Chaos Toolkit, as a CI job that runs out of time does it.
    os.killpg(process.pid, signal.SIGTERM)
    rest = process.stderr.read()
    assert process.wait(90) == 1, rest
    assert "Traceback" not in rest
    found = read(reports(copy))
    assert (found.verdict, found.reasons) == (Verdict.NOT_RUN, ["the run was interrupted"])
    assert found.rollback.proved
    assert_no_secret(copy, lab)


def test_a_killed_run_is_healed_by_its_watchdog(copy, lab, payment_run):
    process = payment_run()
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    folder = reports(copy)
    wait_for(folder / "verification.json")
    found = read(folder)
    assert found.verdict is Verdict.NOT_RUN
    assert "the runner died, and the watchdog healed in its place: the system is restored" in found.reasons[0]
    assert {s.phase for s in found.samples} == {Phase.BASELINE, Phase.FAULT}
    healed = json.loads((folder / "healed.json").read_text())
    assert any(difference.startswith("deployment/payment: ") for difference in healed["differences"])
    diff = lab.run("kubectl", "diff", "-f", "manifests/app.yaml")
    assert (diff.returncode, diff.stdout) == (0, "")
    answer = requests.get(
        f"{lab.grafana_url}/api/annotations",
        params={"tags": ["healed", found.run_id]},
        headers={"Authorization": f"Bearer {lab.grafana_token}"},
        timeout=5,
    )
    assert "the runner died; restored in" in answer.json()[0]["text"]
    assert_no_secret(copy, lab)


def test_a_run_that_died_with_its_watchdog_is_healed_by_the_next_one(copy, lab, payment_run):
    process = payment_run()
    watchdogs = psutil.Process(process.pid).children()
    assert [w.cmdline()[-1] for w in watchdogs] == ["chaosext.kubernetes.watchdog"]
    for dying in (*watchdogs, process):
        dying.kill()
    process.wait()
    done, found = copy.run("no-fault")
    assert found.verdict is Verdict.VERIFIED, found.reasons
    assert "died and left its Lease behind: healing first" in done.stderr
    assert any(difference.startswith("deployment/payment: ") for difference in found.healed_before)


def assert_no_secret(copy: Copy, lab: Any) -> None:
    """Look for the token and the passwords in all that the run wrote, and in every argument list."""
    secrets = [lab.grafana_token, "demo-postgres-", "demo-product-", "demo-session-"]
    state = lab.kubeconfig.parent
    logs = [path for path in (state / "log").rglob("*") if path.is_file()]
    written = [path for path in copy.folder.rglob("*") if path.is_file() and "manifests" not in path.parts]
    for path in (*logs, *written):
        text = path.read_text(errors="replace")
        assert not [secret for secret in secrets if secret in text], path
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = " ".join(process.cmdline())
            assert not [secret for secret in secrets if secret in words], words


def test_ctrl_c_amid_the_fault_heals_and_says_not_run(copy, lab):
    path = str(copy.folder / "experiments" / "payment.json")
    words = [str(ROOT / ".venv/bin/chaos"), "--no-version-check", "--no-log-file", "gameday", "run"]
    process = subprocess.Popen(
        [*words, "--output", str(copy.folder / "out"), path],
        env={**lab.env, "HOME": str(copy.folder)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        seen = next(line for line in process.stderr if "Observing" in line)
        assert "25 s" in seen
        os.killpg(process.pid, signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(60) == 5, rest
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in rest
    (folder,) = (copy.folder / "out").iterdir()
    found = read(folder)
    assert (found.verdict, found.reasons) == (Verdict.NOT_RUN, ["the run was interrupted"])
    assert found.rollback.proved
