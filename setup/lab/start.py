"""Starts the daemon: clears what a crash left, takes ports that are free, waits until it answers."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from lab import checks, leftovers, offsets, presence
from lab.errors import PORT_TAKEN, LabError, PortTaken
from lab.layout import Layout
from lab.settings import Settings, record_offset
from lab.status import find_own

# What the daemon logs when all is started, and before it ends anything.
FIRST_WORDS, LAST_WORDS = "the lab runs", "the lab ends"
_PAUSE_SECONDS = 0.1
_STOP_SECONDS = 15.0
_SHOWN_LINES = 10


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


def at_its_ports(settings: Settings) -> Settings:
    """Return the lab that runs, at the ports that it has.

    :raises LabError: the user chose others.
    """
    lab = settings.recorded()
    if settings.chosen and lab.offset != settings.offset:
        raise LabError(
            f"the lab is up at port offset {lab.offset}, and LAB_PORT_OFFSET asks for {settings.offset}: "
            "take it down first (python -m lab down)"
        )
    return lab


def bring_up(settings: Settings, places: Layout, steps: Steps) -> tuple[Settings, int]:
    """Clear what a crashed lab left, choose the ports, and start the daemon; return the lab and its pid."""
    if crash := presence.crash(places):
        steps.say(crash)
    ended = leftovers.end(places)
    if ended:
        steps.say(f"{ended} processes of a crashed lab ended")
    # What the last daemon wrote into it must not pass for the next one's pid.
    places.pid_file.unlink(missing_ok=True)
    checks.check(places)
    if not settings.chosen:
        settings = settings.recorded()  # another `up` may have written it since
    while True:
        lab = offsets.choose(settings, steps.say)
        record_offset(lab)
        try:
            pid = _start(lab, places, steps)
        except PortTaken:
            if settings.chosen:
                raise
            continue
        where = f" at port offset {lab.offset}" if lab.offset else ""
        steps.say(f"the daemon runs{where} (pid {pid})")
        return lab, pid


def _start(settings: Settings, places: Layout, steps: Steps) -> int:
    """Start the daemon in a session of its own and return its pid once it answers.

    :raises PortTaken: another lab was faster.
    :raises LabError: it ended for another reason.
    """
    places.log.mkdir(parents=True, exist_ok=True)
    places.state.chmod(0o711)
    places.log.chmod(0o700)
    own = {
        "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
        "LAB_STATE": str(settings.state),
        "LAB_PORT_OFFSET": str(settings.offset),
    }
    out = places.log / "daemon.out"
    with out.open("wb") as output:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "lab.daemon"],
            cwd=settings.checkout,
            env={**os.environ, **own},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def missing() -> str:
        if daemon.poll() is not None:
            raise _not_started(daemon.returncode, out.read_text(encoding="utf-8", errors="replace").strip())
        return "" if find_own(settings) else "the daemon"

    try:
        steps.wait(missing)
    except BaseException:
        _end(daemon)
        raise
    return daemon.pid


def _not_started(code: int, said: str) -> LabError:
    """Return why the daemon ended at its start: its own line, or the last ones of what went wrong in it."""
    if code == PORT_TAKEN:
        return PortTaken(said.removeprefix("lab: "))
    if said.startswith("lab: ") and "\n" not in said:
        return LabError(f"the daemon cannot start: {said.removeprefix('lab: ')}")
    lines = said.splitlines()[-_SHOWN_LINES:]
    return LabError("\n  ".join([f"the daemon ended at its start with exit code {code}:", *lines]))


def _end(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    try:
        daemon.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()
