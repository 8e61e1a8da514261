"""Every experiment file, without an environment: Chaos Toolkit accepts it, and so do we."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from chaosext.slo.load import load_slos
from chaosext.verification.expectations import parse_expectations

ROOT = Path(__file__).parents[1]
EXPERIMENTS = sorted((ROOT / "experiments").glob("*.json"))
SLOS = load_slos(ROOT / "manifests" / "slo.yaml")


def load(path: Path) -> dict:
    return json.loads(path.read_text())


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda p: p.stem)
def test_chaos_validate_accepts_it(path, tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "chaostoolkit", "--no-version-check", "--no-log-file", "validate", str(path)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GRAFANA_TOKEN": "any"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "look valid" in result.stderr + result.stdout


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda p: p.stem)
def test_it_states_what_it_expects(path):
    assert parse_expectations(load(path), SLOS).recover_within_windows <= 4


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda p: p.stem)
def test_its_files_exist_and_it_always_rolls_back_to_app_yaml(path):
    experiment = load(path)
    for key in ("slo_file", "windows_file", "app_manifest"):
        assert (path.parent / experiment["configuration"][key]).is_file()
    # A typo in this block validates, and means "never".
    assert experiment["runtime"] == {"hypothesis": {"strategy": "default"}, "rollbacks": {"strategy": "always"}}
    last = experiment["rollbacks"][-1]["provider"]
    assert (last["func"], last["arguments"]) == ("restore_manifest", {"path": "../manifests/app.yaml"})
    assert [c["name"] for c in experiment["controls"]] == ["verification", "report", "run-events"]


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda p: p.stem)
def test_its_keys_are_known(path):
    """Chaos Toolkit takes an unknown key, such as `rolbacks`, without a word."""
    known = {
        "title",
        "description",
        "tags",
        "configuration",
        "secrets",
        "runtime",
        "controls",
        "method",
        "rollbacks",
    }
    assert set(load(path)) == known | {"steady-state-hypothesis", "extensions"}


def test_the_negative_control_asks_whatever_an_experiment_asks():
    nothing = load(ROOT / "experiments" / "no-fault.json")
    asked = nothing["steady-state-hypothesis"]["probes"]
    for path in EXPERIMENTS:
        assert [p for p in load(path)["steady-state-hypothesis"]["probes"] if p not in asked] == [], path.stem
    assert {p["provider"]["arguments"]["name"] for p in asked} == set(SLOS)
    assert nothing["extensions"][0]["alerts"] == [
        {"alert": "*", "labels": {"severity": "page"}, "outcome": "silent"}
    ]
    assert [a["provider"]["func"] for a in nothing["method"]] == ["observe"]
