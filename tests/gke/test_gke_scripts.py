"""setup/gke/up and env with stand-ins for terraform, gcloud, kubectl, docker and curl."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import REAL, ROOT, SECRETS, STAND_INS, order, said

pytestmark = pytest.mark.timeout(600)  # a script is some twenty programs, on a machine that may be busy

GKE = ROOT / "setup/gke"
SCRIPTS = ("up", "down", "env", "images", "app", "leftovers")
HIDDEN = [*SECRETS.values(), "chaos-token-of-the-test", "google-token-of-the-test"]
REGISTRY = "us-central1-docker.pkg.dev/my-project/gameday"


def test_up_does_everything_in_order(up):
    checkout, done = up
    assert done.returncode == 0, done.stderr
    lines = checkout.lines()
    places = order(
        lines,
        " init",
        " plan -var=app_ready=false",
        " apply ",
        "gcloud container clusters get-credentials",
        "docker build",
        f"push {REGISTRY}/ecommerce-load:1.0.0",
        f"push {REGISTRY}/ecommerce-shop:1.0.0",
        "kubectl create namespace ecommerce",
        "kubectl apply -f -",
        "kubectl create --dry-run=server",
        "manifests/app.yaml",
        "kubectl wait --namespace=ecommerce",
        "-var=app_ready=true -target=grafana_synthetic_monitoring_check.service",
        "setup/slis.py",
    )
    assert places == sorted(places), lines
    assert "Plan: what would change" in done.stdout
    assert "Up: https://mygameday.grafana.net. Now: source setup/env gke" in done.stdout
    assert checkout.facts()["enabled"] is True


def test_the_images_are_the_dockerfiles_targets_for_the_nodes_processor(up):
    builds = [line for line in up[0].lines() if line.startswith("docker build")]
    for target in ("load", "shop"):
        assert f"AS {target}\n" in (ROOT / "setup/shop/Dockerfile").read_text()
        assert any(
            f"--platform linux/amd64 --file {up[0].root}/setup/shop/Dockerfile --target {target} "
            f"--tag {REGISTRY}/ecommerce-{target}:1.0.0" in line
            for line in builds
        )


def test_the_cluster_is_reached_by_a_kubeconfig_of_its_own(up):
    calls = [c for c in up[0].calls() if c["argv"][0] == "kubectl" or "get-credentials" in c["argv"]]
    assert {call["environment"]["KUBECONFIG"] for call in calls} == {str(up[0].state / "kubeconfig")}


def test_the_policy_names_the_registry(up):
    policy = next(call["stdin"] for call in up[0].calls() if call["argv"] == ["kubectl", "apply", "-f", "-"])
    assert f'image: "{REGISTRY}/" + c.image' in policy
    assert "MutatingAdmissionPolicyBinding" in policy


def test_docker_logs_in_by_standard_input_and_to_a_configuration_of_its_own(up):
    login = next(call for call in up[0].calls() if "login" in call["argv"])
    assert login["stdin"].strip() == "google-token-of-the-test"
    assert login["argv"][1:3] == ["--config", str(up[0].state / "docker")]
    assert login["argv"][-1] == "https://us-central1-docker.pkg.dev"
    assert not (up[0].state / "docker").exists()


def test_what_is_written_is_for_its_owner_alone(up):
    written = [up[0].state, *up[0].state.rglob("*")]
    assert up[0].state / "kubeconfig" in written
    assert [path for path in written if path.stat().st_mode & 0o077] == []


def test_env_exports_the_contract_and_nothing_else(up):
    assert up[0].run("env").stdout.splitlines() == [
        f"export KUBECONFIG={up[0].state}/kubeconfig",
        "export GRAFANA_URL=https://mygameday.grafana.net",
        "export GRAFANA_TOKEN=chaos-token-of-the-test",
        "export CHAOS_ENVIRONMENT=gke",
    ]


def test_env_names_the_row_of_windows_whose_rules_are_loaded(made):
    made.remember(outputs={"environment": "production"})
    assert "export CHAOS_ENVIRONMENT=production" in made.run("env").stdout.splitlines()


def test_the_shop_waits_for_the_policy(checkout):
    image = f"{REGISTRY}/ecommerce-shop:1.0.0"
    checkout.remember(policy=["ecommerce-shop:1.0.0", "ecommerce-shop:1.0.0", image])
    assert checkout.run("up", "--yes").returncode == 0
    assert sum("--dry-run=server" in line for line in checkout.lines()) == 3


def test_an_api_server_without_the_policy_is_named(checkout):
    checkout.remember(policy=["ecommerce-shop:1.0.0"])
    message = said(checkout.run("up", "--yes", GKE_POLICY_SECONDS="0"))
    assert message.startswith("app: the API server does not put the registry before the shop's images")
    assert message.endswith(": ecommerce-shop:1.0.0")
    assert not any("manifests/app.yaml" in line for line in checkout.lines())


def test_up_waits_for_data_and_not_for_objectives(up):
    """A young shop's objectives say nothing, and `chaos slo status` fails for one that is missed."""
    (waits,) = [call for call in up[0].calls() if call["argv"][0] == "python"]
    assert waits["argv"] == ["python", f"{up[0].root}/setup/slis.py", "--seconds", "600"]
    assert waits["environment"]["GRAFANA_TOKEN"] == "chaos-token-of-the-test"
    assert waits["environment"]["CHAOS_ENVIRONMENT"] == "gke"


