"""What tests of several parts share: the running lab."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab import settings

CHECKOUT = Path(__file__).parents[1]
UP_SECONDS = 120


@dataclass(frozen=True)
class Lab:
    """A lab that is up: where its APIs are and how to be let in."""

    kubeconfig: Path
    grafana_url: str
    prometheus_url: str
    # No secret in a failed assertion.
    grafana_token: str = field(repr=False)
    env: dict[str, str] = field(repr=False)  # the whole environment for a program that uses the lab

    def run(self, *words: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a program of the virtual environment (kubectl, chaos...) against the lab."""
        program = str(Path(sys.executable).parent / words[0])
        return subprocess.run(
            [program, *words[1:]],
            env=self.env,
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )


def command(*words: str) -> subprocess.CompletedProcess[str]:
    """Run one command of the lab's own command line."""
    return subprocess.run(
        [sys.executable, "-m", "lab", *words],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=UP_SECONDS + 30,
        check=False,
    )


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Yield the checkout's lab with the shop in it, brought up if it is not; taken down if it was not."""
    was_up = command("status").returncode == 0
    up = command("up", "--timeout", str(UP_SECONDS))
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        yield _describe(command("env").stdout)
    finally:
        if not was_up:
            command("down")


def _describe(exports: str) -> Lab:
    lines = [shlex.split(line)[1] for line in exports.splitlines()]  # export NAME=VALUE, quoted for a shell
    words = dict(line.split("=", 1) for line in lines)
    return Lab(
        kubeconfig=Path(words["KUBECONFIG"]),
        grafana_url=words["GRAFANA_URL"],
        grafana_token=words["GRAFANA_TOKEN"],
        prometheus_url=f"http://{settings.HOST}:{settings.from_environment().ports.prometheus}",
        env={**os.environ, **words},
    )
