"""Addresses of other services, remembered for a second and forgotten on demand.

aiohttp's own cache cannot be cleared while requests wait for a name: they find their answer gone, and fail with
KeyError (aiohttp/connector.py, _resolve_host).
"""

import asyncio
import socket
from collections import deque
from time import monotonic

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

# Names move when pods are replaced: none is remembered for longer.
REMEMBER_SECONDS = 1.0

_Key = tuple[str, int, socket.AddressFamily]


class Names(AbstractResolver):
    """Asks the C library, once for all who wait for the same name; give it to connectors without a cache.

    A name's addresses take turns in coming first, so that all pods behind it get connections.
    """

    def __init__(self) -> None:
        # Named because it asks the C library, whichever packages are installed.
        self._resolver: AbstractResolver = aiohttp.ThreadedResolver()
        self._known: dict[_Key, tuple[float, deque[ResolveResult]]] = {}
        self._asking: dict[_Key, asyncio.Task[deque[ResolveResult]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return a name's addresses; raises OSError for a name that nobody knows."""
        key = (host, port, family)
        until, addresses = self._known.get(key, (0.0, deque[ResolveResult]()))
        if until <= monotonic():
            addresses = await self._ask(key)
        found = list(addresses)
        addresses.rotate(-1)
        return found

    def forget(self) -> None:
        """Ask anew for every name."""
        self._known.clear()

    async def close(self) -> None:
        """Leave nobody asking."""
        for task in self._asking.values():
            task.cancel()

    async def _ask(self, key: _Key) -> deque[ResolveResult]:
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._look_up(key))
            task.add_done_callback(lambda done: self._answered(key, done))
        # One caller that gives up does not end it for the others.
        return await asyncio.shield(task)

    async def _look_up(self, key: _Key) -> deque[ResolveResult]:
        host, port, family = key
        addresses = deque(await self._resolver.resolve(host, port, family))
        self._known[key] = (monotonic() + REMEMBER_SECONDS, addresses)
        return addresses

    def _answered(self, key: _Key, task: asyncio.Task[deque[ResolveResult]]) -> None:
        del self._asking[key]
        if not task.cancelled():
            task.exception()  # taken note of: every caller may have given up
