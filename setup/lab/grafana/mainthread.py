"""Runs work on the main thread, within a time.

Only there can a signal interrupt Python, and with it a regular expression that backtracks without end (`re`
looks for signals while it matches).
"""

from __future__ import annotations

import queue
import signal
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

T = TypeVar("T")

MAX_WAITING = 32  # pieces of work; a laptop's dashboards ask for fewer


class OutOfTime(Exception):
    """The work took longer than it may."""


class Busy(Exception):
    """Too much work waits already."""


class _Work(Generic[T]):
    def __init__(self, task: Callable[[], T]) -> None:
        self.task = task
        self.outcome: Future[T] = Future()


class MainThread:
    """The main thread as a worker: others `submit`, it `serve`s. `seconds` is what one task may take."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._waiting: queue.Queue[_Work[Any]] = queue.Queue(MAX_WAITING)
        self._armed = False
        signal.signal(signal.SIGALRM, self._alarm)

    def submit(self, task: Callable[[], T]) -> T:
        """Have the main thread do `task` and return its result.

        Raises Busy, OutOfTime, and whatever the task raises.
        """
        work = _Work(task)
        try:
            self._waiting.put_nowait(work)
        except queue.Full:
            raise Busy(f"more than {MAX_WAITING} queries wait") from None
        return work.outcome.result()

    def serve(self, pause_seconds: float) -> None:
        """Do what comes within `pause_seconds`, one task at most."""
        try:
            work = self._waiting.get(timeout=max(pause_seconds, 0.0))
        except queue.Empty:
            return
        try:
            result = self.run(work.task)
        except Exception as error:  # it belongs to whoever asked for the work
            work.outcome.set_exception(error)
        else:
            work.outcome.set_result(result)

    def run(self, task: Callable[[], T]) -> T:
        """Do a task on the calling thread, the main one. Raises OutOfTime."""
        try:
            self._armed = True
            signal.setitimer(signal.ITIMER_REAL, self.seconds)
            return task()
        finally:
            # Disarmed first: an alarm that is already on its way must not hit what follows.
            self._armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _alarm(self, _number: int, _frame: object) -> None:
        if self._armed:
            self._armed = False
            raise OutOfTime(f"it took more than {self.seconds:g} s")
