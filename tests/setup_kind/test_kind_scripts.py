"""setup/up, down and env for kind: what is called, in which order, and what happens when something fails."""

import re
import stat
import subprocess

import pytest

from .stubs import ROOT, Scripts, environment_of

COMMANDS = ("docker", "kind", "helm")
WEBHOOK = {"SLACK_WEBHOOK_URL": "https://hooks.slack.example/services/T0/B0/the-secret-part"}
BOT = {"SLACK_TOKEN": "xoxb-the-secret-part", "SLACK_CHANNEL": "#alerts"}
# The order that matters: what each step rests on comes before it.
ORDER = (
    "docker version",
    "install-client --client",
    "docker build --file ROOT/setup/shop/Dockerfile --target load --tag ecommerce-load:1.0.0 ROOT",
    "docker build --file ROOT/setup/shop/Dockerfile --target shop --tag ecommerce-shop:1.0.0 ROOT",
    "kind create cluster --name chaos-gameday --config ROOT/setup/kind/cluster.yaml --kubeconfig STATE/",
    "kind export kubeconfig --name chaos-gameday --kubeconfig STATE/kubeconfig",
    "kind load docker-image ecommerce-load:1.0.0 ecommerce-shop:1.0.0 --name chaos-gameday",
    "kubectl apply -f ROOT/setup/kind/namespaces.yaml",
    "kubectl create secret generic grafana-admin",
    "python ROOT/setup/kind/alertmanager.py STATE/alertmanager",
    "kubectl create secret generic alertmanager --namespace=monitoring --from-file=STATE/alertmanager",
    "kubectl apply -f ROOT/setup/kind/discovery.yaml",
    "kubectl kustomize --load-restrictor=LoadRestrictionsNone ROOT/setup/kind/monitoring",
    "kubectl patch deployment alertmanager --namespace=monitoring",
    "helm upgrade k8s-monitoring k8s-monitoring --install",
    "kubectl wait --namespace=monitoring",
    "kubectl apply -f ROOT/setup/kind/telemetry.yaml -f ROOT/manifests/app.yaml",
    "kubectl wait --namespace=ecommerce",
    "python ROOT/setup/kind/grafana_token.py http://127.0.0.1:31300 STATE",
    "python dashboards/publish.py",
    "python ROOT/setup/slis.py",
)


@pytest.fixture
def scripts(tmp_path) -> Scripts:
    (tmp_path / "checkout" / "dashboards").mkdir(parents=True)
    return Scripts(tmp_path, COMMANDS)


def positions(lines: list[str]) -> list[int]:
    """Return where each step of ORDER stands in the calls."""
    found = []
    for step in ORDER:
        hits = [index for index, line in enumerate(lines) if line.startswith(step)]
        assert hits, f"not called: {step}\n" + "\n".join(lines)
        found.append(hits[0])
    return found


def test_up_does_everything_in_order_and_never_with_the_users_kubeconfig(scripts):
    done = scripts("up", "kind")
    assert done.returncode == 0, done.stderr
    calls = scripts.calls()
    assert {c["kubeconfig"] for c in calls if c["command"] in {"kubectl", "helm", "kind"}} == {
        str(scripts.state / "kubeconfig")
    }


def test_each_step_comes_after_what_it_rests_on(scripts):
    assert scripts("up", "kind").returncode == 0
    where = positions(scripts.lines())
    assert where == sorted(where)


def test_up_again_makes_no_second_cluster_and_no_second_password(scripts):
    scripts("up", "kind")
    scripts.calls()
    again = scripts("up", "kind")
    assert again.returncode == 0, again.stderr
    lines = scripts.lines()
    assert not [line for line in lines if line.startswith("kind create")]
    assert not [line for line in lines if line.startswith("kubectl create secret generic grafana-admin")]
    assert not [line for line in lines if "rollout restart" in line]


def test_pods_are_made_anew_when_the_shop_has_changed(scripts):
    scripts("up", "kind")
    (scripts.world / "image").write_text("sha256:two")
    scripts.calls()
    assert scripts("up", "kind").returncode == 0
    (restart,) = [line for line in scripts.lines() if "rollout restart" in line]
    assert "--namespace=ecommerce" in restart


@pytest.mark.parametrize(
    "failure",
    ["^docker build", "^kind create", "kustomize", "^helm upgrade", "slis.py"],
)
def test_a_failure_ends_up_and_the_next_up_goes_on(scripts, failure):
    scripts.fail(failure)
    failed = scripts("up", "kind")
    assert failed.returncode != 0
    assert "told to fail" in failed.stderr
    reached = scripts.lines()
    assert "Up:" not in failed.stdout
    scripts.fail()
    done = scripts("up", "kind")
    assert done.returncode == 0, done.stderr
    lines = scripts.lines()
    made = [line for line in [*reached, *lines] if line.startswith("kind create")]
    assert len(made) == (2 if failure == "^kind create" else 1)
    assert lines[-1].startswith("python ROOT/setup/slis.py")


def test_a_cluster_that_was_never_finished_is_made_anew(scripts):
    """As after Ctrl-C or a kill, when kind could not clean up: the cluster is listed, and is none."""
    scripts.fail("after ^kind create")
    assert scripts("up", "kind").returncode != 0
    assert (scripts.world / "clusters").exists()
    scripts.lines()
    scripts.fail()
    done = scripts("up", "kind")
    assert done.returncode == 0, done.stderr
    steps = [
        line.split(" --")[0] for line in scripts.lines() if line.startswith(("kind create", "kind delete"))
    ]
    assert steps == ["kind delete cluster", "kind create cluster"]
    assert scripts("up", "kind").returncode == 0
    assert not [line for line in scripts.lines() if line.startswith(("kind create", "kind delete"))]


