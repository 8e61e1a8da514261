"""One run of a container's process: its output, the commands run beside it, its orderly end."""

import asyncio
import contextlib
import os
import secrets
import signal
import time
from collections.abc import Callable

from lab.node import procfs, sharedmemory
from lab.node.hooks import Hook
from lab.node.launch import Launch
from lab.node.logs import LogFile, Pipe
from lab.node.processes import Children

_LEAST_GRACE = 2.0  # a hook that took all the grace leaves the process this much (as a kubelet does)
_OUTPUT_BYTES = 10 * 1024  # of a probe's output, as a kubelet keeps it


class Execution:
    """A started container process; its log is closed when ``finish`` has seen its end."""

    def __init__(self, launch: Launch, children: Children, log: LogFile) -> None:
        self._launch, self._children, self._log = launch, children, log
        self._pipes = [Pipe(log, "stdout"), Pipe(log, "stderr")]
        try:
            self._child = children.spawn(
                launch.command, stdout=self._pipes[0].write_end, stderr=self._pipes[1].write_end
            )
        finally:
            for pipe in self._pipes:
                pipe.started()

    @property
    def pid(self) -> int:
        """Return the first process of the container."""
        return self._child.pid

    async def kill(self) -> None:
        """Kill everything that the container started, at once."""
        await self._children.end(self._child, self._launch.mark)

    async def finish(self) -> int:
        """Wait for the process' end, kill what it left behind, close the log and return the exit code."""
        code = await self._child.wait()
        await self._children.end(self._child, self._launch.mark)
        sharedmemory.remove_made_by(self._child.pid)
        for pipe in self._pipes:
            pipe.close()
        self._log.close()
        return code

    async def end(
        self, number: signal.Signals, grace: float, hook: Hook | None, failed: Callable[[Exception], None]
    ) -> None:
        """End the process: its preStop hook, the signal, and when the grace is over, a kill.

        :param grace: seconds for all of it; 0 kills at once.
        :param hook: the preStop hook; its failure does not keep the process.
        :param failed: hears why the hook failed.
        """
        deadline = time.monotonic() + grace
        if grace > 0:
            if hook is not None:
                await self._pre_stop(hook, grace, failed)
            self._child.signal(number)
            left = max(deadline - time.monotonic(), _LEAST_GRACE if hook is not None else 0.0)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._child.wait(), left)
        await self.kill()

    async def execute(self, words: list[str], seconds: float) -> tuple[int, str]:
        """Run a command beside the process; return its exit code and output.

        :raises TimeoutError: it did not end in time; it is killed.
        """
        # A file in memory takes any amount of output without anybody reading it meanwhile.
        output = os.memfd_create("output", os.MFD_CLOEXEC)
        command = self._launch.beside(words, f"exec-{secrets.token_hex(4)}")
        try:
            child = self._children.spawn(command, stdout=output, stderr=output, record=False)
            try:
                code = await asyncio.wait_for(child.wait(), seconds)
            finally:
                if child.exit_code is None:
                    await self._children.end(child, command.env[procfs.MARK])
            return code, os.pread(output, _OUTPUT_BYTES, 0).decode("utf-8", "replace")
        finally:
            os.close(output)

    async def _pre_stop(self, hook: Hook, grace: float, failed: Callable[[Exception], None]) -> None:
        """Run the hook, for as long as the process lives and the grace allows."""
        running = asyncio.ensure_future(hook(grace))
        ended = asyncio.ensure_future(self._child.wait())
        await asyncio.wait((running, ended), return_when=asyncio.FIRST_COMPLETED)
        for task in (running, ended):
            task.cancel()
        results = await asyncio.gather(running, ended, return_exceptions=True)
        if isinstance(results[0], Exception):
            failed(results[0])
