"""How each attack of the table is carried out, and taken back."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from chaosext.kubernetes.aftermath import SAMPLES_FILE
from chaosext.result import FILE_NAME

from .proxy import PASS
from .site import Run

_FULL = "/dev/full"  # every write to it fails as one to a full disk does


def strike(run: Run, attack: str) -> None:
    """Do to a run what an attack of the table says."""
    if attack in _STRIKES:
        _STRIKES[attack](run)
        return
    server, mode = attack.split()
    getattr(run.site, server.lower()).behave(mode)


def lift(run: Run) -> None:
    """Let every server behave again."""
    for proxy in (run.site.grafana, run.site.prometheus, run.site.kubernetes):
        proxy.behave(PASS)


def _kill_runner(run: Run) -> None:
    run.runner.kill()


def _kill_all(run: Run) -> None:
    """End everything at once, as a container that goes does."""
    runner, watchdog = run.runner, run.watchdog
    for process in (watchdog, runner):
        process.kill()
    run.process.kill()


def _hang_up(run: Run) -> None:
    run.runner.send_signal(signal.SIGHUP)


def _to_all(number: signal.Signals) -> Callable[[Run], None]:
    """Send a signal to the whole process group, as a terminal and a CI job that runs out of time do."""
    return lambda run: os.killpg(run.process.pid, number)


def _fill_disk(run: Run) -> None:
    for name in (SAMPLES_FILE, "journal.json", FILE_NAME.replace(".json", ".partial"), "report.html"):
        path = run.folder / name
        path.unlink(missing_ok=True)
        path.symlink_to(_FULL)


def _run_another(run: Run) -> None:
    """Start a second run beside it, which must be refused."""
    second = run.site.copy.chaos(
        "gameday", "run", "--output", f"{run.reports}-second", str(run.site.copy.experiment("no-fault"))
    )
    assert second.returncode == 5, second.stderr
    assert f"of experiment {run.name} (by " in second.stderr
    assert "holds namespace 'ecommerce' since" in second.stderr


_STRIKES: dict[str, Callable[[Run], None]] = {
    "SIGKILL": _kill_runner,
    "SIGHUP": _hang_up,
    "SIGTERM": _to_all(signal.SIGTERM),
    "SIGINT": _to_all(signal.SIGINT),
    "SIGKILL with watchdog": _kill_all,
    "watchdog killed": lambda run: run.watchdog.kill(),
    "second run": _run_another,
    "disk full": _fill_disk,
}
