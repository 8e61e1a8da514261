"""A Deployment's status: how many pods of which kind, whether it is available, whether it gets on."""

from typing import Any

from lab.kube import meta
from lab.kube.controllers.rollout import limits

Json = dict[str, Any]
_COUNTS = ("replicas", "readyReplicas", "availableReplicas", "terminatingReplicas")


def set_condition(status: str, reason: str, message: str, kind: str = "Progressing") -> Json:
    """Return a condition as of now."""
    now = meta.now()
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastUpdateTime": now,
        "lastTransitionTime": now,
    }


def status_of(deployment: Json, new: Json | None, replica_sets: list[Json], started: Json) -> Json:
    """Return a Deployment's status; started is the condition of a rollout that began just now, if one did."""
    before = deployment.get("status", {})
    counts = {name: sum(one.get("status", {}).get(name, 0) for one in replica_sets) for name in _COUNTS}
    counts["updatedReplicas"] = new.get("status", {}).get("replicas", 0) if new else 0
    total = sum(max(one["spec"]["replicas"], one.get("status", {}).get("replicas", 0)) for one in replica_sets)
    counts["unavailableReplicas"] = max(total - counts["availableReplicas"], 0)
    status: Json = {"observedGeneration": deployment["metadata"]["generation"]}
    status |= {name: count for name, count in counts.items() if count}
    if "collisionCount" in before:
        status["collisionCount"] = before["collisionCount"]
    conditions = {one["type"]: one for one in before.get("conditions", [])}
    if started:
        conditions["Progressing"] = started
    _set_available(deployment, conditions, counts["availableReplicas"])
    if not deployment["spec"].get("paused"):
        _set_progressing(deployment, conditions, counts, new)
    status["conditions"] = list(conditions.values())
    return status


def _set_available(deployment: Json, conditions: dict[str, Json], available: int) -> None:
    minimum = deployment["spec"]["replicas"] - limits(deployment)[1]
    if available >= minimum:
        wanted = ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    else:
        wanted = ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    _put(conditions, set_condition(*wanted, kind="Available"))


def _put(conditions: dict[str, Json], condition: Json) -> None:
    """Set a condition, unless it is there already; its transition time changes with its status only."""
    present = conditions.get(condition["type"])
    if present and present["status"] == condition["status"]:
        if present["reason"] == condition["reason"]:
            return
        condition["lastTransitionTime"] = present["lastTransitionTime"]
    conditions[condition["type"]] = condition


def _set_progressing(
    deployment: Json, conditions: dict[str, Json], counts: dict[str, int], new: Json | None
) -> None:
    wanted = deployment["spec"]["replicas"]
    present = conditions.get("Progressing")
    is_settled = present and present["reason"] == "NewReplicaSetAvailable"
    if is_settled and counts["replicas"] == counts["updatedReplicas"]:
        return
    name = (
        f'ReplicaSet "{new["metadata"]["name"]}"' if new else f'Deployment "{deployment["metadata"]["name"]}"'
    )
    if new and counts["updatedReplicas"] == counts["replicas"] == counts["availableReplicas"] == wanted:
        text = f"{name} has successfully progressed."
        _put(conditions, set_condition("True", "NewReplicaSetAvailable", text))
    elif _is_getting_on(deployment.get("status", {}), counts):
        conditions.pop("Progressing", None)
        condition = set_condition("True", "ReplicaSetUpdated", f"{name} is progressing.")
        if present and present["status"] == "True":
            condition["lastTransitionTime"] = present["lastTransitionTime"]
        conditions["Progressing"] = condition
    elif _seconds_left(deployment, present) == 0:
        text = f"{name} has timed out progressing."
        _put(conditions, set_condition("False", "ProgressDeadlineExceeded", text))


def _is_getting_on(before: Json, counts: dict[str, int]) -> bool:
    old_before = before.get("replicas", 0) - before.get("updatedReplicas", 0)
    return (
        counts["updatedReplicas"] > before.get("updatedReplicas", 0)
        or counts["replicas"] - counts["updatedReplicas"] < old_before
        or counts["readyReplicas"] > before.get("readyReplicas", 0)
        or counts["availableReplicas"] > before.get("availableReplicas", 0)
    )


def _seconds_left(deployment: Json, condition: Json | None) -> float | None:
    """Return how long the rollout may still stand still: 0 when its deadline has passed, None without one."""
    if condition is None or condition["reason"] == "NewReplicaSetAvailable":
        return None
    deadline = deployment["spec"]["progressDeadlineSeconds"]
    return float(max(deadline - meta.age_seconds(condition["lastUpdateTime"]), 0.0))


def next_check(deployment: Json) -> float | None:
    """Return in how many seconds the progress deadline passes; None when nothing is awaited."""
    condition = meta.condition_of(deployment, "Progressing")
    if deployment["spec"].get("paused") or (condition and condition["reason"] == "ProgressDeadlineExceeded"):
        return None
    left = _seconds_left(deployment, condition)
    return None if left is None else left + 0.05
