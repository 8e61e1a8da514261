"""setup/up, down and env for a cluster and a Grafana that are there; and what the check of them finds."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from .stubs import Scripts, environment_of

ROOT = Path(__file__).parents[2]
GIVEN = {
    "KUBECONFIG": "/a/kubeconfig",
    "GRAFANA_URL": "https://grafana.example",
    "GRAFANA_TOKEN": "glsa_secret; $(echo)",
    "CHAOS_ENVIRONMENT": "gke",
}


@pytest.fixture
def scripts(tmp_path) -> Scripts:
    (tmp_path / "checkout" / "dashboards").mkdir(parents=True)
    return Scripts(tmp_path, ())


@pytest.mark.parametrize("name", sorted(GIVEN))
def test_what_is_not_given_is_named_before_anything_is_done(scripts, name):
    for script, words in (("up", ["existing"]), ("existing/env", [])):
        done = scripts(script, *words, **{**GIVEN, name: ""})
        assert done.returncode == 2
        assert f"{name} is not set" in done.stderr
    assert scripts.calls() == []


def test_up_looks_and_changes_nothing_in_the_cluster_unless_asked(scripts):
    done = scripts("up", "existing", **GIVEN)
    assert done.returncode == 0, done.stderr
    lines = scripts.lines()
    assert [line.split()[1] for line in lines] == [
        "--client",
        "ROOT/setup/existing/check.py",
        "dashboards/publish.py",
        "ROOT/setup/slis.py",
    ]
    assert not [line for line in lines if "glsa_secret" in line]


def test_apply_comes_between_a_look_and_another(scripts):
    assert scripts("up", "existing", "--apply", **GIVEN).returncode == 0
    look = "python ROOT/setup/existing/check.py --manifests ROOT/manifests"
    assert scripts.lines()[1:4] == [
        f"{look} --before-apply",
        "kubectl apply -f ROOT/manifests/app.yaml",
        f"{look} --rollouts 600",
    ]


@pytest.mark.parametrize(("look", "applied"), [("--before-apply", False), ("--rollouts", True)])
def test_what_a_look_misses_ends_it(scripts, look, applied):
    scripts.fail(look)
    done = scripts("up", "existing", "--apply", **GIVEN)
    assert done.returncode == 2
    assert "up: what is missing is said above; nothing else was done" in done.stderr
    lines = scripts.lines()
    assert ("kubectl apply -f ROOT/manifests/app.yaml" in lines) is applied
    assert not [line for line in lines if "publish.py" in line]


def test_what_is_missing_ends_it_before_the_dashboards(scripts):
    scripts.fail("check.py")
    done = scripts("up", "existing", **GIVEN)
    assert done.returncode == 2
    assert not [line for line in scripts.lines() if "publish.py" in line]


def test_a_folder_without_the_three_files_is_named(scripts, tmp_path):
    done = scripts("up", "existing", "--manifests", str(tmp_path), **GIVEN)
    assert (done.returncode, scripts.calls()) == (2, [])
    assert "has no slo.yaml" in done.stderr


def test_env_gives_the_shell_what_was_given(scripts):
    found = environment_of(scripts("existing/env", **GIVEN).stdout)
    assert GIVEN.items() <= found.items()


def test_down_changes_nothing_unless_it_is_to_heal(scripts):
    assert scripts("down", "existing", **GIVEN).returncode == 0
    assert scripts.calls() == []
    assert scripts("down", "existing", "--heal", **GIVEN).returncode == 0
    (call,) = scripts.lines()
    assert call.endswith("gameday heal")


def check(lab, manifests: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "setup" / "existing" / "check.py", "--manifests", manifests, *words],
        env=lab.env | environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.lab
def test_a_whole_environment_lacks_nothing(lab):
    done = check(lab, ROOT / "manifests")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.lab
def test_a_shop_that_runs_is_not_waited_for(lab):
    done = check(lab, ROOT / "manifests", "--rollouts", "60")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.lab
def test_everything_that_is_missing_is_said_at_once(lab, tmp_path):
    for name in ("slo.yaml", "windows.yaml"):
        (tmp_path / name).write_text((ROOT / "manifests" / name).read_text())
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "nothing", "namespace": "ecommerce"}}
    (tmp_path / "app.yaml").write_text(yaml.safe_dump(other))
    done = check(lab, tmp_path, CHAOS_ENVIRONMENT="moon", GRAFANA_TOKEN="of-nobody")
    assert done.returncode == 2
    assert "CHAOS_ENVIRONMENT is 'moon'" in done.stderr
    assert "namespace ecommerce lacks " in done.stderr
    assert "nothing" in done.stderr
    assert "GRAFANA_TOKEN" in done.stderr
    assert "of-nobody" not in done.stderr


@pytest.mark.lab
def test_somebody_with_an_slo_of_their_own_sees_it_measured(lab, tmp_path):
    """The commands of README.md's "Use it on your own system", with one SLO of another name."""
    documents = list(yaml.safe_load_all((ROOT / "manifests" / "slo.yaml").read_text()))
    (mine,) = [d for d in documents if d["kind"] == "SLO" and d["metadata"]["name"] == "payment-success"]
    mine["metadata"]["name"] = "sales"
    mine["spec"]["indicator"]["metadata"]["name"] = "sales"
    kept = [d for d in documents if d["kind"] != "SLO"]
    (tmp_path / "slo.yaml").write_text(yaml.safe_dump_all([*kept, mine]))
    (tmp_path / "windows.yaml").write_text((ROOT / "manifests" / "windows.yaml").read_text())
    (tmp_path / "observability").mkdir()
    alerts = "observability/alerts.yaml"
    (tmp_path / alerts).write_text((ROOT / "manifests" / alerts).read_text())
    for words in (["validate"], ["rules"]):
        done = lab.run("chaos", "--no-version-check", "slo", *words, "--manifests", str(tmp_path))
        assert done.returncode == 0, done.stdout + done.stderr
    assert "SalesBudgetBurn" in (tmp_path / "observability" / "rules" / "lab" / "slo.yaml").read_text()
    words = [sys.executable, ROOT / "setup" / "slis.py", "--manifests", tmp_path, "--seconds", "60"]
    done = subprocess.run(words, env=lab.env, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sales" in done.stdout
