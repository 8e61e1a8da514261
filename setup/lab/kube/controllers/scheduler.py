"""Scheduling: a pod goes to a ready node that its nodeSelector matches and whose taints it tolerates."""

from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Any

from lab.kube import meta
from lab.kube.api.subresources import bind
from lab.kube.controllers.loop import Loop
from lab.kube.events import record
from lab.kube.meta import Key
from lab.kube.store import Store
from lab.kube.watch import Change

_COMPONENT = "default-scheduler"


async def run(store: Store) -> None:
    """Run until cancelled."""

    def waiting(change: Change) -> Iterable[Key]:
        return [meta.key_of(change.obj)] if _is_waiting(change.obj) and change.type != "DELETED" else []

    def anybody(_change: Change) -> Iterable[Key]:
        return [
            meta.key_of(pod) for pod in store.list("pods", field_selector="spec.nodeName=") if _is_waiting(pod)
        ]

    await Loop(store, partial(reconcile, store), {"pods": waiting, "nodes": anybody}).run()


def _is_waiting(pod: dict[str, Any]) -> bool:
    spec = pod["spec"]
    return not spec.get("nodeName") and spec["schedulerName"] == _COMPONENT and meta.is_pod_active(pod)


def reconcile(store: Store, key: Key) -> None:
    """Bind a pod to a node, or say why it has to wait."""
    pod = store.find("pods", *key)
    if pod is None or not _is_waiting(pod):
        return
    nodes = store.list("nodes")
    fitting = [node for node in nodes if _fits(pod, node)]
    if not fitting:
        count = len(nodes)
        why = f"{count} node(s) were not ready, unschedulable, tainted or did not match the node selector."
        text = f"0/{count} nodes are available: {why}" if nodes else "no nodes available to schedule pods"
        _tell_unschedulable(store, pod, text)
        return
    node = _emptiest(store, fitting)["metadata"]["name"]
    bind(store, *key, node)
    text = f"Successfully assigned {'/'.join(key)} to {node}"
    record(store, pod, "Scheduled", text, component=_COMPONENT)


def _emptiest(store: Store, nodes: list[dict[str, Any]]) -> dict[str, Any]:
    if len(nodes) == 1:
        return nodes[0]
    load = Counter(one["spec"].get("nodeName") for one in store.list("pods"))
    return min(nodes, key=lambda one: load[one["metadata"]["name"]])


def _fits(pod: dict[str, Any], node: dict[str, Any]) -> bool:
    ready = meta.condition_of(node, "Ready")
    is_open = ready is not None and ready["status"] == "True" and not node.get("spec", {}).get("unschedulable")
    wanted = pod["spec"].get("nodeSelector", {})
    is_tolerated = all(_tolerates(pod, taint) for taint in node.get("spec", {}).get("taints", []))
    return is_open and is_tolerated and wanted.items() <= meta.labels_of(node).items()


def _tolerates(pod: dict[str, Any], taint: dict[str, Any]) -> bool:
    """Tell whether a taint keeps the pod off no node: it is a mere preference, or the pod tolerates it."""
    if taint["effect"] == "PreferNoSchedule":
        return True
    for one in pod["spec"].get("tolerations", []):
        # Without a key everything is tolerated, without an effect every effect.
        is_key = one.get("key", "") in ("", taint["key"])
        is_value = one.get("operator", "Equal") == "Exists" or one.get("value", "") == taint.get("value", "")
        if is_key and is_value and one.get("effect", "") in ("", taint["effect"]):
            return True
    return False


def _tell_unschedulable(store: Store, pod: dict[str, Any], text: str) -> None:
    present = meta.condition_of(pod, "PodScheduled")
    if present and present["status"] == "False" and present.get("message") == text:
        return
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": text,
        "lastTransitionTime": meta.now(),
    }

    def change(new: dict[str, Any]) -> None:
        others = [one for one in new["status"].get("conditions", []) if one["type"] != "PodScheduled"]
        new["status"]["conditions"] = [*others, condition]

    store.mutate("pods", *meta.key_of(pod), change, "status")
    record(store, pod, "FailedScheduling", text, "Warning", _COMPONENT)
