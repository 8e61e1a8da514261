"""The daemon without the shop: up, again, crashes, down. Each test has a lab of its own beside any other."""

import os
import signal
import subprocess
import sys

import psutil
import pytest
import yaml

from lab.node import procfs

from .ownlab import SUPERVISED

pytestmark = pytest.mark.timeout(600)
# A pod that would outlive its lab: it ignores SIGTERM, and has a child in a session of its own.
STUBBORN = """
apiVersion: v1
kind: Pod
metadata: {name: stubborn, namespace: default}
spec:
  containers:
    - name: main
      image: ecommerce-shop:1
      command: [sh, -c, "trap '' TERM; setsid sleep 600 & while :; do sleep 0.1; done"]
"""


def test_up_status_up_again_and_down(own_lab):
    first = own_lab("up", "--no-apply")
    assert first.returncode == 0, first.stderr
    assert "all components answer" in first.stdout
    status = own_lab.status()
    assert {entry["name"] for entry in status["components"]} == {"kubernetes", "node", "grafana", *SUPERVISED}
    own_lab.until(own_lab.all_ready)
    assert "Ready" in own_lab.kubectl("get", "nodes")
    again = own_lab("up", "--no-apply")
    assert again.returncode == 0
    assert f"the lab is already up (pid {own_lab.daemon})" in again.stdout
    down = own_lab("down")
    assert down.stdout.startswith("the lab is down")
    assert own_lab.ports_free()
    assert not procfs.marked(own_lab.mark)


