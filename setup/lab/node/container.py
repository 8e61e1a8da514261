"""The life of one container: start, hooks, probes, end, restart with back-off.

Reasons, messages and events are a kubelet's (Kubernetes' pkg/kubelet/kuberuntime/kuberuntime_container.go and
kuberuntime_manager.go, the container runtime's StartError and OOMKilled).
"""

import asyncio
import contextlib
import functools
import logging
import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.node import hooks, procfs, pulling, tasks
from lab.node import launch as launching
from lab.node.backoff import Backoff
from lab.node.environment import ConfigError, Lookup
from lab.node.execution import Execution
from lab.node.health import Health
from lab.node.hooks import Hook
from lab.node.images import Image, repository
from lab.node.launch import Launch, Site
from lab.node.logs import LogFolder
from lab.node.meter import Meter, Watched, memory_limit
from lab.node.probes import Probe, Prober
from lab.node.processes import Children
from lab.node.status import ContainerState, now

_LOG = logging.getLogger(__name__)

Object = dict[str, Any]
_RETRY_SECONDS = 2.0  # how soon a container that could not be configured or started is tried again
_START_ERROR = 128  # a container runtime's exit code for a program that could not be started
_NEVER_STARTED = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Machine:
    """What the node offers to every container."""

    children: Children
    images: dict[str, Image]
    look_up: Lookup
    logs: LogFolder
    prober: Prober
    meter: Meter = field(default_factory=Meter)
    backoff_seconds: float = 10.0


