"""A checkout of its own for the scripts of setup/gke, on a PATH where the clouds' programs are stand-ins."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
STAND_IN = Path(__file__).with_name("stand_in.py")
STAND_INS = ("terraform", "gcloud", "gke-gcloud-auth-plugin", "kubectl", "docker", "curl")
REAL = ("bash", "basename", "cat", "cut", "dirname", "grep", "mkdir", "rm", "sed", "sleep", "sort")
SECRETS = {
    "GRAFANA_CLOUD_ACCESS_POLICY_TOKEN": "policy-token-of-the-test",
    "SLACK_WEBHOOK_URL": "https://slack.example/webhook-of-the-test",
    "SLACK_TOKEN": "xoxb-token-of-the-test",
}


class Checkout:
    """The scripts in a folder of their own, the stand-ins' memory, and what was called."""

    def __init__(self, folder: Path) -> None:
        self.root, self.bin = folder / "checkout", folder / "bin"
        self.state, self.memory = self.root / "setup/gke/.state", folder / "memory"
        self.bin.mkdir()
        self.memory.mkdir()
        shutil.copytree(
            ROOT / "setup/gke",
            self.root / "setup/gke",
            ignore=shutil.ignore_patterns(".terraform", ".state", "*.tfvars"),
        )
        shutil.copy(ROOT / "setup/lib.sh", self.root / "setup")
        (self.root / "manifests").symlink_to(ROOT / "manifests")
        (self.root / "setup/gke/terraform.tfvars").write_text("")
        self.program(self.root / "setup/install", "exit 0")
        (self.root / ".venv/bin").mkdir(parents=True)
        for path in [self.root / ".venv/bin/python", *(self.bin / name for name in STAND_INS)]:
            self.program(path, f'exec {sys.executable} -I -S {STAND_IN} {path.name} "$@"')
        for name in REAL:
            (self.bin / name).symlink_to(shutil.which(name) or f"/usr/bin/{name}")
        (self.bin / "python3").symlink_to(Path(sys.executable).resolve())
        self.remember(enabled=False, made=False)

    @staticmethod
    def program(path: Path, line: str) -> None:
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)

    def remember(self, **facts: Any) -> None:
        """Tell the stand-ins what is so: `made`, `enabled`, `fail` (a call's beginning), and more."""
        path = self.memory / "facts.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(known | facts))

    def facts(self) -> dict[str, Any]:
        return json.loads((self.memory / "facts.json").read_text())

    def run(
        self, *words: str, answer: str | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a script to its end; `answer` is typed at a terminal, which it has only then."""
        env = {
            "PATH": str(self.bin), "HOME": str(self.memory), "MEMORY": str(self.memory),
            "GKE_POLL_SECONDS": "0", "GKE_POLICY_SECONDS": "600", "GKE_SLI_SECONDS": "600",
            **SECRETS, **environment,
        }  # fmt: skip
        env = {name: value for name, value in env.items() if value}
        script = str(self.root / "setup/gke" / words[0])
        with _terminal(answer) as typed:
            return subprocess.run(
                [script, *words[1:]],
                env=env,
                stdin=typed,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
                cwd="/",
            )

    def calls(self, *, forget: bool = False) -> list[dict[str, Any]]:
        """Return what was called so far: argv, standard input, and the environment's names that matter."""
        path = self.memory / "calls.jsonl"
        found = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        if forget and path.exists():
            path.unlink()
        return found

    def lines(self, *, forget: bool = False) -> list[str]:
        """Return the command lines of what was called."""
        return [" ".join(call["argv"]) for call in self.calls(forget=forget)]


class _terminal:  # noqa: N801 - reads as a verb
    """The standard input of a script: a terminal where an answer is typed, or nothing."""

    def __init__(self, answer: str | None) -> None:
        self.answer = answer
        self.ends: list[int] = []

    def __enter__(self) -> int:
        if self.answer is None:
            return subprocess.DEVNULL
        self.ends = list(pty.openpty())
        os.write(self.ends[0], f"{self.answer}\n".encode())
        return self.ends[1]

    def __exit__(self, *_: object) -> None:
        for end in self.ends:
            os.close(end)


def order(lines, *beginnings):
    """Return the places of the first lines that begin so, other lines between them allowed."""
    found = [
        next((i for i, line in enumerate(lines) if begins in line), f"no {begins}") for begins in beginnings
    ]
    assert all(isinstance(place, int) for place in found), (found, lines)
    return found


def said(done, code=2):
    """Return the last line of what a script that failed said."""
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stderr.strip().splitlines()[-1]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout where nothing was made yet."""
    return Checkout(tmp_path)


@pytest.fixture
def made(checkout: Checkout) -> Checkout:
    """A checkout where everything was made."""
    checkout.remember(made=True, enabled=True, namespace=True)
    checkout.state.mkdir()
    (checkout.state / "kubeconfig").write_text("kubeconfig of gameday")
    return checkout


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, subprocess.CompletedProcess[str]]:
    """A checkout whose `up` has run, and what it printed; for tests that only look."""
    checkout = Checkout(tmp_path_factory.mktemp("up"))
    return checkout, checkout.run("up", "--yes")
