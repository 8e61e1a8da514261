"""Waiting: by polling with a deadline, and saying what was last seen."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["poll"]


def poll(done: Callable[[], str | None], seconds: float, interval: float = 0.2) -> str | None:
    """Ask `done` until it returns None or `seconds` have passed; return what it said last (None: done).

    `done` says in words what is still missing. It is asked at least once, and once more at the deadline.
    """
    deadline = time.monotonic() + seconds
    while (missing := done()) is not None:
        left = deadline - time.monotonic()
        if left <= 0:
            return missing
        time.sleep(min(interval, left))
    return None
