"""Locked files: the daemon's pid file, held while it runs so that a stale one fools nobody, and turns."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from lab.errors import LabError

_PID_SECONDS = 5.0
_PAUSE_SECONDS = 0.01


def hold(path: Path) -> int:
    """Lock the file, write this process' pid into it, and return the descriptor that holds the lock.

    :raises LabError: another daemon holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise LabError(
            f"a lab daemon already runs here (pid {path.read_text(encoding='ascii').strip()})"
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def clear(descriptor: int) -> None:
    """Take the pid out of the file: its process ends in order. One that crashes leaves it."""
    os.ftruncate(descriptor, 0)


def crashed(path: Path) -> int | None:
    """Return the pid of a daemon that held the file and ended without clearing it; None when there was none."""
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return None
    return int(text) if text.strip().isdecimal() and holder(path) is None else None


@contextlib.contextmanager
def turn(path: Path) -> Iterator[None]:
    """Wait until no other process is inside the same block, and keep others out of it."""
    descriptor = _locked(path)
    try:
        yield
    finally:
        os.close(descriptor)


def _locked(path: Path) -> int:
    """Return a descriptor that holds the lock of the file that the path names."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # `down --purge` removed the folder this moment
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Whoever had it before may have removed it: then this lock keeps nobody out.
            if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
            os.close(descriptor)


def holder(path: Path) -> int | None:
    """Return the pid of the daemon that holds the file; None when none does.

    :raises LabError: one does, and has not told its pid.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        deadline = time.monotonic() + _PID_SECONDS
        while _is_locked(descriptor):
            # Written right after the lock was taken, into a file that `up` found empty or not at all.
            text = os.pread(descriptor, 32, 0).decode("ascii", "replace")
            if text.endswith("\n") and text.strip().isdecimal():
                return int(text)
            if time.monotonic() > deadline:
                raise LabError(f"{path} is held by a process that has not written its pid: end that")
            time.sleep(_PAUSE_SECONDS)
        return None
    finally:
        os.close(descriptor)


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False
