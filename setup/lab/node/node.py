"""The node: registers itself, and gives every pod that is scheduled to it a worker."""

import asyncio
import contextlib
import os
import platform
from typing import Any

import psutil

from lab.kept import Kept, stop_all
from lab.node.pod import PodWorker, Surroundings
from lab.node.status import now

Object = dict[str, Any]
_HEARTBEAT_SECONDS = 60.0
_MAX_PODS = 110
_SHUTDOWN_GRACE_SECONDS = 3.0


class Node:
    """A node of the cluster, by name."""

    def __init__(self, name: str, around: Surroundings) -> None:
        self._name, self._around = name, around
        self._workers: dict[str, PodWorker] = {}
        self.kept: list[Kept] = []

    def start(self) -> None:
        """Register and begin to run pods."""
        store = self._around.store
        store.create("nodes", _description(self._name))
        self._report()
        self.kept = [
            Kept("heartbeat", self._heartbeat),
            Kept("node's pods", self._follow),
            Kept("meter", self._around.machine.meter.run),
        ]

    async def stop(self) -> None:
        """End every pod quickly, like a machine that is switched off: stop signals, no hooks, then kills."""
        await stop_all(self.kept)
        ends = [worker.end(_SHUTDOWN_GRACE_SECONDS, hook=False) for worker in self._workers.values()]
        await asyncio.gather(*ends, return_exceptions=True)

    async def _heartbeat(self) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT_SECONDS)
            self._report()

    def _report(self) -> None:
        def change(node: Object) -> None:
            node["status"] = {
                **_status(),
                "conditions": _conditions(node.get("status", {}).get("conditions") or []),
            }

        self._around.store.mutate("nodes", None, self._name, change, subresource="status")

    async def _follow(self) -> None:
        with contextlib.closing(self._around.store.subscribe("pods")) as changes:
            self._end_vanished()
            async for kind, pod in changes:
                if pod["spec"].get("nodeName") == self._name:
                    self._take(kind, pod)

    def _end_vanished(self) -> None:
        """End what was deleted while nobody followed."""
        present = {pod["metadata"]["uid"] for pod in self._around.store.list("pods")}
        for uid in self._workers.keys() - present:
            self._workers.pop(uid).end(0)

    def _take(self, kind: str, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        worker = self._workers.get(uid)
        if kind == "DELETED":
            if worker is not None:
                worker.end(0)
                del self._workers[uid]
        elif worker is not None:
            worker.observe(pod)
        else:
            # One that is already being deleted gets a worker too: only the node may let a pod go.
            self._workers[uid] = worker = PodWorker(pod, self._around)
            worker.observe(pod)


def _description(name: str) -> Object:
    system = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": _architecture(),
    }
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": system}, "spec": {}}


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def _status() -> Object:
    capacity = {
        "cpu": str(os.cpu_count() or 1),
        "memory": f"{psutil.virtual_memory().total // 1024}Ki",
        "pods": str(_MAX_PODS),
    }
    info = {
        "architecture": _architecture(),
        "operatingSystem": "linux",
        "osImage": "the lab",
        "kernelVersion": platform.release(),
        "containerRuntimeVersion": "lab://1",
        "kubeletVersion": "v1.33.0-lab",
        "kubeProxyVersion": "",
        "machineID": "",
        "systemUUID": "",
        "bootID": "",
    }
    addresses = [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": "lab"}]
    return {"capacity": capacity, "allocatable": capacity, "addresses": addresses, "nodeInfo": info}


def _conditions(old: list[Object]) -> list[Object]:
    known = {condition["type"]: condition for condition in old}
    wanted = {
        "MemoryPressure": ("False", "KubeletHasSufficientMemory"),
        "DiskPressure": ("False", "KubeletHasNoDiskPressure"),
        "PIDPressure": ("False", "KubeletHasSufficientPID"),
        "Ready": ("True", "KubeletReady"),
    }
    result = []
    for kind, (state, reason) in wanted.items():
        since = known.get(kind, {}).get("lastTransitionTime", now())
        times = {"lastHeartbeatTime": now(), "lastTransitionTime": since}
        result.append({"type": kind, "status": state, "reason": reason, **times})
    return result
