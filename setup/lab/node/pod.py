"""The life of one pod on the node: address, folders, containers, status, end."""

import asyncio
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.kube import events
from lab.kube.errors import ApiError
from lab.kube.store import Store
from lab.node import status, tasks, volumes
from lab.node.addresses import Addresses
from lab.node.container import Container, Machine
from lab.node.environment import ConfigError
from lab.node.launch import HOST_IP, Site

Object = dict[str, Any]
_MOUNT_RETRY_SECONDS = 2.0
_LEAST_GRACE_SECONDS = 2.0  # what sidecars get when the other containers took all of the grace
_GONE = 404


@dataclass(frozen=True)
class Surroundings:
    """What a pod's worker needs of the node.

    :param folder: where pods' folders lie.
    :param hosts: namespace -> its hosts file.
    :param mark: begins the mark of every process of this node; ends with a slash.
    :param search_path: the pods' PATH.
    """

    store: Store
    machine: Machine
    addresses: Addresses
    folder: Path
    hosts: Callable[[str], Path]
    mark: str
    search_path: str


class PodWorker:
    """Runs one pod until it ends or is deleted."""

    def __init__(self, pod: Object, around: Surroundings) -> None:
        self._pod, self._around = pod, around
        metadata = pod["metadata"]
        self.name: tuple[str, str] = metadata["namespace"], metadata["name"]
        self.uid: str = metadata["uid"]
        self._ip = around.addresses.take()
        # Short, because a UNIX socket below it has only 107 bytes.
        self._folder = around.folder / self.uid[:8]
        self._log = around.machine.logs.pod(*self.name, self.uid)
        self._states = status.initial(pod["spec"])
        self._containers: list[Container] = []
        self._sidecars: list[asyncio.Task[None]] = []
        self._running = tasks.start(self._run(), f"pod {self.name[1]}")
        self._end: asyncio.Task[None] | None = None

    def observe(self, pod: Object) -> None:
        """Take the pod's new state; a deletion begins its end."""
        self._pod = pod
        if "deletionTimestamp" in pod["metadata"]:
            self.end(pod["metadata"].get("deletionGracePeriodSeconds", 0))

    def end(self, grace: float, *, hook: bool = True) -> "asyncio.Task[None]":
        """Begin the pod's end within a grace (seconds), or shorten it to none when it has begun."""
        if self._end is None:
            self._end = tasks.start(self._finish(grace, hook=hook), f"end of pod {self.name[1]}")
        elif grace == 0:
            for container in self._containers:
                tasks.start(container.stop(0), "kill")
        return self._end

    async def _run(self) -> None:
        self._publish()
        found = await self._volumes()
        namespace = self.name[0]
        site = Site(
            ip=self._ip,
            folder=self._folder,
            volumes=found,
            hosts=self._around.hosts(namespace),
            mark=f"{self._around.mark}{self.uid}/",
            search_path=self._around.search_path,
        )
        specs = [*(self._pod["spec"].get("initContainers") or []), *self._pod["spec"]["containers"]]
        self._containers = [
            Container(
                spec,
                self._pod,
                site,
                self._around.machine,
                self._log,
                state,
                changed=self._publish,
                event=self._event,
                node_event=self._node_event,
            )
            for spec, state in zip(specs, self._states, strict=True)
        ]
        if await self._initialize():
            await asyncio.gather(*(container.run() for container in self._of("app")))
        await self._stop_sidecars(self._grace)
        self._publish()

    async def _initialize(self) -> bool:
        """Run the init containers one after the other; return whether all did their work.

        A sidecar is one that is kept running: the next one starts when it has started.
        """
        for container in self._containers:
            name, kind = container.state.name, container.state.kind
            if kind == "sidecar":
                self._sidecars.append(tasks.start(container.run(), f"sidecar {name}"))
                await container.begun.wait()
            elif kind == "init":
                await container.run()
                if container.state.exit_code != 0:
                    return False
        return True

    async def _stop_sidecars(self, grace: float, *, hook: bool = True) -> None:
        """End the sidecars, the last one first, within the grace (seconds)."""
        deadline = time.monotonic() + grace
        for container in reversed(self._of("sidecar")):
            await container.stop(max(deadline - time.monotonic(), 0.0), hook=hook)
        await asyncio.gather(*self._sidecars)

    def _of(self, kind: str) -> list[Container]:
        return [container for container in self._containers if container.state.kind == kind]

    @property
    def _grace(self) -> float:
        return float(self._pod["spec"].get("terminationGracePeriodSeconds", 30))

    async def _volumes(self) -> dict[str, Path]:
        """Make the pod's folder and volumes, again until it works."""
        self._folder.mkdir(exist_ok=True)
        self._folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
        while True:
            try:
                return volumes.make(self._pod, self._folder / "volumes", self._around.machine.look_up)
            except (ConfigError, OSError) as error:
                self._event("FailedMount", str(error), "Warning")
            await asyncio.sleep(_MOUNT_RETRY_SECONDS)

    async def _finish(self, grace: float, *, hook: bool) -> None:
        if not self._containers:
            self._running.cancel()
        for container in self._containers:
            if "running" in container.state.current:
                self._event("Killing", f"Stopping container {container.state.name}", "Normal")
        deadline = time.monotonic() + grace
        others = [container for container in self._containers if container.state.kind != "sidecar"]
        await asyncio.gather(*(container.stop(grace, hook=hook) for container in others))
        left = max(deadline - time.monotonic(), _LEAST_GRACE_SECONDS) if grace else 0.0
        await self._stop_sidecars(left, hook=hook)
        await asyncio.gather(self._running, return_exceptions=True)
        self._publish(final=True)
        self._around.addresses.release(self._ip)
        shutil.rmtree(self._folder, ignore_errors=True)
        self._around.machine.logs.gone(self._log)
        try:
            self._around.store.delete("pods", *self.name, grace_period_seconds=0, uid=self.uid)
        except ApiError as error:
            if error.code != _GONE and error.reason != "Conflict":
                raise

    def _publish(self, *, final: bool = False) -> None:
        """Write the pod's status, if the pod is still there."""
        store, spec = self._around.store, self._pod["spec"]

        def change(pod: Object) -> None:
            new = pod.setdefault("status", {})
            status.fill(new, spec, self._states, ip=self._ip, host_ip=HOST_IP, final=final)

        found = store.find("pods", *self.name)
        if found is not None and found["metadata"]["uid"] == self.uid:
            store.mutate("pods", *self.name, change, subresource="status")

    def _event(self, reason: str, message: str, kind: str) -> None:
        events.record(self._around.store, self._pod, reason, message, kind, "kubelet")

    def _node_event(self, reason: str, message: str, kind: str) -> None:
        node = self._around.store.find("nodes", None, self._pod["spec"].get("nodeName", ""))
        if node is not None:
            events.record(self._around.store, node, reason, message, kind, "kernel-monitor")
