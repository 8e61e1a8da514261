"""Ctrl-C and SIGTERM during a run: obeyed while the run waits, kept in mind while it restores the system."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interruption"]

_REPEAT_SECONDS = 10.0
"""A CI job's signal comes to the process group and to the process: a second one so soon is the same one."""


class Interruption:
    """Whether a run was interrupted. Until `hold`, a signal raises KeyboardInterrupt as Ctrl-C does.

    An interrupted rollback would leave the fault: Chaos Toolkit gives it up. Whoever cannot wait kills the run,
    and its watchdog restores.
    """

    def __init__(self) -> None:
        self.came = False
        self._held = False
        self._raised = float("-inf")

    def watch(self) -> None:
        """Take the signals over.

        Chaos Toolkit of Python 3.11 swallows SIGTERM within an activity; Ctrl-C it takes as it should, unless
        whoever started it, a background job's shell, had it ignored.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._take)

    def hold(self) -> None:
        """From now on only keep in mind that a signal came."""
        self._held = True

    @contextmanager
    def obeyed(self) -> Iterator[None]:
        """Let signals interrupt what is waited for here."""
        self._held = False
        try:
            yield
        finally:
            self._held = True

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        self.came = True
        now = time.monotonic()
        if not self._held and now - self._raised > _REPEAT_SECONDS:
            self._raised = now
            raise KeyboardInterrupt
