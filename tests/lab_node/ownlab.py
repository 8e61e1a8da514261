"""A lab beside any other, for tests that break it."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import leftovers, status
from lab.node import procfs
from lab.settings import Settings, record_offset, recorded_offset

CHECKOUT = Path(__file__).parents[2]
SUPERVISED = (
    "prometheus",
    "alertmanager",
    "blackbox",
    "postgres-exporter",
    "redis-exporter",
    "loki",
    "tempo",
)
# Patience for a machine that does twenty other things; an idle one needs seconds.
PATIENCE_SECONDS = 120.0
COMMAND_SECONDS = 300.0
# Apart from a user's labs, and from those of other processes that test at the same time.
_FIRST_OFFSET = 1000 + os.getpid() % 180 * 10


def until(condition: Callable[[], object], seconds: float):
    """Wait until a condition gives something true, and return that."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)
    return result


class OwnLab:
    """A lab with a state folder of its own, and the ports that it chooses from this process' own on."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.mark = leftovers.mark_of(state)
        self._started: list[subprocess.Popen[str]] = []
        self.env = {name: value for name, value in os.environ.items() if name != "LAB_PORT_OFFSET"}
        self.env["LAB_STATE"] = str(state)
        record_offset(Settings(CHECKOUT, state, _FIRST_OFFSET))

    @property
    def settings(self) -> Settings:
        """Return the lab as its last `up` made it; before it, and after a purge, as it will first try to."""
        return Settings(CHECKOUT, self.state, recorded_offset(self.state) or _FIRST_OFFSET)

    def use_copy(self) -> Path:
        """Run a copy of the checkout from now on, whose files a test may change; return its folder."""
        checkout = self.state / "checkout"
        for name in ("manifests", "setup"):
            shutil.copytree(CHECKOUT / name, checkout / name)
        self.env["PYTHONPATH"] = str(checkout / "setup")
        return checkout

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "lab", *words]
        return subprocess.run(
            command, env=self.env, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
        )

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Start a command, with its signals as a terminal gives them, and go on; it ends with the lab."""
        process = subprocess.Popen(
            [sys.executable, "-m", "lab", *words],
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Started from a script's background, all of this ignores SIGINT.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 -- no threads here
        )
        self._started.append(process)
        return process

    def end_started(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()

    def query(self, expression: str, at: float | None = None) -> list[tuple[dict[str, str], float]]:
        """Return the labels and values that Prometheus answers with; none while it does not answer."""
        words = {"query": expression, **({} if at is None else {"time": str(at)})}
        url = f"http://127.0.0.1:{self.settings.ports.prometheus}/api/v1/query?{urllib.parse.urlencode(words)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                found = json.load(answer)["data"]["result"]
        except OSError:
            return []
        return [(series["metric"], float(series["value"][1])) for series in found]

    def kubectl(self, *words: str, stdin: str = "") -> str:
        env = {**self.env, "KUBECONFIG": str(self.state / "kubeconfig"), "KUBECACHEDIR": str(self.state / "kc")}
        program = str(Path(sys.executable).parent / "kubectl")
        done = subprocess.run(
            [program, *words], env=env, input=stdin, capture_output=True, text=True, check=True
        )
        return done.stdout

    @property
    def daemon(self) -> int:
        return int((self.state / "run" / "daemon.pid").read_text())

    def status(self) -> dict:
        """Return the daemon's status; asked of itself, as the command line does."""
        return self.until(lambda: status.find_own(self.settings))

    def component(self, name: str) -> dict:
        return next(entry for entry in self.status()["components"] if entry["name"] == name)

    def all_ready(self) -> bool:
        return all(entry["ready"] for entry in self.status()["components"])

    def until(self, condition: Callable[[], object], seconds: float = PATIENCE_SECONDS):
        return until(condition, seconds)

    def ports_free(self) -> bool:
        for port in self.settings.ports.named().values():
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return False
        return True


@contextlib.contextmanager
def apart() -> Iterator[OwnLab]:
    """Give a lab that is not up yet, and take it away whatever has happened."""
    state = Path(tempfile.mkdtemp(dir="/tmp", prefix="lab-"))
    state.chmod(0o755)
    lab = OwnLab(state)
    try:
        yield lab
    finally:
        lab.end_started()
        lab("down", "--purge")
        shutil.rmtree(state, ignore_errors=True)
        assert not procfs.marked(lab.mark)


@pytest.fixture
def own_lab():
    with apart() as lab:
        yield lab


@pytest.fixture
def two_labs():
    """Two checkouts' labs whose users chose no ports."""
    with apart() as first, apart() as second:
        yield first, second