def test_two_ups_at_once_start_one_daemon(own_lab):
    words = [sys.executable, "-m", "lab", "up", "--no-apply"]
    both = [subprocess.Popen(words, env=own_lab.env, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=300)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum("the daemon runs" in output for output in outputs) == 1
    assert sum(f"already up (pid {own_lab.daemon})" in output for output in outputs) == 1


def test_env_prints_lines_for_a_shell(own_lab):
    own_lab("up", "--no-apply")
    script = 'eval "$1"; printf "%s\\n" "$KUBECONFIG" "$GRAFANA_URL" "$CHAOS_ENVIRONMENT" "$KUBECACHEDIR"'
    exports = own_lab("env").stdout
    words = ["bash", "-c", script, "-", exports]
    lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    state = own_lab.state
    url = f"http://127.0.0.1:{own_lab.settings.ports.grafana}"
    assert lines == [str(state / "kubeconfig"), url, "lab", str(state / "kubecache")]
    assert "GRAFANA_TOKEN=" in exports
    secrets = [state / "kubeconfig", *state.glob("*.token"), *state.glob("pki/*")]
    assert {path.stat().st_mode & 0o077 for path in secrets} == {0}


def test_a_killed_daemon_leaves_no_process_and_the_next_up_starts_clean(own_lab):
    own_lab("up", "--no-apply")
    own_lab.kubectl("apply", "-f", "-", stdin=STUBBORN)
    own_lab.until(lambda: "Running" in own_lab.kubectl("get", "pods", "-n", "default"))
    own_lab.until(lambda: len(procfs.marked(own_lab.mark)) >= len(SUPERVISED) + 2)
    started = [int(path.name) for path in (own_lab.state / "run" / "processes").iterdir()]
    assert len(started) == len(SUPERVISED) + 1  # and the pod
    crash = (
        f"the lab's daemon (pid {own_lab.daemon}) crashed; the last line of {own_lab.state}/log/daemon.log is '"
    )
    os.kill(own_lab.daemon, signal.SIGKILL)
    # The kernel ends what the daemon started, at once; what those started is left to `down`.
    own_lab.until(lambda: not any(map(procfs.start_time, started)))
    status = own_lab("status")
    assert status.returncode == 1
    assert status.stderr.startswith(f"lab: {crash}")
    assert status.stderr.endswith("': run `python -m lab up`\n")
    assert len(status.stderr.splitlines()) == 1
    down = own_lab("down")
    assert down.returncode == 0
    told, ended = down.stdout.splitlines()
    assert told.startswith(crash)
    assert ended.startswith("the lab is down; ")
    assert "is not up: run" in own_lab("status").stderr
    assert not procfs.marked(own_lab.mark)
    assert own_lab.ports_free()
    again = own_lab("up", "--no-apply")
    assert again.returncode == 0, again.stderr
    assert "stubborn" not in own_lab.kubectl("get", "pods", "-n", "default")


def test_up_after_a_killed_daemon_ends_what_it_left(own_lab):
    own_lab("up", "--no-apply")
    own_lab.kubectl("apply", "-f", "-", stdin=STUBBORN)
    own_lab.until(lambda: len(procfs.marked(own_lab.mark)) >= len(SUPERVISED) + 2)
    before, pid = procfs.marked(own_lab.mark), own_lab.daemon
    os.kill(pid, signal.SIGKILL)
    up = own_lab("up", "--no-apply")
    assert up.returncode == 0
    assert f"the lab's daemon (pid {pid}) crashed; the last line of " in up.stdout
    assert not before & procfs.marked(own_lab.mark)


@pytest.mark.full
def test_a_daemon_that_hangs_is_told_and_ended(own_lab):
    own_lab("up", "--no-apply")
    hang = f"the lab's daemon (pid {own_lab.daemon}) hangs: no answer from http://127.0.0.1:"
    os.kill(own_lab.daemon, signal.SIGSTOP)
    for command in (["status"], ["up", "--no-apply"]):
        asked = own_lab(*command)
        assert asked.returncode == 1
        assert asked.stderr.startswith(f"lab: {hang}")
        assert asked.stderr.endswith("': end it with `python -m lab down`\n")
        assert len(asked.stderr.splitlines()) == 1
    told, ended = own_lab("down").stdout.splitlines()
    assert told.startswith(hang)
    assert ended.startswith("the lab is down")
    assert own_lab.ports_free()
    assert "is not up: run" in own_lab("status").stderr


def test_a_daemon_that_was_told_to_end_did_not_crash(own_lab):
    own_lab("up", "--no-apply")
    os.kill(own_lab.daemon, signal.SIGTERM)
    own_lab.until(lambda: "is not up: run" in own_lab("status").stderr)
    assert own_lab("down").stdout.startswith("the lab was not up")


# Of the Job controller: it fails for as long as a file exists.
SABOTAGE = """

_whole = run


async def run(store: Store) -> None:
    import asyncio
    from pathlib import Path

    working = asyncio.ensure_future(_whole(store))
    try:
        while not Path({flag!r}).exists():
            await asyncio.sleep(0.05)
        raise RuntimeError("sabotaged")
    finally:
        working.cancel()
"""
JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: short, namespace: default}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: ecommerce-shop:1, command: ["true"]}]
"""


def test_a_controller_that_dies_is_shown_and_started_again(own_lab):
    flag = own_lab.state / "sabotage"
    with (own_lab.use_copy() / "setup" / "lab" / "kube" / "controllers" / "job.py").open("a") as file:
        file.write(SABOTAGE.format(flag=str(flag)))
    own_lab("up", "--no-apply")
    flag.touch()
    own_lab.until(lambda: own_lab.component("kubernetes")["restarts"] >= 2)
    own_lab.until(lambda: not own_lab.component("kubernetes")["ready"])
    reason = "job controller failed: RuntimeError: sabotaged"
    row = own_lab.until(lambda: [line for line in own_lab("status").stdout.splitlines() if "not ready" in line])
    assert row[0].startswith("kubernetes")
    assert row[0].endswith(reason)
    assert f"{reason}; it is started again in" in own_lab("logs", "kubernetes").stdout
    up = own_lab("up", "--no-apply")
    assert up.returncode == 1
    assert f"kubernetes does not come up ({reason}); its last lines:" in up.stderr
    own_lab.kubectl("apply", "-f", "-", stdin=JOB)
    flag.unlink()
    own_lab.until(own_lab.all_ready)
    assert "condition met" in own_lab.kubectl("wait", "-n", "default", "--for=condition=Complete", "job/short")


def test_a_component_that_cannot_come_up_is_named_with_its_last_words(own_lab):
    path = own_lab.use_copy() / "manifests" / "observability" / "blackbox.yaml"
    path.write_text("modules: [not, a, map]\n")
    up = own_lab("up", "--no-apply")
    assert up.returncode == 1
    assert "blackbox does not come up (ended with exit code 1); its last lines:" in up.stderr
    assert "cannot unmarshal" in up.stderr


def test_another_lab_in_the_way_is_named(own_lab):
    own_lab("up", "--no-apply")
    offset = str(own_lab.settings.offset)
    other = {**own_lab.env, "LAB_STATE": str(own_lab.state / "other"), "LAB_PORT_OFFSET": offset}
    words = [sys.executable, "-m", "lab", "up"]
    up = subprocess.run(words, env=other, capture_output=True, text=True, timeout=300, check=False)
    assert up.returncode == 1
    assert f"another lab (user {psutil.Process().username()}, pid {own_lab.daemon}, state " in up.stderr
    assert f"or give another LAB_PORT_OFFSET than {offset}" in up.stderr
    assert len(up.stderr.splitlines()) == 1


def test_purge_removes_all_state(own_lab):
    own_lab("up", "--no-apply")
    assert own_lab("down", "--purge").returncode == 0
    assert not own_lab.state.exists()


def test_logs_of_a_pod_follow_it_over_a_replacement(own_lab):
    own_lab("up", "--no-apply")
    pod = yaml.safe_load(STUBBORN)
    pod["metadata"]["name"] = "talker"
    pod["spec"]["containers"][0]["command"] = ["sh", "-c", "echo hello from $$$$; exec sleep 60"]
    manifest = yaml.safe_dump(pod)
    own_lab.kubectl("apply", "-f", "-", stdin=manifest)
    own_lab.until(lambda: "hello" in own_lab("logs", "talker").stdout)
    words = [sys.executable, "-m", "lab", "logs", "talker", "-f"]
    with subprocess.Popen(words, env=own_lab.env, stdout=subprocess.PIPE, text=True) as following:
        first = following.stdout.readline()
        own_lab.kubectl("delete", "pod", "talker", "-n", "default", "--grace-period=1")
        own_lab.kubectl("apply", "-f", "-", stdin=manifest)
        second = following.stdout.readline()
        following.kill()
    assert first.startswith("hello from ")
    assert second.startswith("hello from ")
    assert first != second
    assert own_lab.kubectl("logs", "talker", "-n", "default") == second
