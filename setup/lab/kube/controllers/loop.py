"""The loop that controllers share: whatever changes names the objects to look at, each is looked at once."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable

from lab.kube.errors import ApiError
from lab.kube.meta import Key, key_of
from lab.kube.store import Store
from lab.kube.watch import Change

log = logging.getLogger(__name__)
Concerns = Callable[[Change], Iterable[Key]]
Reconcile = Callable[[Key], float | None]
_FIRST_RETRY, _LAST_RETRY = 0.005, 30.0
# An object whose look took a millisecond is left alone for ten: a thousand pods that become ready one by one
# are looked at in batches, and who has little to look at waits for nothing.
_REST_FACTOR, _SHORTEST_REST = 10.0, 0.001


def itself(change: Change) -> Iterable[Key]:
    """Name the object that changed."""
    yield key_of(change.obj)


def controller_named(kind: str) -> Concerns:
    """Return what names the controller of this kind, now and before the change, of the object that changed."""

    def concerns(change: Change) -> Iterable[Key]:
        for obj in (change.obj, change.old):
            for reference in (obj or {"metadata": {}})["metadata"].get("ownerReferences", ()):
                if reference.get("controller") and reference["kind"] == kind and obj:
                    yield obj["metadata"].get("namespace", ""), reference["name"]

    return concerns


class Loop:
    """Calls reconcile for every key that a change concerns.

    reconcile returns None, or in how many seconds to look again. When it fails, it is tried again with growing
    pauses; a conflict or a vanished object is nothing worth reporting. What costs much is looked at less often,
    so that no object can take more than a tenth of the time.
    """

    def __init__(self, store: Store, reconcile: Reconcile, watches: dict[str, Concerns]):
        self._store = store
        self._reconcile = reconcile
        self._watches = watches
        self._pending: dict[Key, None] = {}
        self._wake = asyncio.Event()
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}
        self._resting: dict[Key, asyncio.TimerHandle] = {}
        self._after_rest: set[Key] = set()

    async def run(self) -> None:
        """Reconcile until cancelled, beginning with everything that exists."""
        ends = [
            self._store.listen(plural, self._listener(concerns)) for plural, concerns in self._watches.items()
        ]
        try:
            for plural, concerns in self._watches.items():
                for obj in self._store.list(plural):
                    self._add(concerns(Change(0, "ADDED", obj, None)))
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._pending:
                    self._handle(next(iter(self._pending)))
                    # Between two objects everybody else has their turn.
                    await asyncio.sleep(0)
        finally:
            for end in ends:
                end()
            for timer in (*self._timers.values(), *self._resting.values()):
                timer.cancel()

    def _listener(self, concerns: Concerns) -> Callable[[Change], None]:
        return lambda change: self._add(concerns(change))

    def _add(self, keys: Iterable[Key]) -> None:
        for key in keys:
            if key in self._resting:
                self._after_rest.add(key)
            else:
                self._pending[key] = None
        if self._pending:
            self._wake.set()

    def _handle(self, key: Key) -> None:
        del self._pending[key]
        timer = self._timers.pop(key, None)
        if timer:
            timer.cancel()
        loop = asyncio.get_running_loop()
        began = time.thread_time()
        try:
            again = self._reconcile(key)
        except Exception as error:
            again = self._failed(key, error)
        else:
            self._failures.pop(key, None)
        rest = (time.thread_time() - began) * _REST_FACTOR
        if rest > _SHORTEST_REST:
            self._resting[key] = loop.call_later(rest, self._rested, key)
            if key in self._pending:
                # It changed itself while it was looked at.
                del self._pending[key]
                self._after_rest.add(key)
        if again is not None:
            self._timers[key] = loop.call_later(max(again, 0.001), self._add, [key])

    def _rested(self, key: Key) -> None:
        del self._resting[key]
        if key in self._after_rest:
            self._after_rest.remove(key)
            self._add([key])

    def _failed(self, key: Key, error: Exception) -> float:
        count = self._failures[key] = self._failures.get(key, 0) + 1
        if not isinstance(error, ApiError):
            log.error("cannot reconcile %s", "/".join(key), exc_info=error)
        elif error.code not in (404, 409):
            log.warning("cannot reconcile %s: %s", "/".join(key), error)
        return float(min(_FIRST_RETRY * 2**count, _LAST_RETRY))
