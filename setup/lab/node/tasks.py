"""Background tasks whose failure is told, not lost."""

import asyncio
import logging
from collections.abc import Coroutine

_LOG = logging.getLogger(__name__)
_RUNNING: set["asyncio.Task[None]"] = set()  # a loop alone would let a task be collected before its end


def start(work: Coroutine[None, None, None], name: str) -> "asyncio.Task[None]":
    """Start a task; an exception that ends it goes to the log."""
    task = asyncio.create_task(work, name=name)
    _RUNNING.add(task)
    task.add_done_callback(_report)
    return task


def _report(task: "asyncio.Task[None]") -> None:
    _RUNNING.discard(task)
    if not task.cancelled() and task.exception() is not None:
        _LOG.error("%s failed", task.get_name(), exc_info=task.exception())
