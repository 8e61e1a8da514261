"""``python -m lab down``: ends everything that the lab started."""

import os
import signal
import time
from collections.abc import Callable

from lab import layout, leftovers, pidfile, presence
from lab.checks import can_bind
from lab.errors import LabError
from lab.layout import Layout
from lab.settings import HOST, Settings

_STOP_SECONDS = 15.0
_PORT_SECONDS = 5.0
_PAUSE_SECONDS = 0.02


def down(settings: Settings, *, purge: bool) -> None:
    """End the daemon and all that it started, also what a crashed one left; with ``purge`` remove all state.

    :raises LabError: the daemon is another user's, or a port stays in use.
    """
    places = layout.find(settings)
    began = time.monotonic()
    if not places.state.exists():
        was_up, left = False, leftovers.end(places)
    else:
        # An `up` that starts the daemon this moment is waited for: what it starts must not escape.
        with pidfile.turn(places.turn_file):
            was_up, left = _end(settings, places)
            if purge:
                layout.purge(places)
    what = "the lab is down" if was_up else "the lab was not up"
    rest = f"; {left} processes of a crashed lab ended" if left else ""
    state = "; all state removed" if purge else ""
    print(f"{what}{rest}{state} ({time.monotonic() - began:.1f} s)")


def _end(settings: Settings, places: Layout) -> tuple[bool, int]:
    """Return whether there was a daemon, be it a crashed one, and how many processes it left."""
    pid = pidfile.holder(places.pid_file)
    trouble = presence.crash(places) if pid is None else presence.hang(settings, places, pid)
    if trouble:
        print(trouble, flush=True)
    if pid is not None:
        _stop(pid, lambda: pidfile.holder(places.pid_file) is None)
    left = leftovers.end(places)
    if pid is not None:
        _await_ports(settings.recorded())
    # Told once: whoever asks next asks after a lab that is down.
    places.pid_file.unlink(missing_ok=True)
    return pid is not None or bool(trouble), left


def _stop(pid: int, gone: Callable[[], bool]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, number)
        except PermissionError:
            raise LabError(
                f"the lab's daemon (pid {pid}) belongs to another user: let that user take it down"
            ) from None
        except ProcessLookupError:
            return
        deadline = time.monotonic() + _STOP_SECONDS
        while time.monotonic() < deadline:
            if gone():
                return
            time.sleep(_PAUSE_SECONDS)
    raise LabError(f"the lab's daemon (pid {pid}) does not end")


def _await_ports(settings: Settings) -> None:
    """Wait until the ended lab's ports are free."""
    deadline = time.monotonic() + _PORT_SECONDS
    for name, port in settings.ports.named().items():
        while not can_bind(HOST, port):
            if time.monotonic() > deadline:
                raise LabError(f"port {port} ({name}) is still in use")
            time.sleep(_PAUSE_SECONDS)
