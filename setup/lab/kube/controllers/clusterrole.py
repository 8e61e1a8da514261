"""Aggregated ClusterRoles: their rules are those of all ClusterRoles that their selectors match."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from lab.kube import meta
from lab.kube.controllers.loop import Loop
from lab.kube.meta import Key
from lab.kube.selectors import object_selector
from lab.kube.store import Store
from lab.kube.watch import Change


async def run(store: Store) -> None:
    """Run until cancelled."""

    def concerns(_change: Change) -> Iterable[Key]:
        return [meta.key_of(role) for role in store.list("clusterroles") if role.get("aggregationRule")]

    await Loop(store, partial(reconcile, store), {"clusterroles": concerns}).run()


def reconcile(store: Store, key: Key) -> None:
    """Write the rules of one aggregated ClusterRole."""
    role = store.find("clusterroles", *key)
    selectors = ((role or {}).get("aggregationRule") or {}).get("clusterRoleSelectors") or []
    if role is None or not selectors:
        return
    matches = [object_selector(selector) for selector in selectors]
    rules: list[dict[str, Any]] = []
    for one in store.list("clusterroles"):
        if one is not role and any(match(meta.labels_of(one)) for match in matches):
            rules += [rule for rule in one.get("rules") or [] if rule not in rules]

    def change(new: dict[str, Any]) -> None:
        new["rules"] = rules

    store.mutate("clusterroles", *key, change)