class Container:
    """One container of a pod.

    :param state: what is known of it; kept up to date.
    :param log: the folder of the pod's logs.
    :param changed: called after every change of ``state``.
    :param event: records an event of the pod: (reason, message, type).
    :param node_event: likewise, an event of the node.
    """

    def __init__(
        self,
        spec: Object,
        pod: Object,
        site: Site,
        machine: Machine,
        log: Path,
        state: ContainerState,
        *,
        changed: Callable[[], None],
        event: Callable[[str, str, str], None],
        node_event: Callable[[str, str, str], None],
    ) -> None:
        self.state = state
        self.begun = asyncio.Event()  # it has started once, or never will
        self._spec, self._pod, self._site, self._machine, self._log = spec, pod, site, machine, log
        self._changed, self._event, self._node_event = changed, event, node_event
        self._stopping = asyncio.Event()
        self._execution: Execution | None = None
        known = pulling.is_reference(spec["image"])
        self._image = machine.images.get(repository(spec["image"])) if known else None
        self._backoff = Backoff(first=machine.backoff_seconds)
        self._out_of_memory = False
        self._pre_stop: Hook | None = None

    async def run(self) -> None:
        """Run the container, again and again as its restart policy says, until it ends for good."""
        if self._image is None:
            policy = self._spec.get("imagePullPolicy") or "IfNotPresent"
            voice = pulling.Voice(self._wait, self._event)
            first = self._machine.backoff_seconds
            await pulling.never(self._spec["image"], self._machine.images, policy, voice, self._stopping, first)
            return
        policy = self.state.restart_policy(self._pod["spec"].get("restartPolicy") or "Always")
        while not self._stopping.is_set():
            code = await self._run_once(self._image)
            if self._stopping.is_set() or policy == "Never" or (policy == "OnFailure" and code == 0):
                return
            await self._back_off()

    async def stop(self, grace: float, *, hook: bool = True) -> None:
        """End the container for good within the grace (seconds), with or without its preStop hook."""
        self._stopping.set()
        self.begun.set()
        if self._execution is not None:
            await self._end(self._execution, grace, hook=hook)

    async def _prepare(self, image: Image) -> tuple[Launch, dict[str, Probe | None], Hook | None] | None:
        """Return what a start needs, once it can be computed; None when the container is stopped before.

        :raises OSError: it cannot be started: its program is missing, its folder cannot be made.
        """
        while not self._stopping.is_set():
            try:
                launch = launching.prepare(self._pod, self._spec, self._site, image, self._machine.look_up)
                make = self._machine.prober.make
                kinds = ("Startup", "Readiness", "Liveness")
                probes = {kind: make(kind, self._spec, self._site.ip, self._execute) for kind in kinds}
                self._pre_stop = self._hook("preStop")
                return launch, probes, self._hook("postStart")
            except ConfigError as error:
                self._wait("CreateContainerConfigError", str(error))
                self._event("Failed", f"Error: {error}", "Warning")
            await self._pause(_RETRY_SECONDS)
        return None

    async def _run_once(self, image: Image) -> int:
        """Start the process, watch it until it ends and return its exit code (0 when stopped before)."""
        try:
            ready = await self._prepare(image)
            if ready is None:
                return 0
            launch, probes, post_start = ready
            execution = self._start(image, launch)
        except OSError as error:
            return self._not_started(error)
        self._execution, self._out_of_memory, began = execution, False, now()
        ending = asyncio.create_task(execution.finish())
        health = Health(
            probes,
            self.state,
            changed=self._health_changed,
            unhealthy=self._unhealthy,
            restart=functools.partial(self._restart, execution),
        )
        with self._machine.meter.watching(self._watched(execution)):
            if post_start is not None:
                await self._post_start(post_start, execution, ending)
            if not ending.done():
                self.state.current = {"running": {"startedAt": began}}
                health.start()
                self._changed()
            code = await ending
        health.stop()
        self._execution = None
        self._terminated(code, began)
        return code

    def _start(self, image: Image, launch: Launch) -> Execution:
        name, state = self._spec["name"], self.state
        self._event("Pulled", f'Container image "{self._spec["image"]}" already present on machine', "Normal")
        log = self._machine.logs.open(self._log, name, state.restarts)
        execution = Execution(launch, self._machine.children, log)
        state.container_id, state.image_id = f"lab://{secrets.token_hex(32)}", image.identity
        self._event("Created", f"Created container: {name}", "Normal")
        self._event("Started", f"Started container {name}", "Normal")
        return execution

    def _not_started(self, error: OSError) -> int:
        self._event("Failed", f"Error: {error}", "Warning")
        times = {"startedAt": _NEVER_STARTED, "finishedAt": now()}
        ended = {"exitCode": _START_ERROR, "reason": "StartError", "message": str(error), **times}
        self.state.current = {"terminated": ended}
        self._changed()
        return _START_ERROR

    def _terminated(self, code: int, began: str) -> None:
        reason = "OOMKilled" if self._out_of_memory else "Error" if code else "Completed"
        state = self.state
        times = {"startedAt": began, "finishedAt": now(), "containerID": state.container_id}
        state.current = {"terminated": {"exitCode": code, "reason": reason, **times}}
        # An init container that has done its work counts as ready.
        state.ready, state.started = state.kind == "init" and code == 0, False
        self._changed()

    def _watched(self, execution: Execution) -> Watched:
        metadata = self._pod["metadata"]
        labels = {"namespace": metadata["namespace"], "pod": metadata["name"], "container": self._spec["name"]}
        labels |= {"image": self._spec["image"], "name": self.state.container_id}
        return Watched(execution.pid, labels, memory_limit(self._spec), self._over_limit)

    def _over_limit(self) -> None:
        if self._execution is not None and not self._out_of_memory:
            self._out_of_memory = True
            # Told by the node problem detector of a cluster, not by its kubelet.
            self._node_event("OOMKilling", procfs.out_of_memory_words(self._execution.pid), "Warning")
            tasks.start(self._execution.kill(), f"out of memory: {self._spec['name']}")

    async def _post_start(self, hook: Hook, execution: Execution, ending: "asyncio.Task[int]") -> None:
        """Run the hook for as long as the process lives; a failure ends the container."""
        running = asyncio.ensure_future(hook(math.inf))
        await asyncio.wait((running, ending), return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        elif (error := running.exception()) is not None:
            _LOG.warning("postStart of %s: %s", self._spec["name"], error)
            self._event("FailedPostStartHook", "PostStartHook failed", "Warning")
            self._event("Killing", "FailedPostStartHook", "Normal")
            await self._end(execution, self._grace, hook=True)

    async def _back_off(self) -> None:
        """Wait as long as a crashed container must, then count the restart."""
        ended = time.monotonic()
        last = self.state.last = self.state.current
        wait = self._backoff.remaining(ended, ended)
        if wait > 0:
            name, pod = self._spec["name"], self._pod["metadata"]
            whole = f"{pod['name']}_{pod['namespace']}({pod['uid']})"
            self._event("BackOff", f"Back-off restarting failed container {name} in pod {whole}", "Warning")
            self._wait(
                "CrashLoopBackOff", f"back-off {wait:.0f}s restarting failed container={name} pod={whole}"
            )
            await self._pause(wait)
        elif last["terminated"]["reason"] == "StartError":
            self._wait("RunContainerError", last["terminated"]["message"])
            await self._pause(_RETRY_SECONDS)
        if not self._stopping.is_set():
            self._backoff.restarted(time.monotonic())
            self.state.restarts += 1

    def _health_changed(self) -> None:
        if self.state.started:
            self.begun.set()
        self._changed()

    def _unhealthy(self, message: str) -> None:
        self._event("Unhealthy", message, "Warning")

    def _restart(self, execution: Execution, kind: str) -> None:
        """End the execution because a probe of it said so; run() then starts another."""
        name = self._spec["name"]
        self._event("Killing", f"Container {name} failed {kind} probe, will be restarted", "Normal")
        tasks.start(self._end(execution, self._grace, hook=True), f"restart of {name}")

    @property
    def _grace(self) -> float:
        return float(self._pod["spec"].get("terminationGracePeriodSeconds", 30))

    async def _end(self, execution: Execution, grace: float, *, hook: bool) -> None:
        if self._image is not None:
            before = self._pre_stop if hook else None
            await execution.end(self._image.stop_signal, grace, before, self._pre_stop_failed)

    def _hook(self, name: str) -> Hook | None:
        place = hooks.Place(self._spec, self._site.ip, self._machine.prober, self._execute)
        return hooks.make(name, place)

    def _pre_stop_failed(self, error: Exception) -> None:
        _LOG.warning("preStop of %s: %s", self._spec["name"], error or type(error).__name__)
        self._event("FailedPreStopHook", "PreStopHook failed", "Warning")

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