def test_slis_that_have_no_data_are_said(checkout):
    checkout.remember(silent="payment-success")
    done = checkout.run("up", "--yes")
    assert "slis.py: no data within 600 s: payment-success" in done.stderr
    assert said(done).startswith("up: everything is up, and what the SLIs lack is said above")
    assert "Up:" not in done.stdout


def test_a_second_up_changes_nothing_that_was_reached(made):
    done = made.run("up", "--yes")
    assert done.returncode == 0, done.stderr
    lines = made.lines()
    assert any("plan -var=app_ready=true" in line for line in lines), "the checks must not be switched off"
    assert not any("-target=" in line for line in lines)
    assert "kubectl create namespace ecommerce" not in lines


@pytest.mark.parametrize(
    "failing",
    [
        "terraform plan",
        "terraform apply",
        "gcloud container",
        "docker --config",
        "kubectl apply -f -",
        "kubectl wait",
    ],
)
def test_up_stops_at_a_failure_and_resumes_after_it(checkout, failing):
    checkout.remember(fail=failing)
    failed = checkout.run("up", "--yes")
    assert failed.returncode != 0
    assert "it failed, as the test wants" in failed.stderr
    assert checkout.facts()["enabled"] is False
    assert not any("slis.py" in line for line in checkout.lines(forget=True))
    assert not list(checkout.state.glob("*.tfplan"))
    checkout.remember(fail=None)
    assert checkout.run("up", "--yes").returncode == 0
    assert checkout.facts()["enabled"] is True


@pytest.mark.parametrize("answer", ["no", "", "y"])
def test_up_makes_nothing_without_a_yes(checkout, answer):
    done = checkout.run("up", answer=answer)
    assert said(done).endswith("up: nothing was changed")
    assert not any(" apply" in line for line in checkout.lines())
    assert not list(checkout.state.glob("*.tfplan")), "it may hold secrets"


def test_up_makes_it_after_a_yes(checkout):
    assert checkout.run("up", answer="yes").returncode == 0


@pytest.mark.parametrize("script", ["up", "down"])
def test_without_a_terminal_nobody_is_asked(checkout, script):
    checkout.remember(made=True)
    assert said(checkout.run(script)) == f"{script}: nobody to ask here: give --yes"


@pytest.mark.parametrize("script", ["up", "down"])
def test_an_unknown_option_is_named(checkout, script):
    assert said(checkout.run(script, "--purge")) == f"{script}: unknown option '--purge': there is --yes"


@pytest.mark.parametrize("script", ["up", "down"])
def test_every_missing_tool_is_named_at_once(checkout, script):
    for name in STAND_INS:
        (checkout.bin / name).unlink()
    message = said(checkout.run(script, "--yes"))
    needed = [name for name in STAND_INS if script == "up" or name not in {"kubectl", "docker"}]
    for name in needed:
        assert f"{name} (" in message
    assert "https://developer.hashicorp.com/terraform/install" in message
    assert checkout.lines() == []