def test_a_password_that_cannot_be_asked_for_is_not_replaced(scripts):
    scripts("up", "kind")
    before = (scripts.state / "grafana-admin").read_text()
    scripts.lines()
    scripts.fail("^kubectl get secret grafana-admin")
    assert scripts("up", "kind").returncode != 0
    assert not [line for line in scripts.lines() if "create secret generic grafana-admin" in line]
    assert (scripts.state / "grafana-admin").read_text() == before


@pytest.mark.parametrize(
    ("tool", "version", "said"),
    [
        ("kind", "kind v0.31.0 go1.25.0 linux/amd64", "kind 0.32.0 or newer (0.31.0 is here, https://"),
        ("helm", "v3.9.4+gdbc6d8e", "helm 3.14 or newer (3.9.4 is here, https://"),
        ("helm", "", "helm 3.14 or newer (an unknown version is here, https://"),
    ],
)
def test_a_tool_that_is_too_old_is_named_before_anything_is_done(scripts, tool, version, said):
    (scripts.world / tool).write_text(version)
    done = scripts("up", "kind")
    assert done.returncode == 2
    assert done.stderr.startswith(f"up: missing: {said}")
    assert {c["words"][0] for c in scripts.calls()} == {"version"}


def test_a_newer_tool_will_do(scripts):
    (scripts.world / "kind").write_text("kind v1.2.0 go1.30.0 linux/amd64")
    (scripts.world / "helm").write_text("v4.0.1+g1")
    done = scripts("up", "kind")
    assert done.returncode == 0, done.stderr


def test_the_least_kind_is_the_one_that_ci_installs():
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    least = re.search(r"need_version kind (\S+)", (ROOT / "setup" / "kind" / "lib.sh").read_text())[1]
    assert f"KIND_VERSION: v{least}\n" in workflow


@pytest.mark.parametrize("gone", COMMANDS)
def test_a_missing_tool_is_named_with_where_to_get_it(scripts, gone):
    (scripts.path / gone).unlink()
    done = scripts("up", "kind")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"up: missing: {gone} (")
    assert "https://" in line
    assert {c["words"][0] for c in scripts.calls()} <= {"version"}


def test_all_missing_tools_are_named_at_once(scripts):
    for name in COMMANDS:
        (scripts.path / name).unlink()
    (line,) = scripts("up", "kind").stderr.splitlines()
    assert [name in line for name in COMMANDS] == [True, True, True]


def test_a_docker_that_does_not_run_is_named(scripts):
    scripts.fail("^docker version")
    done = scripts("up", "kind")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "no Docker engine answers" in done.stderr


@pytest.mark.parametrize("slack", [WEBHOOK, BOT], ids=["webhook", "bot"])
def test_no_secret_is_an_argument_and_no_file_is_for_others(scripts, slack):
    assert scripts("up", "kind", **slack).returncode == 0
    said = scripts.lines()
    for secret in ("the-secret-part", "a-password", "a-token-of-grafana"):
        assert not [line for line in said if secret in line]
    for path in scripts.state.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_the_words_for_the_shells_are_the_cluster_s_own(scripts):
    before = scripts("kind/env")
    assert (before.returncode, before.stdout) == (2, "")
    assert before.stderr == "env: no kind environment is up: run setup/up kind first\n"
    scripts("up", "kind")
    exports = scripts("kind/env")
    found = environment_of(exports.stdout)
    assert found["KUBECONFIG"] == str(scripts.state / "kubeconfig")
    assert found["GRAFANA_URL"] == "http://127.0.0.1:31300"
    assert (found["GRAFANA_TOKEN"], found["CHAOS_ENVIRONMENT"]) == ("a-token-of-grafana", "kind")


def test_setup_env_takes_them_into_the_shell(scripts):
    scripts("up", "kind")
    script = f"source {scripts.root}/setup/env kind; echo $? $CHAOS_ENVIRONMENT $GRAFANA_TOKEN"
    environment = {"PATH": str(scripts.path), "KIND_STATE": str(scripts.state)}
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("0 kind a-token-of-grafana\n", "")


def test_down_removes_the_cluster_and_everything_it_wrote(scripts):
    scripts("up", "kind")
    scripts.calls()
    done = scripts("down", "kind")
    assert done.returncode == 0, done.stderr
    assert "kind delete cluster --name chaos-gameday --kubeconfig STATE/kubeconfig" in scripts.lines()
    assert not scripts.state.exists()
    assert scripts("down", "kind").returncode == 0


def test_a_down_that_fails_keeps_what_the_next_one_needs(scripts):
    scripts("up", "kind")
    scripts.fail("^kind delete")
    assert scripts("down", "kind").returncode != 0
    assert (scripts.state / "grafana-admin").exists()


@pytest.mark.parametrize("script", ["up", "down"])
def test_an_unknown_option_is_refused(scripts, script):
    done = scripts(script, "kind", "--moon")
    assert (done.returncode, done.stderr) == (2, f"{script}: unknown option '--moon': there are none\n")


def test_the_images_are_those_that_app_yaml_asks_for():
    dockerfile = (ROOT / "setup" / "shop" / "Dockerfile").read_text()
    for target in ("shop", "load"):
        assert f" AS {target}\n" in dockerfile
