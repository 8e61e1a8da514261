"""Every namespace has a ServiceAccount named default."""

from collections.abc import Iterable
from functools import partial

from lab.kube.controllers.loop import Loop, itself
from lab.kube.meta import Key, is_deleting
from lab.kube.store import Store
from lab.kube.watch import Change


async def run(store: Store) -> None:
    """Run until cancelled."""

    def its_namespace(change: Change) -> Iterable[Key]:
        metadata = change.obj["metadata"]
        return (
            [("", metadata["namespace"])] if change.type == "DELETED" and metadata["name"] == "default" else []
        )

    watches = {"namespaces": itself, "serviceaccounts": its_namespace}
    await Loop(store, partial(reconcile, store), watches).run()


def reconcile(store: Store, key: Key) -> None:
    """Make a namespace's ServiceAccount."""
    namespace = store.find("namespaces", *key)
    if namespace is None or is_deleting(namespace) or store.find("serviceaccounts", key[1], "default"):
        return
    store.create("serviceaccounts", {"metadata": {"name": "default", "namespace": key[1]}})
