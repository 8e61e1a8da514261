"""The life of one pod on the node: address, folders, containers, status, end."""

import asyncio
import os
import shutil
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
from lab.node.status import ContainerState

Object = dict[str, Any]
_MOUNT_RETRY_SECONDS = 2.0
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
        self._states = [ContainerState(spec["name"], spec["image"]) for spec in pod["spec"]["containers"]]
        self._containers: list[Container] = []
        self._running = tasks.start(self._run(), f"pod {self.name[1]}")
        self._end: asyncio.Task[None] | None = None
        self._kills: set[asyncio.Task[None]] = set()

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
            self._kills |= {tasks.start(container.stop(0), "kill") for container in self._containers}
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
        self._containers = [
            Container(
                spec, self._pod, site, self._around.machine, self._log, changed=self._publish, event=self._event
            )
            for spec in self._pod["spec"]["containers"]
        ]
        self._states = [container.state for container in self._containers]
        await asyncio.gather(*(container.run() for container in self._containers))
        self._publish()

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
        await asyncio.gather(*(container.stop(grace, hook=hook) for container in self._containers))
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
