"""setup/test --target: a copy of it beside stubs for what it calls, which write down how they were called."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STUB = """#!{python} -IS
import json, os, sys
names = ("GAMEDAY_TARGET", "KUBECONFIG", "CHAOS_ENVIRONMENT")
call = {{"name": {name!r}, "words": sys.argv[1:], "folder": os.getcwd(),
         "environment": {{n: os.environ[n] for n in names if n in os.environ}}}}
with open({calls!r}, "a") as file:
    file.write(json.dumps(call) + "\\n")
sys.exit({code})
"""


class Checkout:
    """The scripts in a folder of their own; `env` of kind says what the test wants."""

    def __init__(self, folder: Path) -> None:
        self.root, self.calls_file = folder / "checkout", folder / "calls"
        (self.root / "setup" / "kind").mkdir(parents=True)
        for name in ("test", "lib.sh", "env"):
            shutil.copy(ROOT / "setup" / name, self.root / "setup")
        self.stub(self.root / "setup" / "install")
        self.stub(self.root / ".venv" / "bin" / "python")
        self.env("printf 'export %s=%s\\n' KUBECONFIG /of/kind CHAOS_ENVIRONMENT kind")

    def stub(self, path: Path, code: int = 0) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = STUB.format(python=sys.executable, name=path.name, calls=str(self.calls_file), code=code)
        path.write_text(text)
        path.chmod(0o755)

    def env(self, line: str) -> None:
        path = self.root / "setup" / "kind" / "env"
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.root / "setup" / "test"), *words],
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "KUBECONFIG": "/the/users/own"},
            capture_output=True, text=True, cwd="/", timeout=60, check=False,
        )  # fmt: skip

    def calls(self) -> list[dict]:
        if not self.calls_file.exists():
            return []
        return [json.loads(line) for line in self.calls_file.read_text().splitlines()]


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_the_environment_s_own_words_reach_pytest(checkout):
    done = checkout.run("--target", "kind", "-k", "payment")
    assert done.returncode == 0, done.stderr
    install, pytest_ = checkout.calls()
    assert (install["name"], install["words"]) == ("install", ["--dev", "--client"])
    assert pytest_["words"] == ["-m", "pytest", "-m", "not full", "-k", "payment"]
    assert pytest_["folder"] == str(checkout.root)
    assert pytest_["environment"] == {
        "GAMEDAY_TARGET": "kind",
        "KUBECONFIG": "/of/kind",
        "CHAOS_ENVIRONMENT": "kind",
    }


def test_its_exit_code_is_pytest_s(checkout):
    checkout.stub(checkout.root / ".venv" / "bin" / "python", code=1)
    assert checkout.run("--target", "kind").returncode == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "test: --target needs the environment's name: kind, gke or existing"),
        (("lab",), "test: the lab is what setup/test tests without --target"),
        (("moon",), "setup/env: unknown environment 'moon': there are lab, kind, gke and existing"),
    ],
)
def test_a_wrong_name_is_one_clear_line_and_no_test(checkout, words, said):
    done = checkout.run("--target", *words)
    assert (done.returncode, done.stderr) == (2, f"{said}\n")
    assert [call for call in checkout.calls() if call["name"] == "python"] == []


def test_an_environment_that_is_down_says_so_and_is_not_tested(checkout):
    """The user's own KUBECONFIG must not pass for the environment's."""
    checkout.env('echo "env: no kind environment is up: run setup/up kind first" >&2; exit 2')
    done = checkout.run("--target", "kind")
    assert (done.returncode, done.stderr) == (2, "env: no kind environment is up: run setup/up kind first\n")
    assert [call for call in checkout.calls() if call["name"] == "python"] == []
