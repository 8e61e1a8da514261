"""Whether the lab is there: its status, or one line of why it gives none (it crashed, hangs, is not up)."""

import time
from typing import Any

from lab import layout, leftovers, pidfile
from lab.errors import LabError
from lab.layout import Layout
from lab.node.logreader import Cursor
from lab.settings import HOST, Settings
from lab.status import find_own, running_lab

Object = dict[str, Any]
_PAUSE_SECONDS = 0.1
# Of silence until a daemon counts as hung; one that is just starting or ending is slow to answer, too.
_HUNG_SECONDS = 10.0


def own_lab(settings: Settings) -> Object:
    """Return the status of this checkout's lab.

    :raises LabError: it is not up, crashed or hangs, or another lab answers in its place.
    """
    found = find_own(settings)
    if found is None:
        raise LabError(_reason(settings))
    return found


def _reason(settings: Settings) -> str:
    """Return why this checkout's lab gave no answer, and what to do."""
    places = layout.find(settings)
    pid = pidfile.holder(places.pid_file)
    if pid is None:
        ended = crash(places) or f"the lab of {settings.checkout} is not up"
        return f"{ended}: run `python -m lab up`"
    if hung := hang(settings, places, pid):
        return f"{hung}: end it with `python -m lab down`"
    lab = settings.recorded()
    if lab.offset != settings.offset:
        return f"the lab is up at port offset {lab.offset}, and LAB_PORT_OFFSET asks for {settings.offset}"
    return f"the lab of {settings.checkout} was starting or ending: ask again"


def crash(places: Layout) -> str:
    """Say that the last daemon ended without a word, and what its log says last; empty when it did not."""
    pid = pidfile.crashed(places.pid_file)
    if pid is None:
        return ""
    how = "crashed" if leftovers.is_of_this_boot(places) else "ended with the machine"
    return f"the lab's daemon (pid {pid}) {how}; {_last_line(places)}"


def hang(settings: Settings, places: Layout, pid: int) -> str:
    """Say that a running daemon does not answer, and what its log says last; empty when it does or ends."""
    port = settings.recorded().ports.internal
    began = time.monotonic()
    while running_lab(port) is None:
        if pidfile.holder(places.pid_file) != pid:
            return ""
        if (silent := time.monotonic() - began) > _HUNG_SECONDS:
            what = f"no answer from http://{HOST}:{port}/status for {silent:.0f} s"
            return f"the lab's daemon (pid {pid}) hangs: {what}; {_last_line(places)}"
        time.sleep(_PAUSE_SECONDS)
    return ""


def _last_line(places: Layout) -> str:
    """Return what the daemon wrote last: the end of a traceback if it left one, else of its log."""
    for path in (places.log / "daemon.out", places.log / "daemon.log"):
        if lines := [entry.text for entry in Cursor(path).read() if entry.text.strip()]:
            return f"the last line of {path} is {lines[-1].strip()!r}"
    return f"its log {places.log / 'daemon.log'} is empty"
