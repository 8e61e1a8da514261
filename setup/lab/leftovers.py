"""Ends what a crashed daemon left behind: processes and shared memory.

Most processes die with the daemon (PR_SET_PDEATHSIG). What does not is found by the recorded pid and start time
of the long-running ones, by their sessions, and by the lab's mark in the environment; never by a name.
"""

import contextlib
import hashlib
import os
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from lab.layout import Layout
from lab.node import procfs, sharedmemory

_DEADLINE_SECONDS = 5.0
_PAUSE_SECONDS = 0.02


def mark_of(state: Path) -> str:
    """Return what begins the mark of every process of the lab with this state folder."""
    return f"{hashlib.sha256(os.fsencode(state)).hexdigest()[:12]}/"


def end(layout: Layout) -> int:
    """Kill what is left of the lab's processes, remove their shared memory, and return how many were killed."""
    mark = mark_of(layout.state)
    records = _records(layout)
    killed: set[int] = set()
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while (found := _living(records, mark)) and time.monotonic() < deadline:
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        killed |= found
        time.sleep(_PAUSE_SECONDS)
    for pid in records:
        # A pid that has gone to another process says nothing of who made a segment.
        if procfs.start_time(pid) is None:
            sharedmemory.remove_made_by(pid)
    shutil.rmtree(layout.processes, ignore_errors=True)
    return len(killed)


def note_boot(layout: Layout) -> None:
    """Write down during which boot of the machine the records are made."""
    layout.boot.write_text(_boot(), encoding="ascii")


def is_of_this_boot(layout: Layout) -> bool:
    """Say whether the last daemon began during this boot of the machine."""
    try:
        return layout.boot.read_text(encoding="ascii", errors="replace") == _boot()
    except FileNotFoundError:
        return False


def _records(layout: Layout) -> dict[int, str]:
    """Return pid -> start time of what was recorded; nothing of an earlier boot: its pids are others' now."""
    if not is_of_this_boot(layout):
        return {}
    try:
        paths = [path for path in layout.processes.iterdir() if path.name.isdecimal()]
    except FileNotFoundError:
        return {}
    return {int(path.name): path.read_text(encoding="ascii", errors="replace").strip() for path in paths}


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")


def _living(records: Mapping[int, str], mark: str) -> set[int]:
    found = procfs.marked(mark)
    for pid, began in records.items():
        if procfs.start_time(pid) == began:
            found |= {pid, *procfs.relatives(pid, mark)}
    return found
