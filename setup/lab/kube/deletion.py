"""How an object goes: marked first, and gone when nothing holds it any more."""

from datetime import UTC, datetime, timedelta
from typing import Any

from lab.kube.resources import Resource


def may_go(obj: dict[str, Any]) -> bool:
    """Tell whether nothing holds an object whose deletion has begun."""
    metadata = obj["metadata"]
    waits = metadata.get("finalizers") or metadata.get("deletionGracePeriodSeconds")
    return not waits and not (obj["kind"] == "Namespace" and obj.get("spec", {}).get("finalizers"))


def mark_deleted(resource: Resource, obj: dict[str, Any], grace: int, finalizers: list[str]) -> None:
    """Write into an object that its deletion has begun, or that it shall be over sooner."""
    metadata = obj["metadata"]
    if finalizers:
        metadata["finalizers"] = finalizers
    else:
        metadata.pop("finalizers", None)
    if "deletionTimestamp" in metadata and grace >= metadata["deletionGracePeriodSeconds"]:
        return
    if "generation" in metadata and "deletionTimestamp" not in metadata:
        metadata["generation"] += 1
    gone = datetime.now(UTC) + timedelta(seconds=grace)
    metadata["deletionTimestamp"] = gone.strftime("%Y-%m-%dT%H:%M:%SZ")
    metadata["deletionGracePeriodSeconds"] = grace
    if resource.plural == "namespaces":
        obj.setdefault("status", {})["phase"] = "Terminating"
