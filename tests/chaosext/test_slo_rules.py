"""The rules that `chaos slo rules` writes: up to date, valid, and with the alerts that experiments expect."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from chaosext.cli import slo
from chaosext.environment import environments, load_windows
from chaosext.grafana.alerts import ANY
from chaosext.slo.load import load_slos
from chaosext.slo.rulefiles import drifted, render
from chaosext.slo.rules import alert_name, duration

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "manifests"
ENVIRONMENTS = environments(MANIFESTS / "windows.yaml")


def groups(environment: str) -> dict[str, dict]:
    path = MANIFESTS / "observability" / "rules" / environment / "slo.yaml"
    return {group["name"]: group for group in yaml.safe_load(path.read_text())["groups"]}


def promtool(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *words], capture_output=True, text=True, check=False, cwd=ROOT)


def test_the_committed_rules_are_up_to_date():
    assert drifted(render(MANIFESTS)) == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_prometheus_accepts_them(environment):
    done = promtool("check", "rules", f"manifests/observability/rules/{environment}/slo.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests" / "promtool").glob("*.yaml")), ids=lambda path: path.stem
)
def test_they_fire_when_they_should_and_only_then(path):
    done = promtool("test", "rules", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_slo_with_a_budget_has_its_alerts_in_every_environment():
    slos = [s for s in load_slos(MANIFESTS / "slo.yaml").values() if not s.is_count]
    for environment in ENVIRONMENTS:
        windows = load_windows(MANIFESTS / "windows.yaml", environment)
        for one in slos:
            alerts = [r for r in groups(environment)[f"slo-{one.name}"]["rules"] if "alert" in r]
            assert {r["alert"] for r in alerts} == {alert_name(one)}
            assert [r["labels"]["severity"] for r in alerts] == ["page", "ticket"]
            assert {r["labels"]["compressed"] for r in alerts} == {str(windows.compressed).lower()}


def test_production_has_the_workbook_s_thresholds_without_a_float_s_noise():
    page = next(r for r in groups("production")["slo-payment-success"]["rules"] if r.get("alert"))
    select = '{slo="payment-success"}'
    assert page["expr"] == (
        f"(slo:sli_error:ratio_rate1h{select} > 0.144 and slo:sli_error:ratio_rate5m{select} > 0.144)"
        f" or (slo:sli_error:ratio_rate6h{select} > 0.06 and slo:sli_error:ratio_rate30m{select} > 0.06)"
    )
    text = (MANIFESTS / "observability" / "rules" / "production" / "slo.yaml").read_text()
    assert "00000" not in text.replace("50000", "").replace("10000", "")


def test_every_alert_that_an_experiment_expects_exists():
    alerts = {rule["alert"] for group in groups("lab").values() for rule in group["rules"] if "alert" in rule}
    for path in (ROOT / "experiments").glob("*.json"):
        expected = json.loads(path.read_text())["extensions"][0].get("alerts", [])
        assert {a["alert"] for a in expected} - {ANY} <= alerts, path.name


@pytest.mark.parametrize(
    ("seconds", "text"), [(10, "10s"), (90, "90s"), (300, "5m"), (21600, "6h"), (86400, "1d"), (259200, "3d")]
)
def test_durations_are_written_as_prometheus_does(seconds, text):
    assert duration(seconds) == text


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    """A copy of the manifests that a test may spoil."""
    return Path(shutil.copytree(MANIFESTS, tmp_path / "manifests"))


def chaos_slo(*words: str, **environment: str | None):
    return CliRunner().invoke(slo, list(words), env=environment)


def test_rules_are_written_once_and_drift_is_told(manifests):
    done = chaos_slo("rules", "--check", "--manifests", str(manifests))
    assert (done.exit_code, done.output.count("unchanged")) == (0, 4)
    path = manifests / "slo.yaml"
    path.write_text(path.read_text().replace("target: 0.99\n", "target: 0.995\n", 1))
    done = chaos_slo("rules", "--check", "--manifests", str(manifests))
    assert (done.exit_code, done.output.count("not up to date")) == (1, 4)
    done = chaos_slo("rules", "--manifests", str(manifests))
    assert (done.exit_code, done.output.count(": written\n")) == (0, 4)
    assert "0.072" in (manifests / "observability" / "rules" / "lab" / "slo.yaml").read_text()


def test_validate_says_what_there_is(manifests):
    done = chaos_slo("validate", "--manifests", str(manifests))
    assert done.exit_code == 0
    assert done.output == f"{manifests}/slo.yaml: 16 SLOs; windows for lab, kind, gke, production\n"


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("slo.yaml", "target: 0.99\n", "target: 99\n", "SLO payment-success: spec.objectives.0.target: Input"),
        ("windows.yaml", "burn_rate: 14.4", "burn_rate: 0", "environments.lab: burn_rates.page.0.burn_rate"),
        (
            "observability/alerts.yaml",
            "        expr:",
            "        expression:",
            "symptoms: HighLatency lacks expr",
        ),
        ("observability/alerts.yaml", "groups:", "group:", "not a file of alert groups"),
    ],
)
def test_bad_input_is_one_line_with_file_object_and_field(manifests, file, old, new, said):
    path = manifests / file
    path.write_text(path.read_text().replace(old, new, 1))
    done = chaos_slo("rules", "--manifests", str(manifests))
    assert done.exit_code == 2
    assert done.output.count("\n") == 1
    assert f"chaos rules: {path}" in done.output
    assert said in done.output


def test_status_without_a_grafana_says_what_to_do():
    done = chaos_slo("status", "--manifests", str(MANIFESTS), CHAOS_ENVIRONMENT="lab", GRAFANA_URL=None)
    assert done.exit_code == 2
    assert done.output == (
        "chaos status: GRAFANA_URL is not set: run 'source setup/env', or export your Grafana's address\n"
    )
