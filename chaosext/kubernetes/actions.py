"""Actions on a cluster: apply a manifest (a fault), and restore from one (its rollback)."""

from __future__ import annotations

import copy
from typing import Any

from ..run import RUN_ID_LABEL, current, resolve
from .cluster import Cluster, describe
from .manifests import load_manifest, namespaces
from .proof import leftovers
from .rollout import wait_for_rollouts
from .safety import check_opt_in

__all__ = ["apply_manifest", "restore_manifest"]

ROLLOUT_SECONDS = 120.0


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
    for document in documents:
        cluster.apply(document)
    for item in leftovers(cluster, documents, current().selector):
        cluster.delete(item)
    wait_for_rollouts(cluster, documents, timeout_seconds)
    return [describe(document) for document in documents]


def _labelled(cluster: Cluster, document: dict[str, Any]) -> dict[str, Any]:
    if cluster.get(document) is not None:
        return document
    created = copy.deepcopy(document)
    created["metadata"].setdefault("labels", {})[RUN_ID_LABEL] = current().run_id
    return created
