"""Pods made from a template and taken away, with the events that tell of it."""

from typing import Any

from lab.kube import meta
from lab.kube.codec import copy
from lab.kube.errors import ApiError
from lab.kube.events import record
from lab.kube.store import Store


def create_pod(
    store: Store, owner: dict[str, Any], component: str, finalizers: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Make a pod from owner's template; raises ApiError when the API refuses it, which is told as an event."""
    template = owner["spec"]["template"]
    metadata: dict[str, Any] = {
        "generateName": f"{owner['metadata']['name']}-",
        "namespace": owner["metadata"]["namespace"],
        "ownerReferences": [meta.owner_reference(owner)],
    }
    for field in ("labels", "annotations"):
        if template["metadata"].get(field):
            metadata[field] = dict(template["metadata"][field])
    if finalizers:
        metadata["finalizers"] = list(finalizers)
    try:
        pod = store.create("pods", {"metadata": metadata, "spec": copy(template["spec"])})
    except ApiError as error:
        record(store, owner, "FailedCreate", f"Error creating: {error}", "Warning", component)
        raise
    record(store, owner, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}", component=component)
    return pod


def delete_pod(store: Store, owner: dict[str, Any], pod: dict[str, Any], component: str) -> None:
    """Take a pod away."""
    store.delete("pods", *meta.key_of(pod))
    record(store, owner, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}", component=component)


def available_in(pod: dict[str, Any], min_ready_seconds: int) -> float | None:
    """Return in how many seconds a ready pod counts as available (0: now); None for one that is not ready."""
    condition = meta.condition_of(pod, "Ready")
    if condition is None or condition["status"] != "True":
        return None
    if not min_ready_seconds:
        return 0.0
    since = condition.get("lastTransitionTime")
    return max(min_ready_seconds - meta.age_seconds(since), 0.0) if since else float(min_ready_seconds)
