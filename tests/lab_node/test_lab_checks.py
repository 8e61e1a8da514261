"""What the lab refuses before it starts, each in one line that says what to do."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lab import checks, layout, pidfile, settings
from lab.errors import LabError
from lab.node.images import newest_postgres
from lab.settings import Settings

CHECKOUT = Path(__file__).parents[2]
OFFSET = 3000 + os.getpid() % 300 * 10


def _lab(tmp_path: Path) -> Settings:
    return Settings(CHECKOUT, tmp_path / ".lab", OFFSET)


def _check(lab: Settings) -> None:
    checks.check(layout.Layout(lab.state, Path("/var/lib/x")))


def test_somebody_on_all_addresses_is_in_the_pods_way(tmp_path):
    with socket.create_server(("", 0)) as server:
        port = server.getsockname()[1]
        container = {"name": "main", "ports": [{"containerPort": port}]}
        deployment = {"kind": "Deployment", "spec": {"template": {"spec": {"containers": [container]}}}}
        (tmp_path / "manifests").mkdir()
        (tmp_path / "manifests" / "app.yaml").write_text(yaml.safe_dump(deployment))
        with pytest.raises(LabError, match=f"port {port} of the pods is in use on all addresses by pid"):
            checks.check_pods_ports(Settings(tmp_path, tmp_path / ".lab", OFFSET))


def test_missing_programs_are_named_by_their_packages(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match=r"sudo apt-get install .*prometheus-blackbox-exporter.*redis-server"):
        _check(_lab(tmp_path))


def test_a_missing_postgres_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "newest_postgres", lambda: newest_postgres(tmp_path))
    with pytest.raises(LabError, match="packages are missing: postgresql;"):
        _check(_lab(tmp_path))


def test_a_full_disk_is_named_before_anything_is_written(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=99 * 1024 * 1024)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(LabError, match=r"has 99 MiB left, and the lab needs 500: free some space"):
        _check(_lab(tmp_path))


def test_a_state_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    done = run_lab("up", LAB_STATE=str(tmp_path / "file" / "lab"), LAB_PORT_OFFSET=str(OFFSET))
    assert done.returncode == 1
    expected = f"lab: {tmp_path}/file/lab/run: Not a directory: put the lab elsewhere with LAB_STATE\n"
    assert done.stderr == expected


@pytest.mark.parametrize("offset", ["x", "-10", "5", "10000", "9" * 5000])
def test_a_bad_offset_is_refused(monkeypatch, offset):
    monkeypatch.setenv("LAB_PORT_OFFSET", offset)
    with pytest.raises(LabError, match="LAB_PORT_OFFSET"):
        settings.from_environment()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's pods have users of their own")
def test_data_lies_outside_a_home_that_pods_users_cannot_enter(tmp_path):
    private = tmp_path / "home"
    private.mkdir(mode=0o700)
    found = layout.find(Settings(private / "checkout", private / "checkout" / ".lab"))
    assert found.data.parent == Path("/var/lib/chaos-gameday-lab")
    assert found.data != layout.find(Settings(private / "b", private / "b" / ".lab")).data


def test_a_path_too_long_for_a_socket_is_moved_or_refused(tmp_path):
    lab = Settings(CHECKOUT, tmp_path / ("x" * 90))
    if os.geteuid() == 0:
        assert layout.find(lab).data.parent == Path("/var/lib/chaos-gameday-lab")
    else:
        with pytest.raises(LabError, match="too long"):
            layout.find(lab)


def run_lab(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lab", *words]
    return subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def test_a_pid_file_tells_the_living_from_the_dead(tmp_path):
    path = tmp_path / "daemon.pid"
    assert pidfile.holder(path) is None
    path.write_text("1\n")
    assert pidfile.holder(path) is None
    descriptor = pidfile.hold(path)
    assert pidfile.holder(path) == os.getpid()
    with pytest.raises(LabError, match=f"pid {os.getpid()}"):
        pidfile.hold(path)
    os.close(descriptor)
    assert pidfile.holder(path) is None


@pytest.mark.parametrize("words", [["status"], ["env"], ["alerts"]])
def test_commands_that_need_a_lab_say_that_there_is_none(tmp_path, words):
    done = run_lab(*words, LAB_STATE=str(tmp_path / "none"), LAB_PORT_OFFSET=str(OFFSET))
    assert done.returncode == 1
    assert done.stderr == f"lab: the lab of {CHECKOUT} is not up: run `python -m lab up`\n"


def test_down_without_a_lab_is_no_error(tmp_path):
    done = run_lab("down", LAB_STATE=str(tmp_path / "none"), LAB_PORT_OFFSET=str(OFFSET))
    assert (done.returncode, done.stdout[:18]) == (0, "the lab was not up")
    assert not (tmp_path / "none").exists()
