"""Small readers and writers of what every object carries: names, times, owners, conditions."""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

Object = dict[str, Any]
Key = tuple[str, str]
"""Namespace (empty for what has none) and name."""

# No vowels and nothing that looks like another letter, as Kubernetes does: no word appears by chance.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def now() -> str:
    """Return the time as metav1.Time writes it: RFC 3339, whole seconds, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime:
    """Read a metav1.Time or MicroTime; raises ValueError when it is none."""
    return datetime.fromisoformat(text)


def age_seconds(text: str) -> float:
    """Return how many seconds ago a metav1.Time was."""
    return (datetime.now(UTC) - parse_time(text)).total_seconds()


def random_suffix(length: int = 5) -> str:
    """Return random letters for a generated name."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def encode_hash(number: int) -> str:
    """Write a number with the letters of generated names, digit by digit."""
    return "".join(_ALPHABET[ord(digit) % len(_ALPHABET)] for digit in str(number))


def key_of(obj: Object) -> Key:
    """Return the object's namespace and name."""
    metadata = obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def labels_of(obj: Object) -> dict[str, str]:
    """Return the object's labels; not to be modified."""
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Object) -> dict[str, str]:
    """Return the object's annotations; not to be modified."""
    return obj["metadata"].get("annotations") or {}


def is_deleting(obj: Object) -> bool:
    """Tell whether the object's deletion has begun."""
    return "deletionTimestamp" in obj["metadata"]


def controller_of(obj: Object) -> Object | None:
    """Return the owner reference of the controller that manages the object."""
    references: Iterable[Object] = obj["metadata"].get("ownerReferences") or ()
    return next((reference for reference in references if reference.get("controller")), None)


def is_controlled_by(obj: Object, owner: Object) -> bool:
    """Tell whether owner is the controller of the object."""
    reference = controller_of(obj)
    return reference is not None and reference["uid"] == owner["metadata"]["uid"]


def owner_reference(owner: Object) -> Object:
    """Return the reference by which a controller marks what it made."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def condition_of(obj: Object, kind: str) -> Object | None:
    """Return the status condition of this type."""
    conditions: Iterable[Object] = obj.get("status", {}).get("conditions") or ()
    return next((condition for condition in conditions if condition["type"] == kind), None)


def is_pod_ready(pod: Object) -> bool:
    """Tell whether the pod's Ready condition is true."""
    condition = condition_of(pod, "Ready")
    return condition is not None and condition["status"] == "True"


def is_pod_finished(pod: Object) -> bool:
    """Tell whether all the pod's containers ended for good."""
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def is_pod_active(pod: Object) -> bool:
    """Tell whether the pod counts for its controller: neither finished nor on its way out."""
    return not is_pod_finished(pod) and not is_deleting(pod)
