"""What breaks in a lab is started again or told; after a crash or a reboot the next `up` starts clean."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from lab import layout, leftovers
from lab.components import Component, Supervisor
from lab.node import procfs
from lab.node.processes import Children, Command

from .ownlab import COMMAND_SECONDS, PATIENCE_SECONDS, SUPERVISED

pytestmark = pytest.mark.timeout(600)
SCRAPES = 'up{job="kube-state-metrics"}'


def test_killed_components_are_started_again_and_counted(own_lab):
    assert own_lab("up", "--no-apply").returncode == 0
    own_lab.until(lambda: own_lab.query(SCRAPES))
    before = time.time()
    for name in SUPERVISED:
        os.kill(own_lab.component(name)["pid"], signal.SIGKILL)
    for name in SUPERVISED:
        own_lab.until(lambda name=name: (now := own_lab.component(name))["restarts"] and now["ready"])
    said = own_lab("logs", "daemon").stdout
    for name in SUPERVISED:
        assert f"{name} ended with exit code 137; it is started again in" in said
    # Data flow again, and Prometheus has kept what it had.
    own_lab.until(lambda: own_lab.query(f"timestamp({SCRAPES}) > {before + 1}"))
    own_lab.until(lambda: own_lab.query(f"last_over_time({SCRAPES}[10m])", at=before))


def _component(folder, port: int, hung_seconds: float) -> Component:
    """The real blackbox exporter, asked often."""
    (folder / "blackbox.yaml").write_text("modules: {}\n")
    words = ["prometheus-blackbox-exporter", f"--config.file={folder / 'blackbox.yaml'}"]
    words.append(f"--web.listen-address=127.0.0.1:{port}")
    env = {"PATH": os.environ["PATH"], procfs.MARK: f"{folder.name}/blackbox/"}
    url = f"http://127.0.0.1:{port}/-/healthy"
    command = Command(words, env, folder)
    return Component("blackbox", command, url, hung_seconds=hung_seconds, answer_seconds=0.5, pause_seconds=0.1)


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def _with_supervisor(component: Component, folder, body) -> None:
    async def until(condition):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)

    async def main() -> None:
        (folder / "records").mkdir()
        children = Children(folder / "records")
        supervisor = Supervisor(component, children, folder / "log")
        try:
            await until(lambda: supervisor.ready)
            await body(supervisor, until)
        finally:
            await supervisor.stop()
            children.close()

    asyncio.run(main())


def test_a_hung_component_is_told_and_started_again(tmp_path, free_port):
    async def body(supervisor, until) -> None:
        first = supervisor.pid
        os.kill(first, signal.SIGSTOP)
        await until(lambda: not supervisor.ready)
        await until(lambda: supervisor.ready and supervisor.pid != first)
        assert supervisor.restarts
        assert supervisor.reason == "did not answer for 1 s"

    _with_supervisor(_component(tmp_path, free_port, hung_seconds=1), tmp_path, body)


def test_a_component_that_answers_again_in_time_is_left_alone(tmp_path, free_port):
    async def body(supervisor, until) -> None:
        first = supervisor.pid
        os.kill(first, signal.SIGSTOP)
        await until(lambda: supervisor.reason == "does not answer")
        os.kill(first, signal.SIGCONT)
        await until(lambda: supervisor.ready)
        assert (supervisor.pid, supervisor.restarts, supervisor.reason) == (first, 0, "")

    _with_supervisor(_component(tmp_path, free_port, hung_seconds=1000), tmp_path, body)


def test_another_environment_starts_a_component_anew_without_counting(tmp_path, free_port):
    async def body(supervisor, until) -> None:
        first = supervisor.pid
        supervisor.give({"WORD": "one"})
        await until(lambda: supervisor.ready and supervisor.pid != first)
        second = supervisor.pid
        assert b"WORD=one" in Path(f"/proc/{second}/environ").read_bytes().split(b"\0")
        supervisor.give({"WORD": "one"})
        await asyncio.sleep(0)
        assert (supervisor.pid, supervisor.restarts) == (second, 0)

    _with_supervisor(_component(tmp_path, free_port, hung_seconds=1000), tmp_path, body)


def test_a_component_that_cannot_be_started_is_told_and_tried_again(tmp_path, free_port):
    async def body(supervisor, until) -> None:
        away = (tmp_path / "records").rename(tmp_path / "away")
        os.kill(supervisor.pid, signal.SIGKILL)
        where = tmp_path / "records"
        await until(lambda: supervisor.reason.startswith(f"cannot be started: {where}/"))
        assert supervisor.reason.endswith("No such file or directory: put the lab elsewhere with LAB_STATE")
        await until(lambda: supervisor.restarts >= 2)
        assert not supervisor.ready
        away.rename(where)
        await until(lambda: supervisor.ready)
        # The processes of the attempts have not stayed.
        assert procfs.marked(f"{tmp_path.name}/") == {supervisor.pid}

    _with_supervisor(_component(tmp_path, free_port, hung_seconds=1000), tmp_path, body)


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.full)])
def test_an_interrupted_up_leaves_nothing(own_lab, number):
    up = own_lab.start("up")
    _read_until(up, "applied app.yaml")
    up.send_signal(number)
    out, err = up.communicate(timeout=COMMAND_SECONDS)
    assert up.returncode == 130
    assert "interrupted: what was started is ended" in out
    assert "the lab is down" in out
    assert err == ""
    assert own_lab.ports_free()
    assert not procfs.marked(own_lab.mark)


def test_an_up_interrupted_in_a_lab_that_was_up_leaves_that(own_lab):
    assert own_lab("up", "--no-apply").returncode == 0
    up = own_lab.start("up")
    _read_until(up, "the lab is already up")
    up.send_signal(signal.SIGINT)
    up.communicate(timeout=COMMAND_SECONDS)
    assert up.returncode == 130
    assert own_lab.status()["state"] == str(own_lab.state)


@pytest.mark.parametrize("words", [("down",), ("down", "--purge")])
def test_down_during_up(own_lab, words):
    up = own_lab.start("up")
    _read_until(up, "the daemon runs")
    down = own_lab(*words)
    assert down.returncode == 0
    assert down.stdout.startswith("the lab is down")
    _, err = up.communicate(timeout=COMMAND_SECONDS)
    assert (up.returncode, err) == (1, "lab: the lab was taken down while it came up\n")
    assert own_lab.ports_free()
    assert not procfs.marked(own_lab.mark)
    assert own_lab.state.exists() is (words == ("down",))


def _read_until(process: "subprocess.Popen[str]", text: str) -> None:
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"{text!r} was never said: {process.stderr.read()}")


def test_after_a_reboot_up_starts_clean_and_kills_nobody(own_lab):
    """The pids of the last boot are others' now, and files are as far as the disk got them."""
    assert own_lab("up", "--no-apply").returncode == 0
    assert own_lab("down").returncode == 0
    with subprocess.Popen(["sleep", "600"]) as foreign:
        try:
            _write_what_a_power_cut_leaves(own_lab.state, foreign.pid)
            up = own_lab("up", "--no-apply")
            assert up.returncode == 0, up.stderr
            assert "processes of a crashed lab" not in up.stdout
            assert foreign.poll() is None
            assert own_lab("down").returncode == 0
            assert foreign.poll() is None
        finally:
            foreign.kill()
    assert "grafana.db was damaged and begins anew" in own_lab("logs", "daemon").stdout