@pytest.mark.parametrize("script", ["up", "down"])
def test_a_terraform_that_is_too_old_is_named(checkout, script):
    checkout.remember(terraform="1.8.5")
    message = said(checkout.run(script, "--yes"))
    assert message.startswith(f"{script}: missing: terraform 1.9 or newer (1.8.5 is here, https://")
    assert checkout.lines() == ["terraform version"]


def test_the_least_terraform_is_the_one_that_the_configuration_requires():
    least = re.search(r"need_version terraform (\S+)", (GKE / "lib.sh").read_text())[1]
    assert f'required_version = ">= {least}"' in (GKE / "versions.tf").read_text()


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ("GRAFANA_CLOUD_ACCESS_POLICY_TOKEN", "GRAFANA_CLOUD_ACCESS_POLICY_TOKEN is not set"),
        ("tfvars", "cp setup/gke/terraform.tfvars.example setup/gke/terraform.tfvars"),
        ("google", "run gcloud auth application-default login"),
    ],
)
def test_missing_credentials_are_named_before_anything_is_made(checkout, gone, message):
    environment = {gone: ""} if gone.isupper() else {}
    if gone == "tfvars":
        (checkout.root / "setup/gke/terraform.tfvars").unlink()
    if gone == "google":
        checkout.remember(fail="gcloud auth application-default")
    assert message in said(checkout.run("up", "--yes", **environment))
    assert not any("terraform -chdir" in line for line in checkout.lines())


def test_terraform_gets_the_words_for_slack_from_the_environment(checkout):
    checkout.run("up", "--yes", SLACK_CHANNEL="#alerts")
    found = [c["environment"] for c in checkout.calls() if c["argv"][0] == "terraform"]
    given = {
        "TF_VAR_slack_webhook_url": SECRETS["SLACK_WEBHOOK_URL"],
        "TF_VAR_slack_token": SECRETS["SLACK_TOKEN"],
        "TF_VAR_slack_channel": "#alerts",
    }
    assert found
    assert all(given.items() <= environment.items() for environment in found)


def test_no_secret_is_an_argument_or_printed(checkout):
    printed = []
    for words in (("up", "--yes"), ("down", "--yes")):
        done = checkout.run(*words)
        assert done.returncode == 0, done.stderr
        printed += [done.stdout, done.stderr]
    arguments = checkout.lines()
    for secret in HIDDEN:
        assert not [line for line in arguments if secret in line]
        assert not [text for text in printed if secret in text]


def test_the_shells_own_grafana_does_not_reach_terraform(checkout):
    checkout.run("up", "--yes", GRAFANA_URL="http://127.0.0.1:3000", GRAFANA_TOKEN="other")
    calls = [call for call in checkout.calls() if call["argv"][0] == "terraform"]
    assert [call for call in calls if {"GRAFANA_URL", "GRAFANA_TOKEN"} & call["environment"].keys()] == []


def test_env_quotes_for_the_shell(checkout, tmp_path):
    odd = tmp_path / "a b$(touch x)"
    odd.mkdir()
    (odd / "kubeconfig").write_text("")
    checkout.remember(made=True)
    done = checkout.run("env", GKE_STATE=str(odd))
    shown = subprocess.run(
        ["bash", "-c", 'eval "$1"; printf %s "$KUBECONFIG"', "bash", done.stdout],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert shown.stdout == str(odd / "kubeconfig")
    assert not (tmp_path / "x").exists()


def test_env_before_up_says_so(checkout):
    done = checkout.run("env")
    assert said(done) == "env: no GKE environment is up: run setup/up gke first"
    assert done.stdout == ""


def test_env_with_a_state_that_lacks_grafana_says_so(made):
    made.remember(made=False)
    done = made.run("env")
    assert said(done) == "env: Terraform's state has no Grafana, or is an older one: run setup/up gke again"
    assert done.stdout == ""


def test_scripts_are_clean_for_shellcheck():
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run(
        [shellcheck, "-x", *(GKE / name for name in (*SCRIPTS, "lib.sh"))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_the_tools_that_the_test_takes_as_given_are_here():
    assert [name for name in REAL if not shutil.which(name)] == []
