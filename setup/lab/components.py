"""The programs that the lab runs beside the pods: the real Prometheus and the real blackbox exporter.

Each is restarted with back-off when it ends, and every end is counted.
"""

import asyncio
import contextlib
import logging
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from lab.node import procfs, tasks
from lab.node.logs import LogFile, Pipe
from lab.node.processes import Child, Children, Command

_LOG = logging.getLogger(__name__)
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 15.0
_STEADY_SECONDS = 60.0  # a component that ran this long has recovered
_STOP_SECONDS = 3.0
_READY_PAUSE = 0.05


@dataclass(frozen=True)
class Component:
    """A program to supervise.

    :param ready_url: answers 200 once the program does its work.
    """

    name: str
    command: Command
    ready_url: str


class Supervisor:
    """Keeps one component running; its output goes to ``<log folder>/<name>.log``."""

    def __init__(self, component: Component, children: Children, log: Path) -> None:
        self.name = component.name
        self.restarts = 0
        self.ready = False
        self.reason = ""
        self._component, self._children, self._log = component, children, log
        self._child: Child | None = None
        self._task = tasks.start(self._run(), component.name)

    @property
    def pid(self) -> int | None:
        """Return the running process, None between two."""
        return self._child.pid if self._child is not None else None

    async def stop(self) -> None:
        """End the component: SIGTERM, then a kill."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        wait = _FIRST_WAIT
        while True:
            began = time.monotonic()
            code = await self._run_once()
            self.reason = f"ended with exit code {code}"
            _LOG.error("%s %s; it is started again in %.1f s", self.name, self.reason, wait)
            if time.monotonic() - began > _STEADY_SECONDS:
                wait = _FIRST_WAIT
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
            self.restarts += 1

    async def _run_once(self) -> int:
        log = LogFile(self._log / f"{self.name}.log")
        pipes = [Pipe(log, "stdout"), Pipe(log, "stderr")]
        child = self._children.spawn(
            self._component.command, stdout=pipes[0].write_end, stderr=pipes[1].write_end
        )
        self._child = child
        for pipe in pipes:
            pipe.started()
        readiness = tasks.start(self._await_ready(), f"readiness of {self.name}")
        try:
            return await child.wait()
        finally:
            readiness.cancel()
            self.ready = False
            child.signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(child.wait(), _STOP_SECONDS)
            await self._children.end(child, self._component.command.env[procfs.MARK])
            self._child = None
            for pipe in pipes:
                pipe.close()
            log.close()

    async def _await_ready(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            while not await _answers(session, self._component.ready_url):
                await asyncio.sleep(_READY_PAUSE)
        self.ready = True


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.status == 200  # noqa: PLR2004 -- HTTP's OK
    except (aiohttp.ClientError, OSError, TimeoutError):
        return False
