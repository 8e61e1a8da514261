"""Events: what happened to an object, for people; the same thing again only counts."""

import hashlib
from contextlib import suppress
from typing import Any

from lab.kube import meta
from lab.kube.errors import ApiError
from lab.kube.store import Store

_KEPT_SECONDS = 3600
_KEPT_EVENTS = 5000


def record(
    store: Store,
    involved: dict[str, Any],
    reason: str,
    message: str,
    type: str = "Normal",  # noqa: A002 - the name of the event's field
    component: str = "",
) -> None:
    """Tell what happened to an object; told again within an hour, the same event counts up.

    An object whose namespace is on its way out gets no event.
    """
    metadata = involved["metadata"]
    namespace = metadata.get("namespace", "default")
    identity = "\n".join((metadata["uid"], reason, message, type, component))
    name = f"{metadata['name']}.{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    now = meta.now()

    def count(event: dict[str, Any]) -> None:
        event["count"] = event.get("count", 1) + 1
        event["lastTimestamp"] = now

    if store.find("events", namespace, name):
        store.mutate("events", namespace, name, count)
        return
    event = {
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": {
            "apiVersion": involved["apiVersion"],
            "kind": involved["kind"],
            "name": metadata["name"],
            "namespace": namespace,
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
        },
        "reason": reason,
        "message": message,
        "type": type,
        "source": {"component": component},
        "reportingComponent": component,
        "count": 1,
        "firstTimestamp": now,
        "lastTimestamp": now,
    }
    # 403 and 404: the namespace is going or gone.
    with suppress(ApiError):
        store.create("events", event)
    _forget_old(store)


def _forget_old(store: Store) -> None:
    """Drop events that are over an hour old, and the oldest of too many; in the order of their creation."""
    while (oldest := store.oldest("events")) is not None:
        is_old = meta.age_seconds(oldest.get("lastTimestamp", meta.now())) > _KEPT_SECONDS
        if not is_old and store.count("events") <= _KEPT_EVENTS:
            return
        store.delete("events", *meta.key_of(oldest))
