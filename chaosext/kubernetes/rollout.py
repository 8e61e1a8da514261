"""Rollouts: whether Deployments run what their specs say, in the words of `kubectl rollout status`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import KubernetesError
from ..polling import poll
from .cluster import Cluster, describe

__all__ = ["rollouts_missing", "wait_for_rollouts"]


def wait_for_rollouts(cluster: Cluster, documents: list[dict[str, Any]], seconds: float) -> None:
    """Wait until every Deployment among the documents is rolled out, at most `seconds`.

    Raises KubernetesError that says what was still missing.
    """

    def missing() -> str | None:
        return next(rollouts_missing(cluster, documents), None)

    if (left := poll(missing, seconds)) is not None:
        raise KubernetesError(f"not rolled out within {seconds:g} s: {left}")


def rollouts_missing(cluster: Cluster, documents: list[dict[str, Any]]) -> Iterator[str]:
    """Yield, in words, what the documents' Deployments still miss; a poll asks no further than the first."""
    for document in documents:
        if document["kind"] == "Deployment" and (left := _incomplete(cluster.get(document))) is not None:
            yield f"{describe(document)}: {left}"


def _incomplete(live: dict[str, Any] | None) -> str | None:
    if live is None:
        return "it does not exist"
    status = live.get("status") or {}
    if (status.get("observedGeneration") or 0) < live["metadata"].get("generation", 0):
        return "its spec has not been observed yet"
    for condition in status.get("conditions") or []:
        if condition.get("reason") == "ProgressDeadlineExceeded":
            return f"it exceeded its progress deadline ({condition.get('message')})"
    wanted = live["spec"].get("replicas", 1)
    for field, verb in (("updatedReplicas", "updated"), ("availableReplicas", "available")):
        if (have := status.get(field) or 0) < wanted:
            return f"{have} of {wanted} replicas are {verb}"
    if (old := (status.get("replicas") or 0) - (status.get("updatedReplicas") or 0)) > 0:
        return f"{old} old replicas are still there"
    return None
