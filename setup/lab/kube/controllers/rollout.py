"""The revisions of a Deployment: its ReplicaSets, their numbers, and how many pods each may have."""

import hashlib
import json
import math
from typing import Any

from lab.kube import meta
from lab.kube.codec import copy
from lab.kube.events import record
from lab.kube.store import Store

Json = dict[str, Any]
REVISION = "deployment.kubernetes.io/revision"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
HISTORY = "deployment.kubernetes.io/revision-history"
HASH = "pod-template-hash"
COMPONENT = "deployment-controller"
_NOT_COPIED = (
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MAXIMUM,
    "deprecated.deployment.rollback.to",
)


def template_hash(deployment: Json) -> str:
    """Return the hash that tells a template's pods from those of another."""
    text = json.dumps(deployment["spec"]["template"], sort_keys=True)
    text += str(deployment.get("status", {}).get("collisionCount", ""))
    return meta.encode_hash(int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big"))


def has_template(replica_set: Json, deployment: Json) -> bool:
    """Tell whether the ReplicaSet makes the Deployment's present pods."""
    template = copy(replica_set["spec"]["template"])
    template["metadata"].get("labels", {}).pop(HASH, None)
    return bool(template == deployment["spec"]["template"])


def revision(obj: Json) -> int:
    """Return the revision number of a ReplicaSet or Deployment; 0 when it has none."""
    try:
        return int(meta.annotations_of(obj).get(REVISION, "0"))
    except ValueError:
        return 0


def limits(deployment: Json) -> tuple[int, int]:
    """Return how many pods there may be more than asked for, and how many fewer."""
    spec = deployment["spec"]
    replicas = spec["replicas"]
    if spec["strategy"]["type"] != "RollingUpdate":
        return 0, replicas
    rolling = spec["strategy"]["rollingUpdate"]
    surge = _amount(rolling["maxSurge"], replicas, up=True)
    unavailable = _amount(rolling["maxUnavailable"], replicas, up=False)
    if not surge and not unavailable:
        # Percentages that round to nothing would never allow a step.
        unavailable = 1
    return surge, min(unavailable, replicas) if replicas else unavailable


def _amount(value: int | str, replicas: int, *, up: bool) -> int:
    if isinstance(value, int):
        return value
    exact = int(value.rstrip("%")) * replicas / 100
    return math.ceil(exact) if up else math.floor(exact)


def new_replica_count(deployment: Json, replica_sets: list[Json], current: int) -> int:
    """Return how many pods the newest ReplicaSet may have by now."""
    wanted: int = deployment["spec"]["replicas"]
    if deployment["spec"]["strategy"]["type"] != "RollingUpdate":
        return wanted
    surge, _ = limits(deployment)
    room = wanted + surge - sum(one["spec"]["replicas"] for one in replica_sets)
    return current if room <= 0 else current + min(room, wanted - current)


def create_replica_set(store: Store, deployment: Json, replicas: int, number: int) -> Json:
    """Make the ReplicaSet of the Deployment's present template; raises ApiError 409 when the name is taken."""
    digest = template_hash(deployment)
    template = copy(deployment["spec"]["template"])
    template["metadata"].setdefault("labels", {})[HASH] = digest
    selector = copy(deployment["spec"]["selector"])
    selector.setdefault("matchLabels", {})[HASH] = digest
    spec: Json = {"replicas": replicas, "selector": selector, "template": template}
    if deployment["spec"].get("minReadySeconds"):
        spec["minReadySeconds"] = deployment["spec"]["minReadySeconds"]
    metadata = {
        "name": f"{deployment['metadata']['name']}-{digest}",
        "namespace": deployment["metadata"]["namespace"],
        "labels": dict(template["metadata"]["labels"]),
        "annotations": wanted_annotations(deployment, {}) | {REVISION: str(number)},
        "ownerReferences": [meta.owner_reference(deployment)],
    }
    return store.create("replicasets", {"metadata": metadata, "spec": spec})


def wanted_annotations(deployment: Json, present: dict[str, str]) -> dict[str, str]:
    """Return the annotations that a ReplicaSet of the Deployment carries, on top of those it has."""
    copied = {key: value for key, value in meta.annotations_of(deployment).items() if key not in _NOT_COPIED}
    return present | copied | size_annotations(deployment)


def size_annotations(deployment: Json) -> dict[str, str]:
    """Return the annotations by which a later scaling is noticed."""
    replicas = deployment["spec"]["replicas"]
    return {DESIRED: str(replicas), MAXIMUM: str(replicas + limits(deployment)[0])}


def scale(store: Store, deployment: Json, replica_set: Json, replicas: int) -> Json:
    """Ask a ReplicaSet for another number of pods, and tell of it."""
    before = replica_set["spec"]["replicas"]
    sizes = size_annotations(deployment)
    if before == replicas and sizes.items() <= meta.annotations_of(replica_set).items():
        return replica_set

    def change(new: Json) -> None:
        new["spec"]["replicas"] = replicas
        new["metadata"].setdefault("annotations", {}).update(sizes)

    scaled = store.mutate("replicasets", *meta.key_of(replica_set), change)
    if before != replicas:
        tell_scaled(store, deployment, replica_set, before, replicas)
    return scaled


def tell_scaled(store: Store, deployment: Json, replica_set: Json, before: int, after: int) -> None:
    """Record that a ReplicaSet was scaled."""
    direction = "up" if after > before else "down"
    name = replica_set["metadata"]["name"]
    text = f"Scaled {direction} replica set {name} from {before} to {after}"
    record(store, deployment, "ScalingReplicaSet", text, component=COMPONENT)


def scale_down_steps(deployment: Json, new: Json, old: list[Json]) -> list[tuple[Json, int]]:
    """Return which old ReplicaSets may shrink to what, so that enough pods stay available.

    Pods that never became ready go first; then as many as the new ones make up for, oldest ReplicaSet first.
    """
    replicas = deployment["spec"]["replicas"]
    minimum = replicas - limits(deployment)[1]
    total = new["spec"]["replicas"] + sum(one["spec"]["replicas"] for one in old)
    new_unavailable = new["spec"]["replicas"] - new.get("status", {}).get("availableReplicas", 0)
    room = total - minimum - max(new_unavailable, 0)
    if room <= 0:
        return []
    sizes = {one["metadata"]["name"]: one["spec"]["replicas"] for one in old}
    ordered = sorted(old, key=lambda one: (one["metadata"]["creationTimestamp"], revision(one)))
    cleaned = 0
    for one in ordered:
        unhealthy = sizes[one["metadata"]["name"]] - one.get("status", {}).get("availableReplicas", 0)
        step = min(max(unhealthy, 0), room - cleaned)
        sizes[one["metadata"]["name"]] -= step
        cleaned += step
    available = sum(one.get("status", {}).get("availableReplicas", 0) for one in [new, *old])
    spare = available - minimum
    for one in ordered:
        step = min(sizes[one["metadata"]["name"]], max(spare, 0))
        sizes[one["metadata"]["name"]] -= step
        spare -= step
    changed = [(one, sizes[one["metadata"]["name"]]) for one in ordered]
    return [(one, size) for one, size in changed if size != one["spec"]["replicas"]]


def proportional_sizes(deployment: Json, replica_sets: list[Json]) -> dict[str, int]:
    """Return the sizes of active ReplicaSets when a Deployment is scaled in the middle of a rollout."""
    active = [one for one in replica_sets if one["spec"]["replicas"]]
    allowed = deployment["spec"]["replicas"] + limits(deployment)[0] if deployment["spec"]["replicas"] else 0
    total = sum(one["spec"]["replicas"] for one in active)
    difference = allowed - total
    growing = difference > 0
    by_age = sorted(active, key=lambda one: one["metadata"]["creationTimestamp"], reverse=growing)
    by_size = sorted(by_age, key=lambda one: -one["spec"]["replicas"])
    sizes = {one["metadata"]["name"]: one["spec"]["replicas"] for one in by_size}
    added = 0
    for one in by_size:
        name, size = one["metadata"]["name"], one["spec"]["replicas"]
        before = int(meta.annotations_of(one).get(MAXIMUM, "0")) or deployment.get("status", {}).get(
            "replicas", 0
        )
        share = round(size * allowed / before) - size if before else 0
        rest = difference - added
        step = max(min(share, rest), 0) if growing else min(max(share, rest), 0)
        sizes[name] += step
        added += step
    if by_size and added != difference:
        biggest = by_size[0]["metadata"]["name"]
        sizes[biggest] = max(sizes[biggest] + difference - added, 0)
    return sizes
