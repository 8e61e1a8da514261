"""Restoring: reapply a manifest, remove what runs created, wait until it runs."""

from __future__ import annotations

from typing import Any

from .cluster import Cluster
from .proof import differences, leftovers
from .rollout import wait_for_rollouts

__all__ = ["ROLLOUT_SECONDS", "restore"]

ROLLOUT_SECONDS = 120.0


def restore(
    cluster: Cluster, documents: list[dict[str, Any]], selector: str, seconds: float = ROLLOUT_SECONDS
) -> None:
    """Apply the documents, delete what the label `selector` finds, and wait until Deployments are rolled out.

    Safe to repeat. Raises Refused when the right to write was lost, KubernetesError.
    """
    for document in documents:
        # A run may have the right to read its namespace and none to change it.
        if document["kind"] != "Namespace" or differences(cluster, [document]):
            cluster.apply(document)
    for item in leftovers(cluster, documents, selector):
        cluster.delete(item)
    wait_for_rollouts(cluster, documents, seconds)
