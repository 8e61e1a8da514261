"""Ends what a crashed daemon left behind: processes and shared memory.

Most processes die with the daemon (PR_SET_PDEATHSIG). What does not is found by the recorded pid and start time
of the long-running ones, by their sessions, and by the lab's mark in the environment; never by a name.
"""

import contextlib
import hashlib
import os
import signal
import time
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
    records = {int(path.name): path for path in layout.processes.glob("*")} if layout.processes.is_dir() else {}
    killed: set[int] = set()
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while (found := _living(records, mark)) and time.monotonic() < deadline:
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        killed |= found
        time.sleep(_PAUSE_SECONDS)
    for pid, path in records.items():
        sharedmemory.remove_made_by(pid)
        path.unlink(missing_ok=True)
    return len(killed)


def _living(records: dict[int, Path], mark: str) -> set[int]:
    found = procfs.marked(mark)
    for pid, path in records.items():
        if procfs.start_time(pid) == path.read_text(encoding="ascii").strip():
            found |= {pid, *procfs.relatives(pid, mark)}
    return found
