"""``python -m lab up``: starts the daemon, applies the shop, and waits until data flows."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab import checks, layout, leftovers, pidfile, readiness
from lab.errors import LabError
from lab.layout import Layout
from lab.node.logreader import Cursor
from lab.settings import Settings
from lab.status import running_lab

Object = dict[str, Any]
_PAUSE_SECONDS = 0.1
_SHOWN_LINES = 10
_MANY_RESTARTS = 3  # a component that was started so often will not come up


class Steps:
    """Prints what was done and when, and knows the deadline of it all."""

    def __init__(self, seconds: float) -> None:
        self._began = time.monotonic()
        self._seconds = seconds

    def say(self, text: str) -> None:
        """Print a step with the seconds since the start."""
        print(f"{time.monotonic() - self._began:6.1f} s  {text}", flush=True)

    @property
    def left(self) -> float:
        """Return the seconds until the deadline."""
        return max(0.0, self._began + self._seconds - time.monotonic())

    def wait(self, missing: Callable[[], str]) -> None:
        """Ask until nothing is missing.

        :raises LabError: the time is over; it says what was missing last.
        """
        while text := missing():
            if not self.left:
                raise LabError(f"not ready within {self._seconds:.0f} s: {text}")
            time.sleep(_PAUSE_SECONDS)


def up(settings: Settings, seconds: float, *, apply: bool) -> None:
    """Bring the lab up; when it is up, heal what is missing and say so.

    :raises LabError: it cannot start, or is not ready within the given seconds.
    """
    places = layout.find(settings)
    steps = Steps(seconds)
    # Two at once must not take each other's processes for leftovers.
    with pidfile.turn(places.run / "up.lock"):
        pid = pidfile.holder(places.pid_file)
        if pid is None:
            ended = leftovers.end(places)
            if ended:
                steps.say(f"{ended} processes of a crashed lab ended")
            checks.check(settings, places)
            pid = _start(settings, places, steps)
            steps.say(f"the daemon runs (pid {pid})")
        else:
            steps.say(f"the lab is already up (pid {pid})")
    steps.wait(lambda: _components_missing(settings, places))
    steps.say("all components answer")
    if not apply:
        return
    steps.say(_apply(settings, places, steps.left))
    steps.wait(lambda: readiness.rollouts_missing(settings))
    steps.say("all Deployments are rolled out")
    steps.wait(lambda: readiness.targets_missing(settings))
    steps.say("all targets and checks are up")
    steps.wait(lambda: readiness.data_missing(settings))
    steps.say(f"data flows; the storefront is {readiness.storefront(settings)}")


def _start(settings: Settings, places: Layout, steps: Steps) -> int:
    """Start the daemon in a session of its own and return its pid once it holds its pid file."""
    places.log.mkdir(parents=True, exist_ok=True)
    places.state.chmod(0o711)
    places.log.chmod(0o700)
    package = Path(__file__).resolve().parents[1]
    out = places.log / "daemon.out"
    with out.open("wb") as output:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "lab.daemon"],
            cwd=settings.checkout,
            env={**os.environ, "PYTHONPATH": str(package), "LAB_STATE": str(settings.state)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def missing() -> str:
        if daemon.poll() is not None:
            raise LabError(f"the daemon ended at its start:\n{_tail(out) or _tail(places.log / 'daemon.log')}")
        return "" if pidfile.holder(places.pid_file) and running_lab(settings.ports.internal) else "the daemon"

    steps.wait(missing)
    return daemon.pid


def _components_missing(settings: Settings, places: Layout) -> str:
    found = running_lab(settings.ports.internal)
    if found is None:
        if pidfile.holder(places.pid_file) is None:
            raise LabError(f"the daemon ended:\n{_tail(places.log / 'daemon.out')}")
        return "the daemon does not answer"
    waiting = [entry for entry in found["components"] if not entry["ready"]]
    for entry in waiting:
        if entry["restarts"] >= _MANY_RESTARTS:
            tail = _tail(places.log / f"{entry['name']}.log")
            raise LabError(f"{entry['name']} does not come up ({entry['reason']}); its last lines:\n{tail}")
    return ", ".join(f"{entry['name']} ({entry['reason'] or 'starting'})" for entry in waiting)


def _apply(settings: Settings, places: Layout, seconds: float) -> str:
    """Apply the shop as its users do, and say what that changed.

    Client-side apply, because app.yaml's first line tells users the same: `kubectl apply` without
    --server-side then finds its annotation and warns of nothing.
    """
    manifest = settings.manifests / "app.yaml"
    environment = {**os.environ, "KUBECONFIG": str(places.kubeconfig), "KUBECACHEDIR": str(places.kube_cache)}
    command = [str(checks.kubectl()), "apply", "-f", str(manifest)]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        raise LabError(f"kubectl apply -f {manifest} does not end in time") from None
    if done.returncode:
        raise LabError(f"kubectl apply -f {manifest} failed: {done.stderr.strip().rpartition(chr(10))[2]}")
    verbs = [line.rsplit(" ", 1)[-1] for line in done.stdout.splitlines()]
    counts = [f"{verbs.count(verb)} {verb}" for verb in ("created", "configured", "unchanged") if verb in verbs]
    return f"applied {manifest.name}: {', '.join(counts)}"


def _tail(path: Path) -> str:
    return "\n".join(f"  {entry.text}" for entry in Cursor(path).read()[-_SHOWN_LINES:])
