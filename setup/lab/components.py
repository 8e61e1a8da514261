"""The programs that the lab runs beside the pods, each watched for as long as it runs.

One that ends is started again with back-off, and one that does not answer (hung, stopped) is ended and started
again; either is counted and told in the daemon's log and in ``status``.
"""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from lab.errors import told
from lab.node import procfs, tasks
from lab.node.logs import LogFile, Pipe
from lab.node.processes import Child, Children, Command

_LOG = logging.getLogger(__name__)
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 15.0
_STEADY_SECONDS = 60.0  # a component that ran this long has recovered
_STOP_SECONDS = 3.0
_STARTING_PAUSE = 0.05  # between two questions until the first answer
# Time alone proves nothing: a machine that slept, or a daemon that was stopped, has asked nothing meanwhile.
_FEWEST_QUESTIONS = 3
_SILENT = "does not answer"


@dataclass(frozen=True)
class Component:
    """A program to supervise.

    :param ready_url: answers 200 while the program does its work.
    :param start_seconds: how long it may take until its first answer.
    :param hung_seconds: how long it may then give none before it is started again.
    :param answer_seconds: how long one answer may take.
    :param pause_seconds: the time between two questions.
    """

    name: str
    command: Command
    ready_url: str
    start_seconds: float = 60.0
    hung_seconds: float = 30.0
    answer_seconds: float = 5.0
    pause_seconds: float = 2.0


class Supervisor:
    """Keeps one component running; its output goes to ``<log folder>/<name>.log``."""

    def __init__(self, component: Component, children: Children, log: Path) -> None:
        self.name = component.name
        self.restarts = 0
        self.ready = False
        self.reason = ""
        self._component, self._children, self._log = component, children, log
        self._child: Child | None = None
        self._renewed = asyncio.Event()
        self._task = tasks.start(self._run(), component.name)

    @property
    def pid(self) -> int | None:
        """Return the running process, None between two."""
        return self._child.pid if self._child is not None else None

    async def stop(self) -> None:
        """End the component: SIGTERM, then a kill."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def give(self, variables: Mapping[str, str]) -> None:
        """Start the program anew with other environment variables, unless it has them; that is no restart."""
        command = self._component.command
        if command.env != (env := {**command.env, **variables}):
            self._component = replace(self._component, command=replace(command, env=env))
            self._renewed.set()

    async def _run(self) -> None:
        wait = _FIRST_WAIT
        while True:
            began = time.monotonic()
            self._renewed.clear()
            try:
                reason = await self._run_once()
            except OSError as error:  # no space for its log, no process more: the next attempt may have them
                reason = f"cannot be started: {told(error)}"
            if self._renewed.is_set():
                continue
            self.reason = reason
            _LOG.error("%s %s; it is started again in %.1f s", self.name, reason, wait)
            if time.monotonic() - began > _STEADY_SECONDS:
                wait = _FIRST_WAIT
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
            self.restarts += 1

    async def _run_once(self) -> str:
        """Run the program until it ends, hangs or gets another environment; return what happened.

        :raises OSError: it cannot be started.
        """
        with contextlib.ExitStack() as stack:
            log = stack.enter_context(contextlib.closing(LogFile(self._log / f"{self.name}.log")))
            pipes = [stack.enter_context(contextlib.closing(Pipe(log, name))) for name in ("stdout", "stderr")]
            try:
                child = self._children.spawn(
                    self._component.command, stdout=pipes[0].write_end, stderr=pipes[1].write_end
                )
            finally:
                for pipe in pipes:
                    pipe.started()
            return await self._watch(child)

    async def _watch(self, child: Child) -> str:
        """Follow a process until it ends, hangs or must be another one; end what is left of it."""
        self._child = child
        ends = [
            asyncio.create_task(coroutine)
            for coroutine in (self._ended(child), self._hung(), self._renewed.wait())
        ]
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            # An end says more than silence, should both be seen at once.
            return str(next(end for end in ends if end in done).result())
        finally:
            for end in ends:
                end.cancel()
            self.ready = False
            child.signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(child.wait(), _STOP_SECONDS)
            await self._children.end(child, self._component.command.env[procfs.MARK])
            self._child = None

    @staticmethod
    async def _ended(child: Child) -> str:
        return f"ended with exit code {await child.wait()}"

    async def _hung(self) -> str:
        """Ask for as long as the program runs, and return once it has not answered for too long."""
        component = self._component
        limit, pause = component.start_seconds, _STARTING_PAUSE
        last, unanswered = time.monotonic(), 0
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(component.answer_seconds)) as session:
            while unanswered < _FEWEST_QUESTIONS or time.monotonic() - last < limit:
                if await _answers(session, component.ready_url):
                    self._answered()
                    limit, pause = component.hung_seconds, component.pause_seconds
                    last, unanswered = time.monotonic(), 0
                else:
                    self._silent()
                    unanswered += 1
                await asyncio.sleep(pause)
        return f"did not answer for {limit:.0f} s"

    def _answered(self) -> None:
        if self.reason == _SILENT:
            _LOG.warning("%s answers again", self.name)
            self.reason = ""
        self.ready = True

    def _silent(self) -> None:
        if self.ready:
            _LOG.warning("%s %s", self.name, _SILENT)
            self.reason = _SILENT
        self.ready = False


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.status == 200  # noqa: PLR2004 -- HTTP's OK
    except (aiohttp.ClientError, OSError, TimeoutError):
        return False
