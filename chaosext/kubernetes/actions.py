"""Actions on a cluster: apply a manifest or kill pods (faults), and restore from a manifest (the rollback)."""

from __future__ import annotations

import copy
import random
from typing import Any

from ..errors import BadInput, KubernetesError
from ..polling import poll
from ..run import RUN_ID_LABEL, current, resolve
from .cluster import Cluster, describe
from .manifests import load_manifest, namespaces
from .restore import ROLLOUT_SECONDS, restore
from .rollout import wait_for_rollouts
from .safety import check_opt_in

__all__ = ["apply_manifest", "kill_pods", "restore_manifest"]

KILL_SECONDS = 30.0


def apply_manifest(
    path: str,
    timeout_seconds: float = ROLLOUT_SECONDS,
) -> list[str]:
    """Apply every document of a manifest by server-side apply, and wait until Deployments are rolled out.

    `path` starts at the experiment's folder. An object that did not exist gets the run's id as a label, so that
    a restore removes it. Returns the objects' names. Raises Refused for a namespace without the label
    chaos.enabled=true, before anything is changed; BadInput for a wrong manifest; KubernetesError.
    """
    documents = load_manifest(resolve(path))
    cluster = Cluster()
    check_opt_in(cluster, namespaces(documents))
    for document in documents:
        cluster.apply(_labelled(cluster, document))
    wait_for_rollouts(cluster, documents, timeout_seconds)
    return [describe(document) for document in documents]


def kill_pods(
    selector: str,
    namespace: str,
    count: int = 1,
    timeout_seconds: float = KILL_SECONDS,
) -> list[str]:
    """Delete `count` running pods without a grace period, and wait until these very pods are gone and unserved.

    `selector` is a label selector; which of the pods it finds are killed is left to chance. An API forgets such
    a pod before anything has stopped: the kill has bitten when no Service leads to it any more, which its
    EndpointSlices say. Returns the pods' names. Raises Refused for a namespace without the label
    chaos.enabled=true, BadInput when fewer pods run than are to be killed, KubernetesError when they are still
    there after `timeout_seconds`.
    """
    if count < 1:
        raise BadInput(f"kill_pods: count is {count}; it must be 1 at least")
    cluster = Cluster()
    check_opt_in(cluster, [namespace])
    running = [p for p in cluster.list("v1", "Pod", namespace, selector) if _runs(p)]
    if len(running) < count:
        raise BadInput(f"kill_pods: {count} pods with {selector} wanted in {namespace}, {len(running)} run")
    victims = random.sample(running, count)
    for victim in victims:
        cluster.delete(victim, grace_seconds=0)

    def missing() -> str | None:
        for victim in victims:
            live = cluster.get(victim)
            if live and _uid(live) == _uid(victim):
                return f"{describe(victim)} is still there"
        served = {_uid(victim) for victim in victims} & _served(cluster, namespace)
        return f"Services still lead to {len(served)} of the killed pods" if served else None

    if (still := poll(missing, timeout_seconds)) is not None:
        raise KubernetesError(f"not killed within {timeout_seconds:g} s: {still}")
    return [describe(victim) for victim in victims]


def restore_manifest(
    path: str,
    timeout_seconds: float = ROLLOUT_SECONDS,
) -> list[str]:
    """Reapply a manifest, remove what the run created, and wait until Deployments are rolled out.

    The rollback of every experiment; safe to repeat. It does nothing when the run was refused before it changed
    anything. Returns the objects' names. Raises as `apply_manifest` does.
    """
    if current().refused:
        return []
    documents = load_manifest(resolve(path))
    cluster = Cluster()
    check_opt_in(cluster, namespaces(documents))
    restore(cluster, documents, current().selector, timeout_seconds)
    return [describe(document) for document in documents]


def _uid(item: dict[str, Any]) -> str:
    return str(item["metadata"]["uid"])


def _served(cluster: Cluster, namespace: str) -> set[str]:
    """Return the uids of the pods that some Service leads to."""
    slices = cluster.list("discovery.k8s.io/v1", "EndpointSlice", namespace)
    endpoints = [endpoint for found in slices for endpoint in found.get("endpoints") or []]
    return {
        str((endpoint.get("targetRef") or {}).get("uid"))
        for endpoint in endpoints
        # Absent means ready, says the API's reference.
        if (endpoint.get("conditions") or {}).get("ready") is not False
    }


def _runs(pod: dict[str, Any]) -> bool:
    return pod["status"].get("phase") == "Running" and not pod["metadata"].get("deletionTimestamp")


def _labelled(cluster: Cluster, document: dict[str, Any]) -> dict[str, Any]:
    if cluster.get(document) is not None:
        return document
    created = copy.deepcopy(document)
    created["metadata"].setdefault("labels", {})[RUN_ID_LABEL] = current().run_id
    return created