def _write_what_a_power_cut_leaves(state, pid: int) -> None:
    run = state / "run"
    (run / "daemon.pid").write_text(f"{pid}\n")
    (run / "boot").write_text("5e1f5e1f-another-boot\n")
    records = run / "processes"
    records.mkdir(exist_ok=True)
    (records / str(pid)).write_text(f"{procfs.start_time(pid)}\n")
    (records / "1").write_text("")
    (records / "half").write_bytes(b"\xff\x00")
    (state / "port-offset").write_text("")
    for name in ("kubernetes.token", "grafana.token", "kubeconfig", "pki/server.key", "pki/ca.crt"):
        (state / name).write_text("")
    (state / "alerts.jsonl").write_text('{"number": 1, "ti')
    (state / "grafana" / "grafana.db").write_bytes(b"SQLite format 3\0" + os.urandom(5000))
    pod = state / "data" / "pods" / "01234567" / "volumes" / "run"
    pod.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as leftover:
        leftover.bind(str(pod / ".s.PGSQL.5432"))
    shutil.rmtree(state / "data" / "prometheus")
    (state / "data" / "prometheus").write_text("not a folder")


@pytest.mark.parametrize("content", ["1234\n", "", "x"])
def test_a_record_whose_pid_is_another_process_now_kills_nobody(tmp_path, content):
    places = layout.Layout(tmp_path, tmp_path / "data")
    places.processes.mkdir(parents=True)
    leftovers.note_boot(places)
    with subprocess.Popen(["sleep", "600"]) as foreign:
        try:
            (places.processes / str(foreign.pid)).write_text(content)
            assert leftovers.end(places) == 0
            assert foreign.poll() is None
        finally:
            foreign.kill()
    assert not places.processes.exists()


@pytest.mark.full
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV])
@pytest.mark.parametrize("name", SUPERVISED)
def test_whatever_happens_to_a_component_it_comes_back(own_lab, name, number):
    assert own_lab("up", "--no-apply").returncode == 0
    first = own_lab.component(name)["pid"]
    os.kill(first, number)
    own_lab.until(lambda: not own_lab.component(name)["ready"])
    entry = own_lab.until(lambda: (now := own_lab.component(name))["ready"] and now)
    assert entry["pid"] != first
    assert entry["restarts"] == 1
