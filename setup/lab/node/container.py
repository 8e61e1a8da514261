"""The life of one container: start, probes, end, restart with back-off."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.node import launch as launching
from lab.node import tasks
from lab.node.backoff import Backoff
from lab.node.environment import ConfigError, Lookup
from lab.node.execution import Execution
from lab.node.health import Health
from lab.node.images import Image, repository
from lab.node.launch import Launch, Site
from lab.node.logs import LogFolder
from lab.node.probes import Probe, Prober
from lab.node.processes import Children
from lab.node.status import ContainerState, now

Object = dict[str, Any]
_RETRY_SECONDS = 2.0  # how soon a container that could not be configured is tried again


@dataclass(frozen=True)
class Machine:
    """What the node offers to every container."""

    children: Children
    images: dict[str, Image]
    look_up: Lookup
    logs: LogFolder
    prober: Prober
    backoff_seconds: float = 10.0


class Container:
    """One container of a pod.

    :param log: the folder of the pod's logs.
    :param changed: called after every change of ``state``.
    :param event: records an event of the pod: (reason, message, type).
    """

    def __init__(
        self,
        spec: Object,
        pod: Object,
        site: Site,
        machine: Machine,
        log: Path,
        *,
        changed: Callable[[], None],
        event: Callable[[str, str, str], None],
    ) -> None:
        self.state = ContainerState(spec["name"], spec["image"])
        self._spec, self._pod, self._site, self._machine, self._log = spec, pod, site, machine, log
        self._changed, self._event = changed, event
        self._stopping = asyncio.Event()
        self._execution: Execution | None = None
        self._image = machine.images.get(repository(spec["image"]))
        self._backoff = Backoff(first=machine.backoff_seconds)
        self._restarting: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Run the container, again and again as its pod's restartPolicy says, until it ends for good."""
        if self._image is None:
            await self._report_unknown_image()
            return
        policy = self._pod["spec"].get("restartPolicy") or "Always"
        while True:
            ready = await self._prepare(self._image)
            if ready is None:
                return
            code = await self._run_once(self._image, *ready)
            if self._stopping.is_set() or policy == "Never" or (policy == "OnFailure" and code == 0):
                return
            await self._back_off()

    async def stop(self, grace: float, *, hook: bool = True) -> None:
        """End the container for good within the grace (seconds), with or without its preStop hook."""
        self._stopping.set()
        await self._end(grace, hook=hook)

    async def _prepare(self, image: Image) -> tuple[Launch, dict[str, Probe | None]] | None:
        """Return what a start needs, once it can be computed; None when the container is stopped before."""
        while not self._stopping.is_set():
            try:
                launch = launching.prepare(self._pod, self._spec, self._site, image, self._machine.look_up)
                make = self._machine.prober.make
                kinds = ("Startup", "Readiness", "Liveness")
                return launch, {kind: make(kind, self._spec, self._site.ip, self._execute) for kind in kinds}
            except ConfigError as error:
                self._wait("CreateContainerConfigError", str(error))
                self._event("Failed", f"Error: {error}", "Warning")
            except OSError as error:
                self._wait("RunContainerError", str(error))
                self._event("Failed", f"Error: {error}", "Warning")
            await self._pause(_RETRY_SECONDS)
        return None

    async def _report_unknown_image(self) -> None:
        image, known = self._spec["image"], ", ".join(sorted(self._machine.images))
        why = f'the lab has no image "{image}" and pulls none; it knows {known}'
        never = self._spec.get("imagePullPolicy") == "Never"
        self._event("Failed", f'Failed to pull image "{image}": {why}', "Warning")
        self._wait("ErrImageNeverPull" if never else "ErrImagePull", why)
        await self._pause(_RETRY_SECONDS)
        if not never and not self._stopping.is_set():
            self._event("BackOff", f'Back-off pulling image "{image}"', "Normal")
            self._wait("ImagePullBackOff", why)
        await self._stopping.wait()

    async def _run_once(self, image: Image, launch: Launch, probes: dict[str, Probe | None]) -> int:
        """Start the process, probe it until it ends and return its exit code."""
        name, state = self._spec["name"], self.state
        self._event("Pulled", f'Container image "{self._spec["image"]}" already present on machine', "Normal")
        log = self._machine.logs.open(self._log, name, state.restarts)
        self._execution = execution = Execution(launch, self._machine.children, log)
        state.container_id, state.image_id = f"lab://{secrets.token_hex(32)}", image.identity
        state.current = {"running": {"startedAt": now()}}
        self._event("Created", f"Created container: {name}", "Normal")
        self._event("Started", f"Started container {name}", "Normal")
        health = Health(probes, state, changed=self._changed, unhealthy=self._unhealthy, restart=self._restart)
        health.start()
        self._changed()
        code = await execution.finish()
        health.stop()
        self._execution = None
        times = {**state.current["running"], "finishedAt": now(), "containerID": state.container_id}
        state.current = {"terminated": {"exitCode": code, "reason": "Error" if code else "Completed", **times}}
        state.ready = state.started = False
        self._changed()
        return code

    async def _back_off(self) -> None:
        """Wait as long as a crashed container must, then count the restart."""
        ended = time.monotonic()
        self.state.last = self.state.current
        wait = self._backoff.remaining(ended, ended)
        if wait > 0:
            name, pod = self._spec["name"], self._pod["metadata"]
            whole = f"{pod['name']}_{pod['namespace']}({pod['uid']})"
            self._event("BackOff", f"Back-off restarting failed container {name} in pod {whole}", "Warning")
            self._wait(
                "CrashLoopBackOff", f"back-off {wait:.0f}s restarting failed container={name} pod={whole}"
            )
            await self._pause(wait)
        if not self._stopping.is_set():
            self._backoff.restarted(time.monotonic())
            self.state.restarts += 1

    def _unhealthy(self, message: str) -> None:
        self._event("Unhealthy", message, "Warning")

    def _restart(self, kind: str) -> None:
        """End the process because a probe said so; run() then starts it again."""
        if self._restarting is None or self._restarting.done():
            self._event(
                "Killing", f"Container {self._spec['name']} failed {kind} probe, will be restarted", "Normal"
            )
            grace = self._pod["spec"].get("terminationGracePeriodSeconds", 30)
            self._restarting = tasks.start(self._end(grace, hook=True), f"restart of {self._spec['name']}")

    async def _end(self, grace: float, *, hook: bool) -> None:
        if self._execution is not None and self._image is not None:
            before = (self._spec.get("lifecycle") or {}).get("preStop") or {}
            await self._execution.end(self._image.stop_signal, grace, before if hook else {}, self._hook_failed)

    def _hook_failed(self, message: str) -> None:
        self._event("FailedPreStopHook", message, "Warning")

    async def _execute(self, words: list[str], seconds: float) -> tuple[int, str]:
        if self._execution is None:
            raise ProcessLookupError("the container is not running")
        return await self._execution.execute(words, seconds)

    def _wait(self, reason: str, message: str) -> None:
        self.state.current = {"waiting": {"reason": reason, "message": message}}
        self._changed()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
