"""Deployments: ReplicaSets that follow each other without a gap."""

from functools import partial
from typing import Any

from lab.kube import meta
from lab.kube.controllers import rollout
from lab.kube.controllers.adoption import claim, owned
from lab.kube.controllers.conditions import next_check, set_condition, status_of
from lab.kube.controllers.loop import Loop, controller_named, itself
from lab.kube.errors import ApiError
from lab.kube.meta import Key
from lab.kube.patch.managed import tracker
from lab.kube.resources import BY_PLURAL
from lab.kube.selectors import object_selector
from lab.kube.store import Store
from lab.kube.watch import Change

Json = dict[str, Any]
_track = tracker(BY_PLURAL["deployments"], "kube-controller-manager")


async def run(store: Store) -> None:
    """Run until cancelled."""
    owners = controller_named("Deployment")

    def concerns_of_pod(change: Change) -> list[Key]:
        # Recreate waits until an old pod is really gone, which its ReplicaSet does not count.
        controller = meta.controller_of(change.obj)
        owner = store.by_uid(controller["uid"]) if controller and change.type == "DELETED" else None
        return list(owners(Change(0, "MODIFIED", owner, None))) if owner else []

    def concerns_of_replica_set(change: Change) -> list[Key]:
        keys = list(owners(change))
        if meta.controller_of(change.obj):
            return keys
        labels = meta.labels_of(change.obj)
        deployments = store.list("deployments", change.obj["metadata"]["namespace"])
        return keys + [
            meta.key_of(one) for one in deployments if object_selector(one["spec"]["selector"])(labels)
        ]

    watches = {"deployments": itself, "replicasets": concerns_of_replica_set, "pods": concerns_of_pod}
    await Loop(store, partial(reconcile, store), watches).run()


def reconcile(store: Store, key: Key) -> float | None:
    """Take the next step of a rollout, and tell how far it is."""
    deployment = store.find("deployments", *key)
    if deployment is None:
        return None
    replica_sets = claim(store, deployment, "replicasets")
    conditions: Json = {}
    if not meta.is_deleting(deployment):
        deployment = _check_paused(store, deployment)
        conditions = _step(store, deployment, replica_sets)
    replica_sets = owned(store, deployment, "replicasets")
    deployment = store.get("deployments", *key)
    status = status_of(deployment, _newest(deployment, replica_sets), replica_sets, conditions)

    def change(new: Json) -> None:
        new["status"] = status

    deployment = store.mutate("deployments", *key, change, "status")
    return None if meta.is_deleting(deployment) else next_check(deployment)


def _newest(deployment: Json, replica_sets: list[Json]) -> Json | None:
    matching = [one for one in replica_sets if rollout.has_template(one, deployment)]
    return min(matching, key=lambda one: one["metadata"]["creationTimestamp"], default=None)


def _step(store: Store, deployment: Json, replica_sets: list[Json]) -> Json:
    """Do what can be done now; returns the Progressing condition that a new ReplicaSet brings, if any."""
    new = _newest(deployment, replica_sets)
    old = [one for one in replica_sets if one is not new]
    if deployment["spec"].get("paused") or _was_scaled(deployment, replica_sets):
        if new:
            new = _refresh(store, deployment, new, old)
        _spread(store, deployment, new, old)
        return {}
    if deployment["spec"]["strategy"]["type"] == "Recreate":
        return _recreate(store, deployment, new, old)
    new, condition = _ensure_new(store, deployment, new, old)
    size = rollout.new_replica_count(deployment, [new, *old], new["spec"]["replicas"])
    if new["spec"]["replicas"] > deployment["spec"]["replicas"]:
        size = deployment["spec"]["replicas"]
    new = rollout.scale(store, deployment, new, size)
    for one, smaller in rollout.scale_down_steps(
        deployment, new, [one for one in old if one["spec"]["replicas"]]
    ):
        rollout.scale(store, deployment, one, smaller)
    _clean_up(store, deployment, new, old)
    return condition


def _was_scaled(deployment: Json, replica_sets: list[Json]) -> bool:
    wanted = str(deployment["spec"]["replicas"])
    active = [one for one in replica_sets if one["spec"]["replicas"]]
    return any(meta.annotations_of(one).get(rollout.DESIRED, wanted) != wanted for one in active)


def _spread(store: Store, deployment: Json, new: Json | None, old: list[Json]) -> None:
    """Give a changed number of replicas to the ReplicaSets that there are."""
    everything = [*old, new] if new else old
    active = [one for one in everything if one["spec"]["replicas"]]
    wanted = deployment["spec"]["replicas"]
    if len(active) <= 1:
        only = active[0] if active else new
        if only:
            rollout.scale(store, deployment, only, wanted)
        return
    if new and new["spec"]["replicas"] == wanted == new.get("status", {}).get("availableReplicas", 0):
        for one in old:
            if one["spec"]["replicas"]:
                rollout.scale(store, deployment, one, 0)
        return
    if deployment["spec"]["strategy"]["type"] == "RollingUpdate":
        sizes = rollout.proportional_sizes(deployment, active)
        for one in active:
            rollout.scale(store, deployment, one, sizes[one["metadata"]["name"]])


