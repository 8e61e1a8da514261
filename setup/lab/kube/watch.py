"""Who is told of changes: subscriptions (async iterators) and listeners (plain callbacks), and the history."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from lab.kube.errors import expired
from lab.kube.selectors import Predicate

HISTORY = 2048
BACKLOG = 20_000


@dataclass(frozen=True, slots=True)
class Change:
    """One write: its resource version, ADDED, MODIFIED or DELETED, the object now and before it."""

    version: int
    type: str
    obj: dict[str, Any]
    old: dict[str, Any] | None

    def seen_by(self, matches: Predicate) -> str | None:
        """Return the type of event for somebody who sees matching objects only; None for no event.

        An object that stops matching was deleted for them, one that begins to match was added.
        """
        now = self.type != "DELETED" and matches(self.obj)
        before = self.old is not None and matches(self.old)
        if self.type == "DELETED":
            return "DELETED" if before else None
        if now:
            return "MODIFIED" if before else "ADDED"
        return "DELETED" if before else None


class Subscription:
    """An async iterator of (type, object); it ends when closed, or when its reader is hopelessly behind."""

    def __init__(self, topic: "Topic", matches: Predicate, events: Iterable[tuple[str, dict[str, Any]]] = ()):
        self._topic = topic
        self._matches = matches
        self._events = deque(events)
        self._wake = asyncio.Event()
        self._closed = False
        topic.listeners[id(self)] = self._push

    def _push(self, change: Change) -> None:
        kind = change.seen_by(self._matches)
        if kind is None:
            return
        if len(self._events) >= BACKLOG:
            self.close()
            return
        self._events.append((kind, change.obj))
        self._wake.set()

    def take(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what has happened and was not yet read, without waiting."""
        events = list(self._events)
        self._events.clear()
        return events

    async def wait(self) -> bool:
        """Wait until there is something to take; False once the subscription is closed."""
        while not self._events and not self._closed:
            self._wake.clear()
            await self._wake.wait()
        return bool(self._events)

    def close(self) -> None:
        """End the subscription; what it still holds can be read."""
        self._topic.listeners.pop(id(self), None)
        self._closed = True
        self._wake.set()

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> tuple[str, dict[str, Any]]:
        if not await self.wait():
            raise StopAsyncIteration
        return self._events.popleft()


class Topic:
    """The changes of one resource: a bounded history and those who listen."""

    def __init__(self, version: int) -> None:
        self.history: deque[Change] = deque(maxlen=HISTORY)
        self.listeners: dict[int, Callable[[Change], None]] = {}
        self.forgotten = version

    def publish(self, change: Change) -> None:
        """Remember a change and tell everybody; a listener must not block and must not raise."""
        if len(self.history) == HISTORY:
            self.forgotten = self.history[0].version
        self.history.append(change)
        for listener in list(self.listeners.values()):
            listener(change)

    def since(self, version: int) -> list[Change]:
        """Return the changes after a version; raises ApiError 410 when they are not all known any more."""
        if version < self.forgotten:
            raise expired(f"too old resource version: {version} ({self.forgotten})")
        changes = []
        for change in reversed(self.history):
            if change.version <= version:
                break
            changes.append(change)
        return changes[::-1]
