"""The game day in a cluster: its CronJob and the pod that shows its reports."""

import base64
import os
import re
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from chaosext.cli.gameday_commands import gameday
from chaosext.environment import environments
from chaosext.gameday.notify import ADDRESS, CHANNEL, TOKEN
from chaosext.result import EXIT_CODES, Verdict, read

from .minors import NEWEST, OLDEST

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "manifests" / "gameday"


def documents(name):
    return list(yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text()))


CLAIM, CRON = documents("cronjob")
(READER,) = documents("reports")
JOB = CRON["spec"]["jobTemplate"]["spec"]
PODS = {"gameday": JOB["template"]["spec"], "reports": READER["spec"]}


@pytest.mark.parametrize("version", [OLDEST, NEWEST[-1]])
@pytest.mark.parametrize("document", [CLAIM, CRON, READER], ids=lambda d: d["kind"])
def test_it_is_valid_kubernetes(document, version):
    kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("pod", PODS.values(), ids=PODS)
def test_a_pod_is_as_the_namespace_s_restricted_profile_wants_it(pod):
    context = pod["securityContext"]
    assert (context["runAsNonRoot"], context["runAsUser"]) == (True, 10001)
    assert context["fsGroup"] == context["runAsGroup"] == 10001  # or the volume could not be written
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    (main,) = pod["containers"]
    for container in (main, *pod.get("initContainers", [])):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert set(container["resources"]) == {"requests", "limits"}
        assert re.fullmatch(r"ecommerce-gameday:\d+\.\d+\.\d+", container["image"])
        assert container["image"] == main["image"]


def test_a_pod_heals_first_what_another_one_left_and_takes_no_live_lease():
    (container,) = PODS["gameday"]["initContainers"]
    command, *options = container["args"]
    with gameday.commands[command].make_context(command, list(options)) as context:
        assert (command, context.params["force"], context.params["wait_seconds"] > 0) == ("heal", False, True)
    assert container["env"] == [{"name": "CHAOSTOOLKIT_IN_POD", "value": "true"}]
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/tmp"]  # noqa: S108 - the pod's own


def test_it_runs_as_the_chaos_runner_one_day_at_a_time():
    account, role, binding = documents("rbac")
    assert CRON["spec"]["concurrencyPolicy"] == "Forbid"
    assert PODS["gameday"]["serviceAccountName"] == account["metadata"]["name"]
    assert {d["metadata"]["namespace"] for d in (CLAIM, CRON, READER, account, role, binding)} == {"ecommerce"}
    assert (
        PODS["gameday"]["automountServiceAccountToken"],
        READER["spec"]["automountServiceAccountToken"],
    ) == (
        True,
        False,
    )


def test_a_verdict_is_not_run_again_and_a_pod_that_is_lost_is():
    lost, verdict = JOB["podFailurePolicy"]["rules"]
    assert (lost["action"], lost["onPodConditions"][0]["type"]) == ("Count", "DisruptionTarget")
    assert (verdict["action"], verdict["onExitCodes"]["operator"]) == ("FailJob", "In")
    assert verdict["onExitCodes"]["values"] == sorted({*EXIT_CODES.values()} - {0})
    assert (JOB["backoffLimit"], PODS["gameday"]["restartPolicy"]) == (1, "Never")


def test_its_secrets_are_references_and_its_settings_are_known():
    (container,) = PODS["gameday"]["containers"]
    env = {entry["name"]: entry for entry in container["env"]}
    plain = {name: entry["value"] for name, entry in env.items() if "value" in entry}
    assert plain == {"CHAOS_ENVIRONMENT": "gke", "CHAOSTOOLKIT_IN_POD": "true"}
    assert plain["CHAOS_ENVIRONMENT"] in environments(ROOT / "manifests" / "windows.yaml")
    keys = {name: entry["valueFrom"]["secretKeyRef"] for name, entry in env.items() if name not in plain}
    assert {name: (key["name"], key["key"]) for name, key in keys.items()} == {
        "GRAFANA_URL": ("gameday", "grafana-url"),
        "GRAFANA_TOKEN": ("gameday", "grafana-token"),
        "SLACK_WEBHOOK_URL": ("gameday", "slack-webhook-url"),
        "SLACK_TOKEN": ("gameday", "slack-token"),
        "SLACK_CHANNEL": ("gameday", "slack-channel"),
    }
    assert {name for name, key in keys.items() if key.get("optional")} == {ADDRESS, TOKEN, CHANNEL}


