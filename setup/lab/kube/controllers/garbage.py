"""Owner references: what becomes of dependents when their owner goes, in the background, first, or never."""

from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import Any

from lab.kube import meta
from lab.kube.controllers.loop import Loop
from lab.kube.meta import Key
from lab.kube.resources import RESOURCES
from lab.kube.store import Store
from lab.kube.watch import Change

_FOREGROUND, _ORPHAN = "foregroundDeletion", "orphan"
# Nothing refers to an event, and events refer to nothing by ownership.
_PLURALS = {resource.kind: resource.plural for resource in RESOURCES if resource.plural != "events"}


class _Graph:
    """Who says that whom owns it, by uid; kept up with every change."""

    def __init__(self) -> None:
        self.dependents: defaultdict[str, dict[str, None]] = defaultdict(dict)

    def note(self, change: Change) -> Iterable[Key]:
        """Take a change in; names the uids to look at (as keys without a namespace)."""
        metadata = change.obj["metadata"]
        uid = metadata["uid"]
        for owner in _owners(change.old):
            self.dependents[owner].pop(uid, None)
            yield "", owner
        if change.type == "DELETED":
            yield "", uid
            return
        for owner in _owners(change.obj):
            self.dependents[owner][uid] = None
        if metadata.get("ownerReferences") or metadata.get("finalizers"):
            yield "", uid


def _owners(obj: dict[str, Any] | None) -> list[str]:
    return [one["uid"] for one in obj["metadata"].get("ownerReferences", ())] if obj else []


async def run(store: Store) -> None:
    """Run until cancelled."""
    graph = _Graph()
    await Loop(store, partial(reconcile, store, graph), dict.fromkeys(_PLURALS.values(), graph.note)).run()


def reconcile(store: Store, graph: _Graph, key: Key) -> None:
    """Look at one object by its uid: at its owners, and at those that it owns."""
    uid = key[1]
    obj = store.by_uid(uid)
    dependents = [one for one in map(store.by_uid, list(graph.dependents.get(uid, ()))) if one is not None]
    if obj is None:
        graph.dependents.pop(uid, None)
        for one in dependents:
            _check_owners(store, one)
        return
    if meta.is_deleting(obj):
        _finish(store, obj, dependents)
    else:
        _check_owners(store, obj)


def _check_owners(store: Store, obj: dict[str, Any]) -> None:
    """Delete an object whose owners are all gone; forget those of several that are."""
    references = obj["metadata"].get("ownerReferences", [])
    present = [one for one in references if _is_there(store, obj, one)]
    if len(present) == len(references) or meta.is_deleting(obj):
        return
    if not present:
        propagation = _kept_propagation(obj)
        store.delete(
            _PLURALS[obj["kind"]], *meta.key_of(obj), propagation=propagation, uid=obj["metadata"]["uid"]
        )
        return

    def change(new: dict[str, Any]) -> None:
        new["metadata"]["ownerReferences"] = present

    store.mutate(_PLURALS[obj["kind"]], *meta.key_of(obj), change)


def _is_there(store: Store, obj: dict[str, Any], reference: dict[str, Any]) -> bool:
    owner = store.by_uid(reference["uid"])
    if owner is None:
        # A kind that is not served here cannot be looked up: its word is taken.
        return reference["kind"] not in _PLURALS
    return owner["metadata"].get("namespace") in (None, obj["metadata"].get("namespace"))


def _kept_propagation(obj: dict[str, Any]) -> str:
    finalizers = obj["metadata"].get("finalizers", ())
    return "Orphan" if _ORPHAN in finalizers else "Foreground" if _FOREGROUND in finalizers else "Background"


def _finish(store: Store, obj: dict[str, Any], dependents: list[dict[str, Any]]) -> None:
    finalizers = obj["metadata"].get("finalizers", ())
    uid = obj["metadata"]["uid"]
    if _ORPHAN in finalizers:
        for one in dependents:
            _let_go(store, one, uid)
        _drop_finalizer(store, obj, _ORPHAN)
    elif _FOREGROUND in finalizers:
        for one in dependents:
            if not meta.is_deleting(one):
                store.delete(_PLURALS[one["kind"]], *meta.key_of(one), propagation="Foreground")
        blocking = [one for one in dependents if _blocks(store, one, uid)]
        if not blocking:
            _drop_finalizer(store, obj, _FOREGROUND)


def _blocks(store: Store, dependent: dict[str, Any], owner: str) -> bool:
    if store.by_uid(dependent["metadata"]["uid"]) is None:
        return False
    references = dependent["metadata"]["ownerReferences"]
    return any(one["uid"] == owner and one.get("blockOwnerDeletion") for one in references)


def _let_go(store: Store, dependent: dict[str, Any], owner: str) -> None:
    def change(new: dict[str, Any]) -> None:
        rest = [one for one in new["metadata"].pop("ownerReferences") if one["uid"] != owner]
        if rest:
            new["metadata"]["ownerReferences"] = rest

    store.mutate(_PLURALS[dependent["kind"]], *meta.key_of(dependent), change)


def _drop_finalizer(store: Store, obj: dict[str, Any], name: str) -> None:
    def change(new: dict[str, Any]) -> None:
        rest = [one for one in new["metadata"].pop("finalizers") if one != name]
        if rest:
            new["metadata"]["finalizers"] = rest

    store.mutate(_PLURALS[obj["kind"]], *meta.key_of(obj), change)
