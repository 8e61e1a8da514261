"""NodePort Services: TCP from 127.0.0.1:<nodePort> to a ready pod."""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

_LOG = logging.getLogger(__name__)
_CHUNK = 64 * 1024
#: node port -> (address, port) of each ready pod
Targets = Mapping[int, Sequence[tuple[str, int]]]


class Forwarder:
    """Listens on every node port and passes connections on, to each ready pod in turn.

    A connection that is open when its pod goes stays until the pod closes it.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._targets: dict[int, Sequence[tuple[str, int]]] = {}
        self._servers: dict[int, asyncio.Server] = {}
        self._turn = itertools.count()
        self._updating = asyncio.Lock()
        self._connections: set[asyncio.Task[None]] = set()

    async def update(self, targets: Targets) -> None:
        """Take new targets: open and close ports as needed; one that cannot is tried again next time."""
        self._targets = dict(targets)
        # One at a time: a second update must not open a port that the first one is opening.
        async with self._updating:
            for port in self._servers.keys() - self._targets.keys():
                self._servers.pop(port).close()
            for port in self._targets.keys() - self._servers.keys():
                await self._open(port)

    async def close(self) -> None:
        """Close every port and connection."""
        await self.update({})
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _open(self, port: int) -> None:
        try:
            self._servers[port] = await asyncio.start_server(self._accept(port), self._host, port)
        except OSError as error:
            _LOG.error("node port %d: %s", port, error.strerror)

    def _accept(self, port: int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is not None:
                self._connections.add(task)
                task.add_done_callback(self._connections.discard)
            # A caller or a pod that hangs up is no error of the forwarder's.
            with contextlib.suppress(OSError):
                await self._forward(port, reader, writer)

        return accept

    async def _forward(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(writer.close)
            ready = self._targets.get(port) or ()
            if not ready:
                return
            address, target = ready[next(self._turn) % len(ready)]
            pod_reader, pod_writer = await asyncio.open_connection(address, target)
            stack.callback(pod_writer.close)
            await asyncio.gather(_copy(reader, pod_writer), _copy(pod_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction to its end, and pass the end on."""
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