def test_its_words_are_the_command_line_s_and_its_reports_outlive_it():
    (container,) = PODS["gameday"]["containers"]
    command, *options = container["args"]
    with gameday.commands[command].make_context(command, list(options)) as context:
        given = {name: value for name, value in context.params.items() if value}
    assert given == {"progress": "plain", "output": Path("/reports")}
    for pod in PODS.values():
        mounts = {m["name"]: m for m in pod["containers"][0]["volumeMounts"]}
        volumes = {v["name"]: v for v in pod["volumes"]}
        assert mounts["reports"]["mountPath"] == "/reports"
        assert volumes["reports"]["persistentVolumeClaim"]["claimName"] == CLAIM["metadata"]["name"]
    # Chaos Toolkit's log and journal go to a temporary folder; nothing else of the image can be written.
    assert mounts["reports"]["readOnly"] is True
    assert {v["name"] for v in PODS["gameday"]["volumes"]} == {"reports", "tmp"}


def test_who_shows_the_reports_is_reached_by_port_forward_only():
    words = READER["spec"]["containers"][0]["command"]
    assert words[words.index("--bind") + 1] == "127.0.0.1"


# Where a pod finds its ServiceAccount is fixed in the client; what the run starts must find it too.
FIND_THE_ACCOUNT = """
from kubernetes.config import incluster_config
incluster_config.SERVICE_TOKEN_FILENAME = {folder!r} + "/token"
incluster_config.SERVICE_CERT_FILENAME = {folder!r} + "/ca.crt"
"""


@pytest.fixture
def service_account(lab, tmp_path):
    """The environment by which a process is a pod of the chaos runner's ServiceAccount."""
    rbac = str(FOLDER / "rbac.yaml")
    config = yaml.safe_load(lab.kubeconfig.read_text())["clusters"][0]["cluster"]
    assert lab.run("kubectl", "apply", "-f", rbac).returncode == 0
    token = lab.run("kubectl", "create", "token", "chaos-runner", "-n", "ecommerce").stdout.strip()
    (tmp_path / "token").write_text(token)
    (tmp_path / "ca.crt").write_bytes(base64.b64decode(config["certificate-authority-data"]))
    (tmp_path / "sitecustomize.py").write_text(FIND_THE_ACCOUNT.format(folder=str(tmp_path)))
    host, _, port = config["server"].removeprefix("https://").rpartition(":")
    yield {
        **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
        "HOME": str(tmp_path),
        "PYTHONPATH": str(tmp_path),
        "KUBERNETES_SERVICE_HOST": host,
        "KUBERNETES_SERVICE_PORT": port,
    }
    lab.run("kubectl", "delete", "-f", rbac)


@pytest.mark.full
@pytest.mark.lab
@pytest.mark.timeout(400)
def test_the_role_and_the_variables_of_its_pod_are_enough_for_an_experiment(lab, service_account, tmp_path):
    (container,) = PODS["gameday"]["containers"]
    values = {"GRAFANA_URL": lab.grafana_url, "GRAFANA_TOKEN": lab.grafana_token, "CHAOS_ENVIRONMENT": "lab"}
    given = {e["name"]: values.get(e["name"], e.get("value")) for e in container["env"]}
    env = {**service_account, **{name: value for name, value in given.items() if value is not None}}
    words = [str(tmp_path / "reports") if word == "/reports" else word for word in container["args"]]
    chaos = [sys.executable, "-m", "chaostoolkit", "--no-version-check", "--no-log-file", "gameday"]
    # Its fault is chaosk8s', its rollback chaosext's.
    done = subprocess.run(
        [*chaos, *words, "--only", "cart-data"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=380,
        check=False,
    )
    (folder,) = (tmp_path / "reports").glob("*-cart-data")
    found = read(folder)
    assert (done.returncode, found.verdict, found.reasons) == (0, Verdict.VERIFIED, []), done.stderr
    assert found.about.versions["Kubernetes server"].startswith("v1.")
    assert found.about.versions["Grafana"]
