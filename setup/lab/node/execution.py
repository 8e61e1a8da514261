"""One run of a container's process: its output, the commands run beside it, its orderly end."""

import asyncio
import contextlib
import os
import secrets
import signal
import time
from collections.abc import Callable
from typing import Any

from lab.node import procfs, sharedmemory
from lab.node.launch import Launch
from lab.node.logs import LogFile, Pipe
from lab.node.processes import Children

Object = dict[str, Any]
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
        self, number: signal.Signals, grace: float, hook: Object, failed: Callable[[str], None]
    ) -> None:
        """End the process: its preStop hook, the signal, and when the grace is over, a kill.

        :param grace: seconds for all of it; 0 kills at once.
        :param hook: the preStop handler; empty for none.
        :param failed: hears the message of a failed hook.
        """
        deadline = time.monotonic() + grace
        if grace > 0:
            if hook:
                await self._pre_stop(hook, grace, failed)
            self._child.signal(number)
            left = max(deadline - time.monotonic(), _LEAST_GRACE if hook else 0.0)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._child.wait(), left)
        await self._children.end(self._child, self._launch.mark)

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

    async def _pre_stop(self, hook: Object, grace: float, failed: Callable[[str], None]) -> None:
        if "sleep" in hook:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._child.wait(), min(hook["sleep"].get("seconds", 0), grace))
            return
        try:
            code, output = await self.execute(hook["exec"]["command"], grace)
        except TimeoutError:
            failed(f"PreStopHook failed: no end within {grace:.0f}s")
            return
        if code:
            failed(f"PreStopHook failed: {output.strip() or f'exit code {code}'}")