def _recreate(store: Store, deployment: Json, new: Json | None, old: list[Json]) -> Json:
    for one in old:
        if one["spec"]["replicas"]:
            rollout.scale(store, deployment, one, 0)
    if any(not meta.is_pod_finished(pod) for one in old for pod in owned(store, one, "pods")):
        return {}
    new, condition = _ensure_new(store, deployment, new, old)
    new = rollout.scale(store, deployment, new, deployment["spec"]["replicas"])
    _clean_up(store, deployment, new, old)
    return condition


def _ensure_new(store: Store, deployment: Json, new: Json | None, old: list[Json]) -> tuple[Json, Json]:
    """Return the present template's ReplicaSet, made if need be, and the condition that tells of a new one."""
    if new:
        new = _refresh(store, deployment, new, old)
        if meta.condition_of(deployment, "Progressing"):
            return new, {}
        return new, set_condition(
            "True", "FoundNewReplicaSet", f'Found new replica set "{new["metadata"]["name"]}"'
        )
    number = max((rollout.revision(one) for one in old), default=0) + 1
    size = rollout.new_replica_count(deployment, old, 0)
    try:
        new = rollout.create_replica_set(store, deployment, size, number)
    except ApiError as error:
        if error.reason == "AlreadyExists":
            _count_collision(store, deployment)
        raise
    if size:
        rollout.tell_scaled(store, deployment, new, 0, size)
    _note_revision(store, deployment, number)
    name = new["metadata"]["name"]
    return new, set_condition("True", "NewReplicaSetCreated", f'Created new replica set "{name}"')


def _refresh(store: Store, deployment: Json, new: Json, old: list[Json]) -> Json:
    """Bring the annotations and the revision of the present template's ReplicaSet up to date."""
    number = max(max((rollout.revision(one) for one in old), default=0) + 1, rollout.revision(new))

    def change(changed: Json) -> None:
        present = meta.annotations_of(changed)
        sizes = {key: present[key] for key in (rollout.DESIRED, rollout.MAXIMUM) if key in present}
        annotations = rollout.wanted_annotations(deployment, present) | sizes
        before = rollout.revision(changed)
        if before and before != number:
            earlier = annotations.get(rollout.HISTORY, "")
            annotations[rollout.HISTORY] = f"{earlier},{before}" if earlier else str(before)
        changed["metadata"]["annotations"] = annotations | {rollout.REVISION: str(number)}
        if deployment["spec"].get("minReadySeconds") != changed["spec"].get("minReadySeconds"):
            changed["spec"]["minReadySeconds"] = deployment["spec"].get("minReadySeconds", 0)

    _note_revision(store, deployment, number)
    return store.mutate("replicasets", *meta.key_of(new), change)


def _note_revision(store: Store, deployment: Json, number: int) -> None:
    def change(changed: Json) -> None:
        changed["metadata"].setdefault("annotations", {})[rollout.REVISION] = str(number)

    if rollout.revision(deployment) != number:
        store.mutate("deployments", *meta.key_of(deployment), change, track=_track)


def _count_collision(store: Store, deployment: Json) -> None:
    def change(changed: Json) -> None:
        changed["status"]["collisionCount"] = changed["status"].get("collisionCount", 0) + 1

    store.mutate("deployments", *meta.key_of(deployment), change, "status")


def _clean_up(store: Store, deployment: Json, new: Json, old: list[Json]) -> None:
    """Forget the oldest revisions, once the rollout is over."""
    wanted = deployment["spec"]["replicas"]
    if new.get("status", {}).get("availableReplicas", 0) < wanted:
        return
    idle = [
        one
        for one in old
        if not one["spec"]["replicas"]
        and not one.get("status", {}).get("replicas")
        and not meta.is_deleting(one)
    ]
    idle.sort(key=rollout.revision)
    for one in idle[: max(len(idle) - deployment["spec"]["revisionHistoryLimit"], 0)]:
        store.delete("replicasets", *meta.key_of(one))


def _check_paused(store: Store, deployment: Json) -> Json:
    """Tell in the conditions that the Deployment was paused or resumed."""
    is_paused = bool(deployment["spec"].get("paused"))
    condition = meta.condition_of(deployment, "Progressing")
    is_known = condition is not None and condition.get("reason") == "DeploymentPaused"
    if is_paused == is_known or (
        condition and condition.get("reason") == "ProgressDeadlineExceeded" and is_paused
    ):
        return deployment
    reason, text = (
        ("DeploymentPaused", "Deployment is paused")
        if is_paused
        else ("DeploymentResumed", "Deployment is resumed")
    )

    def change(new: Json) -> None:
        others = [one for one in new["status"].get("conditions", []) if one["type"] != "Progressing"]
        new["status"]["conditions"] = [*others, set_condition("Unknown", reason, text)]

    return store.mutate("deployments", *meta.key_of(deployment), change, "status")
