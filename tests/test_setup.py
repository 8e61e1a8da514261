"""The entry points, as far as they can be tried without changing this machine."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*words: str, path: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        env={"PATH": path or os.environ["PATH"], "HOME": "/nonexistent", **environment},
        capture_output=True,
        text=True,
        cwd="/",
        timeout=60,
        check=False,
    )


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.fixture
def tools(tmp_path):
    """A PATH without sudo, on a machine without packages, for a user who is not root; tests add to it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bash", "basename", "dirname", "stat", "readlink", "sha256sum", "cut", "cat", "mktemp", "env"):
        (folder / name).symlink_to(shutil.which(name))
    write(folder / "id", "echo 1000")
    write(folder / "dpkg-query", "exit 1")
    return folder


def write(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run"], "run: which experiment? For example: setup/run experiments/payment.json"),
        (["run", "experiments/nothing.json"], "run: experiments/nothing.json: no such experiment"),
        (["up", "moon"], "up: unknown environment 'moon': there are lab, kind, gke and existing"),
        (["down", "moon"], "down: unknown environment 'moon': there are lab, kind, gke and existing"),
    ],
)
def test_a_wrong_word_is_one_clear_line(words, said):
    assert one_line(run(str(ROOT / "setup" / words[0]), *words[1:])) == said


def test_missing_packages_without_root_are_named(tools):
    said = one_line(run(str(ROOT / "setup" / "packages"), path=str(tools)))
    assert said.startswith(
        "packages: missing packages, and no root: as root, run: apt-get install python3-venv "
    )
    assert "prometheus-blackbox-exporter" in said


def test_a_system_without_dpkg_is_named(tools):
    (tools / "dpkg-query").unlink()
    assert "this is not Debian or Ubuntu" in one_line(run(str(ROOT / "setup" / "packages"), path=str(tools)))


def test_a_python_too_old_is_named(tools):
    write(tools / "dpkg-query", "echo installed")
    write(tools / "old", 'test "$1" = --version && echo "Python 3.9.2"')
    said = one_line(run(str(ROOT / "setup" / "install"), path=str(tools), CHAOS_PYTHON="old"))
    assert said.startswith("install: Python 3.11 or newer is needed, and Python 3.9.2 is here: use Debian 12")


def test_installing_again_does_nothing():
    """The tests run in what setup/test installed, so it is there, and as the lock says."""
    done = run(str(ROOT / "setup" / "install"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_env_without_a_lab_says_so_and_leaves_the_shell_alone(tmp_path):
    script = f"source {ROOT}/setup/env; echo code=$? url=${{GRAFANA_URL:-none}}; echo shell goes on"
    # Whatever token the shell had before is no sign of success.
    done = run("bash", "-c", script, LAB_STATE=str(tmp_path / "lab"), GRAFANA_TOKEN="another")
    assert done.stdout == "code=1 url=none\nshell goes on\n"
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_names_versions_and_hashes_and_no_registry(lock):
    text = (ROOT / lock).read_text()
    assert "--hash=sha256:" in text
    assert "://" not in text
    assert "--index-url" not in text


def test_the_short_lock_is_part_of_the_long_one():
    short, long = (pins(ROOT / name) for name in ("requirements.lock", "requirements-dev.lock"))
    # A package that more others ask for may be wanted on more platforms.
    assert {pin.split(" ;")[0] for pin in short} <= {pin.split(" ;")[0] for pin in long}
    assert "chaostoolkit==1.19.0 ; python_full_version < '3.12'" in short


def pins(path: Path) -> set[str]:
    return {line.rstrip(" \\") for line in path.read_text().splitlines() if line and line[0] not in " #"}


def test_the_interpreter_is_one_that_pods_users_can_run():
    if os.geteuid() == 0:
        for folder in Path(sys.executable).resolve().parents:
            assert folder.stat().st_mode & 0o001, f"{folder} is closed to other users"
