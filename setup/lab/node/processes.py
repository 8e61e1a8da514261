"""Starts processes that cannot outlive the lab, and reaps them.

Every process starts through ``nice`` and ``setpriv`` (Essential packages of Debian) instead of Python code
between fork and exec: that keeps vfork (0.3 ms of CPU instead of 3 ms with a 90 MB daemon) and is safe with
threads. ``setpriv`` asks the kernel to kill the process when its parent *thread* dies (PR_SET_PDEATHSIG), so
``spawn`` insists on the main thread.
"""

import asyncio
import contextlib
import ctypes
import functools
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.node import procfs

_PR_SET_CHILD_SUBREAPER = 36
_SIGNALLED = 128  # a shell's exit code for a process ended by signal n is 128 + n


@dataclass(frozen=True)
class User:
    """The user and group that a process runs as."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()


@dataclass(frozen=True)
class Command:
    """What to start: a program found on ``env["PATH"]``, its folder, its user (None: the caller's)."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    user: User | None = None
    nice: int = 0


class Child:
    """A started process; ``exit_code`` is None while it runs, 128 + n when signal n ended it."""

    def __init__(self, pid: int, loop: asyncio.AbstractEventLoop) -> None:
        self.pid = pid
        self._exit: asyncio.Future[int] = loop.create_future()

    @property
    def exit_code(self) -> int | None:
        """Return the exit code, None while the process runs."""
        return self._exit.result() if self._exit.done() else None

    async def wait(self) -> int:
        """Wait for the end and return the exit code."""
        return await asyncio.shield(self._exit)

    def signal(self, number: int) -> None:
        """Send a signal to the process alone; nothing happens when it has ended."""
        # Only this program reaps the process, so its pid is its own until then.
        if not self._exit.done():
            os.kill(self.pid, number)

    def ended(self, status: int) -> None:
        """Take the wait status; called once by the table that reaped the process."""
        code = os.waitstatus_to_exitcode(status)
        self._exit.set_result(code if code >= 0 else _SIGNALLED - code)


class Children:
    """The processes started by this program, reaped on SIGCHLD.

    :param records: a folder for one record per long-running process, by which another program finds them
        after a crash of this one.
    :param adopt: become the parent of orphaned grandchildren too (a daemon should, a test should not).
    """

    def __init__(self, records: Path, *, adopt: bool = False) -> None:
        self._records = records
        self._adopt = adopt
        self._children: dict[int, Child] = {}
        self._loop = asyncio.get_running_loop()
        self._loop.add_signal_handler(signal.SIGCHLD, self._reap)
        if adopt:
            ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def spawn(self, command: Command, *, stdout: int, stderr: int, record: bool = True) -> Child:
        """Start a process in a session of its own.

        :raises OSError: nice or setpriv is not on the lab's PATH, or the record cannot be written.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("a process started from another thread would die with that thread")
        process = subprocess.Popen(
            _launcher(command),
            env=dict(command.env),
            cwd=command.cwd,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            umask=0o022,
        )
        child = Child(process.pid, self._loop)
        # The table reaps, by pid; Popen must neither wait for the process nor warn that nobody did.
        process.returncode = 0
        self._children[child.pid] = child
        if record:
            try:
                self._record(child.pid).write_text(f"{procfs.start_time(child.pid)}\n", encoding="ascii")
            except OSError:
                child.signal(signal.SIGKILL)  # nobody else would: the caller never learns of it
                raise
        return child

    async def end(self, child: Child, mark: str) -> None:
        """Kill what is left of a process: itself, its descendants, its session, and what carries its mark."""
        for pid in procfs.relatives(child.pid, mark):
            # An orphan may end by itself meanwhile.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        child.signal(signal.SIGKILL)
        await child.wait()

    def close(self) -> None:
        """Stop reaping."""
        self._loop.remove_signal_handler(signal.SIGCHLD)

    def _record(self, pid: int) -> Path:
        return self._records / str(pid)

    def _reap(self) -> None:
        for pid, child in list(self._children.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self._children[pid]
                self._record(pid).unlink(missing_ok=True)
                child.ended(status)
        if self._adopt:
            self._reap_orphans()

    def _reap_orphans(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                # Look first: one of our own that ended this moment is left to the next SIGCHLD.
                info = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if info is None or info.si_pid in self._children:
                    return
                os.waitpid(info.si_pid, os.WNOHANG)


def _launcher(command: Command) -> list[str]:
    # By the lab's own PATH: a pod's must not choose what runs before its user is changed.
    words = [_program("nice"), "-n", str(command.nice)] if command.nice else []
    words += [_program("setpriv"), "--no-new-privs", "--pdeathsig", "KILL"]
    if command.user is not None:
        user = command.user
        words += ["--reuid", str(user.uid), "--regid", str(user.gid)]
        words += ["--groups", ",".join(map(str, user.groups))] if user.groups else ["--clear-groups"]
    return [*words, "--", *command.argv]


@functools.cache
def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(f"{name} is not on the PATH")
    return path
