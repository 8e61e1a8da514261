"""What the API server does to an object between a request and the store: defaults, allocation, validation."""

from collections.abc import Callable
from typing import Any

from lab.kube import meta
from lab.kube.errors import Cause, forbidden_value, invalid
from lab.kube.resources import Resource
from lab.kube.rules.defaults import DEFAULTS
from lab.kube.rules.services import allocate
from lab.kube.rules.validation import validate

ListObjects = Callable[[str], list[dict[str, Any]]]
_GENERATIONS = frozenset({"deployments", "replicasets", "jobs", "pods", "endpointslices"})
_SYSTEM = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")
_DEPENDENTS = frozenset({"foregroundDeletion", "orphan"})


def prepare_create(resource: Resource, obj: dict[str, Any], list_objects: ListObjects) -> None:
    """Complete a new object in place; raises ApiError 422 when it breaks rules."""
    if "status" in resource.subresources and resource.plural != "nodes":
        obj.pop("status", None)
    if resource.plural in _GENERATIONS:
        obj["metadata"]["generation"] = 1
    else:
        obj["metadata"].pop("generation", None)
    _complete(resource, obj, None, list_objects)
    _check(resource, obj, validate(resource, obj, None))


def prepare_update(
    resource: Resource,
    new: dict[str, Any],
    old: dict[str, Any],
    subresource: str | None,
    list_objects: ListObjects,
) -> None:
    """Complete a new state in place: what a request may not change is as before. Raises ApiError 422."""
    metadata = new["metadata"]
    for name in _SYSTEM:
        metadata.pop(name, None)
        if name in old["metadata"]:
            metadata[name] = old["metadata"][name]
    if subresource == "status":
        _keep_all_but_status(new, old)
        return
    if "status" in resource.subresources and subresource != "binding":
        new.pop("status", None)
        if "status" in old:
            new["status"] = old["status"]
    causes = []
    if resource.plural == "namespaces" and subresource != "finalize" and "spec" in old:
        new["spec"] = old["spec"]
    if meta.is_deleting(old) and set(metadata.get("finalizers", ())) - set(
        old["metadata"].get("finalizers", ())
    ):
        why = "no new finalizers can be added if the object is being deleted"
        causes.append(forbidden_value("metadata.finalizers", why))
    _complete(resource, new, old, list_objects)
    if resource.plural in _GENERATIONS and _intent(new) != _intent(old):
        metadata["generation"] = old["metadata"]["generation"] + 1
    _check(resource, new, causes + validate(resource, new, None if subresource == "binding" else old))


def _keep_all_but_status(new: dict[str, Any], old: dict[str, Any]) -> None:
    managed = new["metadata"].get("managedFields")
    status = new.get("status")
    new.clear()
    new.update(old)
    new["metadata"] = dict(old["metadata"])
    new["metadata"].pop("managedFields", None)
    if managed:
        new["metadata"]["managedFields"] = managed
    new.pop("status", None)
    if status is not None:
        new["status"] = status


def _complete(
    resource: Resource, obj: dict[str, Any], old: dict[str, Any] | None, list_objects: ListObjects
) -> None:
    metadata = obj["metadata"]
    for name in ("labels", "annotations"):
        if not metadata.get(name, True):
            del metadata[name]
    set_defaults = DEFAULTS.get(resource.plural)
    if set_defaults:
        set_defaults(obj)
    if resource.plural == "services":
        allocate(obj, old, list_objects("services"))


def _intent(obj: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in obj.items() if key not in ("metadata", "status")}


def _check(resource: Resource, obj: dict[str, Any], causes: list[Cause]) -> None:
    if causes:
        raise invalid(resource.kind, resource.group, obj["metadata"]["name"], causes)


def grace_seconds(resource: Resource, obj: dict[str, Any], wanted: int | None) -> int:
    """Return how long an object outlives the beginning of its deletion: only a pod that runs does."""
    if resource.plural != "pods" or not obj["spec"].get("nodeName") or meta.is_pod_finished(obj):
        return 0
    seconds = obj["spec"].get("terminationGracePeriodSeconds", 30) if wanted is None else wanted
    # Unlike 0, a negative value is no order to forget the pod: Kubernetes makes it one second.
    return int(seconds) if seconds >= 0 else 1


def finalizers_for(resource: Resource, obj: dict[str, Any], propagation: str | None) -> list[str]:
    """Return the finalizers of an object to be deleted: who asks decides what becomes of its dependents.

    As in batch/v1, a Job's pods are orphaned when the request does not say.
    """
    present: list[str] = obj["metadata"].get("finalizers", [])
    if propagation is None:
        if _DEPENDENTS & set(present):
            return present
        propagation = "Orphan" if resource.plural == "jobs" else "Background"
    wanted = {"Foreground": ["foregroundDeletion"], "Orphan": ["orphan"]}.get(propagation, [])
    return [name for name in present if name not in _DEPENDENTS] + wanted
