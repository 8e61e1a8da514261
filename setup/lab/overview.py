"""What the daemon says of itself: the answer to ``GET /status`` on the internal port, for the command line."""

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.components import Supervisor
from lab.kept import Kept
from lab.kube import meta
from lab.kube.store import Store
from lab.node import procfs
from lab.settings import HOST

Object = dict[str, Any]
_ANSWER_SECONDS = 2.0


@dataclass
class Embedded:
    """A component that lives in the daemon's own loop.

    :param port: where it listens; None for one that serves nobody.
    :param kept: the tasks that do its work.
    """

    name: str
    port: int | None = None
    kept: list[Kept] = field(default_factory=list)

    async def to_json(self) -> Object:
        """Return how it is, as a supervised program is shown; with what is wrong of each of its parts."""
        silent = self.port is not None and not await _listens(self.port)
        # Of one that runs again the last end is still told, as a supervised program's is.
        told = [f"{one.name} {one.reason}" for one in self.kept if one.reason]
        if silent:
            told.append(f"port {self.port} is closed")
        return {
            "name": self.name,
            "ready": not silent and all(one.ready for one in self.kept),
            "pid": os.getpid(),
            "restarts": sum(one.restarts for one in self.kept),
            "reason": "; ".join(told),
        }


async def _listens(port: int) -> bool:
    """Say whether a server of this process listens; the loop that would answer is the one that asks."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(HOST, port), _ANSWER_SECONDS)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


class Overview:
    """Collects the status of one lab."""

    def __init__(
        self,
        store: Store,
        state: Path,
        user: str,
        embedded: Sequence[Embedded],
        supervisors: Sequence[Supervisor],
    ) -> None:
        self._store, self._state, self._user = store, state, user
        self._embedded, self._supervisors = embedded, supervisors
        self._began = time.monotonic()

    async def to_json(self) -> Object:
        """Return the status as JSON."""
        embedded = await asyncio.gather(*(one.to_json() for one in self._embedded))
        return {
            "user": self._user,
            "pid": os.getpid(),
            "state": str(self._state),
            "uptime_seconds": round(time.monotonic() - self._began, 1),
            "memory_bytes": procfs.tree_bytes(os.getpid()),
            "components": [*embedded, *map(_supervised, self._supervisors)],
            "deployments": [_deployment(item) for item in self._store.list("deployments")],
            "pods": [_pod(item) for item in self._store.list("pods")],
            "checks": [_check(item) for item in self._store.list("services") if _is_checked(item)],
            "exported": [_exported(item) for item in self._store.list("services") if _is_exported(item)],
        }


def _supervised(supervisor: Supervisor) -> Object:
    return {
        "name": supervisor.name,
        "ready": supervisor.ready,
        "pid": supervisor.pid,
        "restarts": supervisor.restarts,
        "reason": supervisor.reason,
    }


def _deployment(item: Object) -> Object:
    """Return a Deployment with whether its rollout is complete (kubectl rollout status' own rules)."""
    wanted, status = item["spec"].get("replicas", 1), item.get("status") or {}
    seen = status.get("observedGeneration", 0) >= item["metadata"].get("generation", 0)
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")]
    return {
        "namespace": item["metadata"]["namespace"],
        "name": item["metadata"]["name"],
        "ready": status.get("readyReplicas", 0),
        "wanted": wanted,
        "rolled_out": seen and counts == [wanted] * 3,
    }


def _pod(item: Object) -> Object:
    status, annotations = item.get("status") or {}, meta.annotations_of(item)
    containers = status.get("containerStatuses") or []
    waiting = [entry["state"]["waiting"] for entry in containers if "waiting" in (entry.get("state") or {})]
    labels = meta.labels_of(item)
    return {
        "namespace": item["metadata"]["namespace"],
        "name": item["metadata"]["name"],
        "uid": item["metadata"]["uid"],
        "workload": labels.get("app.kubernetes.io/name", item["metadata"]["name"]),
        "containers": [container["name"] for container in item["spec"]["containers"]],
        "phase": "Terminating" if meta.is_deleting(item) else status.get("phase", "Pending"),
        "ready": meta.is_pod_ready(item),
        "restarts": sum(entry.get("restartCount", 0) for entry in containers),
        "ip": status.get("podIP", ""),
        "reason": "; ".join(f"{entry.get('reason')}: {entry.get('message', '')}" for entry in waiting),
        "scraped": annotations.get("prometheus.io/scrape") == "true",
    }


def _is_checked(service: Object) -> bool:
    return meta.annotations_of(service).get("prometheus.io/probe") == "true"


def _check(service: Object) -> str:
    """Return the name of a Service's synthetic check: its job in Prometheus."""
    return f"{service['metadata']['namespace']}-{service['metadata']['name']}"


def _is_exported(service: Object) -> bool:
    return "prometheus.io/exporter" in meta.annotations_of(service)


def _exported(service: Object) -> str:
    """Return the ``instance`` that manifests/observability/scrape.yaml gives to a data store."""
    name, namespace = service["metadata"]["name"], service["metadata"]["namespace"]
    return f"{name}.{namespace}.svc.cluster.local:{service['spec']['ports'][0]['port']}"
