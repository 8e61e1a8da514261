"""Tasks that live as long as the daemon: one that ends is told, counted and started again with back-off."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable

_LOG = logging.getLogger(__name__)
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 15.0
_STEADY_SECONDS = 60.0  # a task that ran this long has recovered
Work = Callable[[], Coroutine[None, None, None]]


class Kept:
    """Keeps one piece of work running, which never ends by itself.

    ``ready``, ``restarts`` and ``reason`` say the same of it as of a supervised program: the reason of the last
    end stays after the restart.

    :param name: what the log and ``status`` call it.
    :param work: makes the coroutine, which must be fit to begin again after one that failed.
    """

    def __init__(self, name: str, work: Work) -> None:
        self.name = name
        self.ready = True
        self.restarts = 0
        self.reason = ""
        self._work = work
        self._task = asyncio.create_task(self._run(), name=f"keeper of {name}")

    async def stop(self) -> None:
        """End it for good."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        wait = _FIRST_WAIT
        while True:
            began = time.monotonic()
            error = await self._run_once()
            self.ready = False
            self.reason = _told(error)
            if time.monotonic() - began > _STEADY_SECONDS:
                wait = _FIRST_WAIT
            _LOG.error("%s %s; it is started again in %.1f s", self.name, self.reason, wait, exc_info=error)
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
            self.restarts += 1
            self.ready = True

    async def _run_once(self) -> BaseException | None:
        """Do the work until it ends; return what ended it, None when it just returned."""
        # A task of its own: work that is cancelled from within has ended like any other.
        work = asyncio.create_task(self._work(), name=self.name)
        try:
            await asyncio.wait([work])
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        return asyncio.CancelledError() if work.cancelled() else work.exception()


async def stop_all(kept: Iterable[Kept]) -> None:
    """End several for good, all at once."""
    await asyncio.gather(*(one.stop() for one in kept))


def _told(error: BaseException | None) -> str:
    if error is None:
        return "ended"
    return "failed: " + f"{type(error).__name__}: {error}".removesuffix(": ").replace("\n", " ")
