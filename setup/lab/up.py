"""``python -m lab up``: starts the daemon, applies the shop, and waits until data flows."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from lab import checks, down, layout, pidfile, presence, readiness, start
from lab.errors import LabError
from lab.layout import Layout
from lab.node.logreader import Cursor
from lab.settings import HOST, Settings
from lab.start import FIRST_WORDS, LAST_WORDS, Steps
from lab.status import find_own

Object = dict[str, Any]
_SHOWN_LINES = 10
_MANY_RESTARTS = 3  # a component that was started so often will not come up


def up(settings: Settings, seconds: float, *, apply: bool) -> None:
    """Bring the lab up; when it is up, heal what is missing and say so.

    Interrupted, it ends what it has started; a lab that was up before stays.

    :raises LabError: it cannot start, is not ready within the given seconds, or was taken down meanwhile.
    """
    places = layout.find(settings)
    steps = Steps(seconds)
    # Two at once must not take each other's processes for leftovers.
    with pidfile.turn(places.turn_file):
        pid = pidfile.holder(places.pid_file)
        started = pid is None
        if pid is None:
            lab, pid = start.bring_up(settings, places, steps)
        else:
            lab = start.at_its_ports(settings)
            if hung := presence.hang(lab, places, pid):
                raise LabError(f"{hung}: end it with `python -m lab down`")
            steps.say(f"the lab is already up (pid {pid})")
    try:
        _complete(lab, places, steps, apply=apply)
    except LabError:
        if ended := _how_it_ended(places, pid):
            raise LabError(ended) from None
        raise
    except KeyboardInterrupt:
        if started:
            # A second Ctrl-C must not leave half of it behind.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            steps.say("interrupted: what was started is ended")
            down.down(lab, purge=False)
        raise


def _complete(lab: Settings, places: Layout, steps: Steps, *, apply: bool) -> None:
    """Wait for the components, apply the shop, wait until data flows."""
    steps.wait(lambda: _components_missing(lab, places))
    steps.say("all components answer")
    if not apply:
        return
    steps.say(_apply(lab, places, steps.left))
    steps.wait(lambda: readiness.rollouts_missing(lab))
    steps.say("all Deployments are rolled out")
    steps.wait(lambda: readiness.targets_missing(lab))
    steps.say("all targets and checks are up")
    steps.wait(lambda: readiness.data_missing(lab))
    steps.say(f"data flows; the storefront is {readiness.storefront(lab)}")
    steps.say(f"the dashboards are at http://{HOST}:{lab.ports.grafana}")


def _how_it_ended(places: Layout, pid: int) -> str:
    """Say that the daemon was taken down, or how it ended; empty while it runs on."""
    # Its last words come before anything of it is gone, and are followed by those of what it ends.
    lines = [entry.text for entry in Cursor(places.log / "daemon.log").read()]
    words = [line.rpartition("lab: ")[2] for line in lines]
    if LAST_WORDS in words[_last(FIRST_WORDS, words) :] or not lines:
        return "the lab was taken down while it came up"
    if pidfile.holder(places.pid_file) == pid:
        return ""
    return "\n  ".join(
        [f"the daemon (pid {pid}) ended while the lab came up; its last lines:", *lines[-_SHOWN_LINES:]]
    )


def _last(word: str, words: list[str]) -> int:
    """Return where a word stands for the last time; 0 when nowhere."""
    return max((index for index, other in enumerate(words) if other == word), default=0)


def _components_missing(settings: Settings, places: Layout) -> str:
    found = find_own(settings)
    if found is None:
        if pidfile.holder(places.pid_file) is None:
            raise LabError("the daemon ended")
        return "the daemon does not answer"
    waiting = [entry for entry in found["components"] if not entry["ready"]]
    for entry in waiting:
        if entry["restarts"] >= _MANY_RESTARTS:
            tail = _tail(places.component_log(entry["name"]))
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
