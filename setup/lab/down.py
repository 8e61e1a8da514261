"""``python -m lab down``: ends everything that the lab started."""

import os
import signal
import time
from collections.abc import Callable

from lab import layout, leftovers, pidfile
from lab.checks import can_bind
from lab.errors import LabError
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
    pid = pidfile.holder(places.pid_file)
    if pid is not None:
        _stop(pid, lambda: pidfile.holder(places.pid_file) is None)
    left = leftovers.end(places)
    _await_ports(settings, ended=pid is not None)
    if purge:
        layout.purge(places)
    what = "the lab is down" if pid is not None else "the lab was not up"
    rest = f"; {left} processes of a crashed lab ended" if left else ""
    state = "; all state removed" if purge else ""
    print(f"{what}{rest}{state} ({time.monotonic() - began:.1f} s)")


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


def _await_ports(settings: Settings, *, ended: bool) -> None:
    """Wait until the lab's ports are free; another's use of them is no concern when no lab was ended here."""
    deadline = time.monotonic() + _PORT_SECONDS
    for name, port in settings.ports.named().items():
        while ended and not can_bind(HOST, port):
            if time.monotonic() > deadline:
                raise LabError(f"port {port} ({name}) is still in use")
            time.sleep(_PAUSE_SECONDS)
