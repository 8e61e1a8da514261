"""ReplicaSets: as many pods as are asked for."""

from functools import partial
from typing import Any

from lab.kube import meta
from lab.kube.controllers.adoption import claim, owned
from lab.kube.controllers.loop import Loop, controller_named, itself
from lab.kube.controllers.podcontrol import available_in, create_pod, delete_pod
from lab.kube.meta import Key
from lab.kube.selectors import object_selector
from lab.kube.store import Store
from lab.kube.watch import Change

_COMPONENT = "replicaset-controller"
_ORDER = ("Unknown", "Pending", "Running")


async def run(store: Store) -> None:
    """Run until cancelled."""
    owners = controller_named("ReplicaSet")

    def concerns(change: Change) -> list[Key]:
        keys = list(owners(change))
        return keys if meta.controller_of(change.obj) else keys + _adopters(store, change.obj)

    await Loop(store, partial(reconcile, store), {"replicasets": itself, "pods": concerns}).run()


def _adopters(store: Store, pod: dict[str, Any]) -> list[Key]:
    labels = meta.labels_of(pod)
    return [
        meta.key_of(one)
        for one in store.list("replicasets", pod["metadata"]["namespace"])
        if object_selector(one["spec"]["selector"])(labels)
    ]


def reconcile(store: Store, key: Key) -> float | None:
    """Make or take away pods, and tell how many there are."""
    replica_set = store.find("replicasets", *key)
    if replica_set is None:
        return None
    pods = claim(store, replica_set, "pods")
    active = [pod for pod in pods if meta.is_pod_active(pod)]
    failure = None
    if not meta.is_deleting(replica_set):
        failure = _scale(store, replica_set, active)
        pods = owned(store, replica_set, "pods")
        active = [pod for pod in pods if meta.is_pod_active(pod)]
    waits = _write_status(store, replica_set, pods, active)
    if failure:
        raise failure
    return waits


def _scale(store: Store, replica_set: dict[str, Any], active: list[dict[str, Any]]) -> Exception | None:
    missing = replica_set["spec"]["replicas"] - len(active)
    try:
        for _ in range(missing):
            create_pod(store, replica_set, _COMPONENT)
    except Exception as error:
        return error
    surplus = sorted(active, key=_first_to_go)[:-missing] if missing < 0 else []
    for pod in surplus:
        delete_pod(store, replica_set, pod, _COMPONENT)
    return None


def _first_to_go(pod: dict[str, Any]) -> tuple[Any, ...]:
    """Order pods as Kubernetes takes them away: what serves least, then what costs least, then the newest."""
    metadata, status = pod["metadata"], pod["status"]
    phase = status.get("phase", "Unknown")
    restarts = max((one.get("restartCount", 0) for one in status.get("containerStatuses", [])), default=0)
    try:
        cost = int(meta.annotations_of(pod).get("controller.kubernetes.io/pod-deletion-cost", "0"))
    except ValueError:
        cost = 0
    return (
        bool(pod["spec"].get("nodeName")),
        _ORDER.index(phase) if phase in _ORDER else 0,
        meta.is_pod_ready(pod),
        cost,
        -restarts,
        -meta.parse_time(metadata["creationTimestamp"]).timestamp(),
        metadata["name"],
    )


def _write_status(
    store: Store, replica_set: dict[str, Any], pods: list[dict[str, Any]], active: list[dict[str, Any]]
) -> float | None:
    spec = replica_set["spec"]
    waits = [available_in(pod, spec.get("minReadySeconds", 0)) for pod in active]
    ready = [seconds for seconds in waits if seconds is not None]
    template_labels = spec["template"]["metadata"].get("labels", {}).items()
    counts = {
        "fullyLabeledReplicas": sum(1 for pod in active if template_labels <= meta.labels_of(pod).items()),
        "readyReplicas": len(ready),
        "availableReplicas": sum(1 for seconds in ready if not seconds),
        "terminatingReplicas": sum(
            1 for pod in pods if meta.is_deleting(pod) and not meta.is_pod_finished(pod)
        ),
    }
    status = {"replicas": len(active), "observedGeneration": replica_set["metadata"]["generation"]}
    status |= {name: count for name, count in counts.items() if count}

    def change(new: dict[str, Any]) -> None:
        new["status"] = status

    # Its last pod may have been what held a deleted ReplicaSet.
    if store.find("replicasets", *meta.key_of(replica_set)) is not None:
        store.mutate("replicasets", *meta.key_of(replica_set), change, "status")
    later = [seconds for seconds in ready if seconds]
    return min(later) if later else None
