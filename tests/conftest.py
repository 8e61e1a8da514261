"""What tests of several parts share: the running lab, and one game day on it.

The day takes ten minutes, most of them waiting, so it begins at once beside the tests that need neither it nor
the lab; those come first. The rest of the lab's tests come after it: one experiment at a time is the rule.

With GAMEDAY_TARGET (setup/test --target), the lab is whatever environment KUBECONFIG, GRAFANA_URL,
GRAFANA_TOKEN and CHAOS_ENVIRONMENT name; it is neither started nor ended, and only the tests that fit any
environment are run.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chaosext.environment import load_windows
from chaosext.result import Verification, read
from lab import settings

from .browser import REMEDY, Browser, missing, started

CHECKOUT = Path(__file__).parents[1]
UP_SECONDS = 120
TARGET = os.environ.get("GAMEDAY_TARGET", "")
BROWSER_REQUIRED = os.environ.get("BROWSER_REQUIRED", "")
WINDOW = load_windows(
    CHECKOUT / "manifests" / "windows.yaml", os.environ["CHAOS_ENVIRONMENT"] if TARGET else "lab"
).short_window_seconds
# What experiments wait for is stated in windows.
DAY_SECONDS = 150 * WINDOW
EXPERIMENTS = sorted(path.stem for path in (CHECKOUT / "experiments").glob("*.json"))
# Asks the lab for namespaces of its own, which no experiment touches.
BESIDE_THE_DAY = ("tests/conformance/",)
ANY_ENVIRONMENT = (*BESIDE_THE_DAY, "tests/test_gameday.py::")


@dataclass(frozen=True)
class Lab:
    """A lab that is up, or the target: where its APIs are and how to be let in."""

    kubeconfig: Path
    grafana_url: str
    prometheus_url: str  # empty for a target, whose Prometheus is asked through Grafana
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


class Day:
    """A game day by the committed plan: every experiment once, in a process of its own."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.folder = folder
        self.log = folder.with_suffix(".log")
        chaos = str(Path(sys.executable).parent / "chaos")
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [chaos, "--no-version-check", "gameday", "run", "--output", str(folder)],
                cwd=CHECKOUT,
                env={**lab.env, "HOME": str(folder.parent)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> int:
        """Wait for its end and return its exit code."""
        return self._process.wait(DAY_SECONDS)

    def results(self) -> dict[str, Verification]:
        """Return what became of each experiment, by its name."""
        found = [read(path.parent) for path in sorted(self.folder.glob("*/verification.json"))]
        return {verification.experiment: verification for verification in found}

    def report(self, experiment: str) -> Path:
        """Return the folder of an experiment's report."""
        (folder,) = self.folder.glob(f"*-{experiment}")
        return folder

    def stop(self) -> None:
        """End it as Ctrl-C would, if it has not ended: it rolls back."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(90)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


class World:
    """The session's lab and its day, each begun when first needed, and ended with the session."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lab: Lab | None = None
        self._was_up = True
        self._day: Day | None = None

    def lab(self) -> Lab:
        """Return the checkout's lab with the shop in it, brought up if it is not; or the target."""
        if self._lab is None and TARGET:
            self._lab = _described(os.environ, "")
        if self._lab is None:
            self._was_up = command("status").returncode == 0
            up = command("up", "--timeout", str(UP_SECONDS))
            assert up.returncode == 0, up.stdout + up.stderr
            self._lab = _describe(command("env").stdout)
        return self._lab

    def day(self) -> Day:
        """Return the game day, begun if it has not."""
        if self._day is None:
            self._day = Day(self.lab(), self._folder / "gameday")
        return self._day

    def end(self) -> None:
        """End the day if it still lasts, and take the lab down if it was not up before."""
        if self._day is not None:
            self._day.stop()
        if not self._was_up:
            command("down")


_WORLD = pytest.StashKey[World]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the tests that need the lab last, those of the day first among them; of a target's, only those."""
    items.sort(key=_order)
    if TARGET:
        config.hook.pytest_deselected(items=[i for i in items if not i.nodeid.startswith(ANY_ENVIRONMENT)])
        items[:] = [item for item in items if item.nodeid.startswith(ANY_ENVIRONMENT)]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin the game day before the first test, if some test will ask for it."""
    if not session.config.option.collectonly and any("day" in _fixtures(item) for item in session.items):
        _world(session.config).day()
        # The shop answers in time while these tests use what it leaves of the machine: pods run at nice 5.
        os.nice(10)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End what the session began."""
    world = session.config.stash.get(_WORLD, None)
    if world is not None:
        world.end()


def _world(config: pytest.Config) -> World:
    world = config.stash.get(_WORLD, None)
    if world is None:
        factory: pytest.TempPathFactory = config._tmp_path_factory  # type: ignore[attr-defined]
        world = config.stash[_WORLD] = World(factory.mktemp("world"))
    return world


def _order(item: pytest.Item) -> int:
    if item.nodeid.startswith(BESIDE_THE_DAY):
        return 1
    names = _fixtures(item)
    return 2 if "day" in names else 3 if "lab" in names else 0


def _fixtures(item: pytest.Item) -> list[str]:
    return getattr(item, "fixturenames", [])


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest) -> Lab:
    """Return the checkout's lab with the shop in it."""
    return _world(request.config).lab()


@pytest.fixture(scope="session")
def day(request: pytest.FixtureRequest) -> Day:
    """Return the session's game day, over: see Day.results."""
    day = _world(request.config).day()
    code = day.wait()
    assert code in range(6), day.log.read_text(errors="replace")[-3000:]
    return day


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return the session's browser; without one the test is skipped, or fails when setup/test runs it."""
    if (why := missing()) is not None:
        if BROWSER_REQUIRED:
            pytest.fail(f"{why}, and BROWSER_REQUIRED is set: {REMEDY}", pytrace=False)
        pytest.skip(f"{why}: {REMEDY}")
    with started(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


def _describe(exports: str) -> Lab:
    lines = [shlex.split(line)[1] for line in exports.splitlines()]  # export NAME=VALUE, quoted for a shell
    words = dict(line.split("=", 1) for line in lines)
    prometheus = f"http://{settings.HOST}:{settings.from_environment().ports.prometheus}"
    return _described({**os.environ, **words}, prometheus)


def _described(environment: Mapping[str, str], prometheus_url: str) -> Lab:
    return Lab(
        kubeconfig=Path(environment["KUBECONFIG"]),
        grafana_url=environment["GRAFANA_URL"],
        grafana_token=environment["GRAFANA_TOKEN"],
        prometheus_url=prometheus_url,
        env=dict(environment),
    )
