"""A namespace that is deleted takes its content with it, and goes when nothing is left."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from lab.kube import meta
from lab.kube.controllers.loop import Loop, itself
from lab.kube.meta import Key
from lab.kube.resources import RESOURCES
from lab.kube.store import Store
from lab.kube.watch import Change

_CONTENT = tuple(resource.plural for resource in RESOURCES if resource.namespaced)


async def run(store: Store) -> None:
    """Run until cancelled."""

    def its_namespace(change: Change) -> Iterable[Key]:
        return [("", change.obj["metadata"]["namespace"])] if change.type == "DELETED" else []

    watches = dict.fromkeys(_CONTENT, its_namespace) | {"namespaces": itself}
    await Loop(store, partial(reconcile, store), watches).run()


def reconcile(store: Store, key: Key) -> None:
    """Delete what is in a namespace that is on its way out, and let it go once it is empty."""
    namespace = store.find("namespaces", *key)
    if namespace is None or not meta.is_deleting(namespace):
        return
    name = key[1]
    for plural in _CONTENT:
        for obj in store.list(plural, name):
            if not meta.is_deleting(obj):
                store.delete(plural, *meta.key_of(obj), propagation="Background")
    left = {plural: len(store.list(plural, name)) for plural in _CONTENT}
    if any(left.values()):
        _tell(store, name, {plural: count for plural, count in left.items() if count})
        return

    def finish(new: dict[str, Any]) -> None:
        new["spec"].pop("finalizers", None)

    store.mutate("namespaces", None, name, finish, "finalize")


def _tell(store: Store, name: str, left: dict[str, int]) -> None:
    kinds = ", ".join(f"{plural} has {count} resource instances" for plural, count in sorted(left.items()))
    text = f"Some resources are remaining: {kinds}"

    def change(new: dict[str, Any]) -> None:
        condition = {
            "type": "NamespaceContentRemaining",
            "status": "True",
            "reason": "SomeResourcesRemain",
            "message": text,
            "lastTransitionTime": meta.now(),
        }
        present = meta.condition_of(new, condition["type"])
        if present is None or present["message"] != text:
            new["status"]["conditions"] = [condition]

    store.mutate("namespaces", None, name, change, "status")
