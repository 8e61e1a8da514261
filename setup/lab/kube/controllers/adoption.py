"""Who controls what: orphans that a selector matches are adopted, what it no longer matches is let go."""

from typing import Any

from lab.kube import meta
from lab.kube.index import NOBODY
from lab.kube.selectors import object_selector
from lab.kube.store import Store


def claim(store: Store, owner: dict[str, Any], plural: str) -> list[dict[str, Any]]:
    """Return the objects that owner controls, after taking in orphans and letting go of what does not match."""
    matches = object_selector(owner["spec"]["selector"])
    is_going = meta.is_deleting(owner)
    claimed = []
    for obj in owned(store, owner, plural):
        if is_going or matches(meta.labels_of(obj)):
            claimed.append(obj)
        elif not meta.is_deleting(obj):
            _release(store, owner, plural, obj)
    orphans = [] if is_going else store.controlled(plural, owner["metadata"]["namespace"], NOBODY)
    adopted = [
        _adopt(store, owner, plural, obj)
        for obj in orphans
        if matches(meta.labels_of(obj)) and not meta.is_deleting(obj)
    ]
    return claimed + adopted


def owned(store: Store, owner: dict[str, Any], plural: str) -> list[dict[str, Any]]:
    """Return the objects whose controller is owner, by name."""
    return store.controlled(plural, owner["metadata"]["namespace"], owner["metadata"]["uid"])


def _adopt(store: Store, owner: dict[str, Any], plural: str, obj: dict[str, Any]) -> dict[str, Any]:
    def change(new: dict[str, Any]) -> None:
        new["metadata"].setdefault("ownerReferences", []).append(meta.owner_reference(owner))

    return store.mutate(plural, *meta.key_of(obj), change)


def _release(store: Store, owner: dict[str, Any], plural: str, obj: dict[str, Any]) -> None:
    def change(new: dict[str, Any]) -> None:
        references = new["metadata"].pop("ownerReferences")
        rest = [reference for reference in references if reference["uid"] != owner["metadata"]["uid"]]
        if rest:
            new["metadata"]["ownerReferences"] = rest

    store.mutate(plural, *meta.key_of(obj), change)
