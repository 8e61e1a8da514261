"""The pod's row: its status is a story told from its containers' states."""

from typing import Any

from lab.kube import meta
from lab.kube.tables.text import age

Json = dict[str, Any]


def ready_containers(pod: Json) -> str:
    """Return READY, as in 1/2: of the containers and the sidecars."""
    statuses = _kept_running(pod)
    ready = sum(1 for status in statuses if status.get("ready") and "running" in status.get("state", {}))
    sidecars = sum(_is_sidecar(one) for one in pod["spec"].get("initContainers", []))
    return f"{ready}/{len(pod['spec']['containers']) + sidecars}"


def restarts(pod: Json) -> str:
    """Return RESTARTS, with the age of the last one: of the init containers until they are done."""
    statuses = _kept_running(pod)
    if _init_reason(pod) and not _is_initialized(pod):
        statuses = pod["status"].get("initContainerStatuses", [])
    count = sum(status.get("restartCount", 0) for status in statuses)
    ends = [status.get("lastState", {}).get("terminated", {}).get("finishedAt") for status in statuses]
    known = [end for end in ends if end]
    return f"{count} ({age(max(known))} ago)" if count and known else str(count)


def _is_initialized(pod: Json) -> bool:
    condition = meta.condition_of(pod, "Initialized")
    return condition is not None and condition["status"] == "True"


def _is_sidecar(container: Json) -> bool:
    return container.get("restartPolicy") == "Always"


def _kept_running(pod: Json) -> list[Json]:
    """Return the statuses of the containers and the sidecars."""
    names = {one["name"] for one in pod["spec"].get("initContainers", []) if _is_sidecar(one)}
    first = [one for one in pod["status"].get("initContainerStatuses", []) if one["name"] in names]
    return first + pod["status"].get("containerStatuses", [])


def status(pod: Json) -> str:
    """Return STATUS: the phase, or what its containers wait for or died of."""
    state = pod["status"]
    reason: str = state.get("reason") or state.get("phase", "Unknown")
    initial = _init_reason(pod)
    # A sidecar that restarts in a pod that was initialized does not hide what the containers say.
    reason = initial or reason
    if not initial or _is_initialized(pod):
        reason = _container_reason(pod, reason)
    if meta.is_deleting(pod):
        return "Unknown" if state.get("reason") == "NodeLost" else "Terminating"
    return reason


def _init_reason(pod: Json) -> str:
    specs = pod["spec"].get("initContainers", [])
    sidecars = {one["name"] for one in specs if _is_sidecar(one)}
    count = len(specs)
    for index, one in enumerate(pod["status"].get("initContainerStatuses", [])):
        state = one.get("state", {})
        if one["name"] in sidecars and one.get("started"):
            continue
        ended, waiting = state.get("terminated"), state.get("waiting")
        if ended and ended.get("exitCode") == 0:
            continue
        if ended:
            return f"Init:{_ended(ended)}"
        if waiting and waiting.get("reason") not in (None, "PodInitializing"):
            return f"Init:{waiting['reason']}"
        return f"Init:{index}/{count}"
    return ""


def _container_reason(pod: Json, reason: str) -> str:
    is_running = False
    for one in reversed(pod["status"].get("containerStatuses", [])):
        state = one.get("state", {})
        if state.get("waiting", {}).get("reason"):
            reason = state["waiting"]["reason"]
        elif "terminated" in state:
            reason = _ended(state["terminated"])
        elif one.get("ready") and "running" in state:
            is_running = True
    if reason == "Completed" and is_running:
        return "Running" if meta.is_pod_ready(pod) else "NotReady"
    return reason


def _ended(terminated: Json) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def readiness_gates(pod: Json) -> str:
    """Return READINESS GATES, as in 1/2."""
    gates = pod["spec"].get("readinessGates", [])
    if not gates:
        return "<none>"
    found = [meta.condition_of(pod, gate["conditionType"]) for gate in gates]
    return f"{sum(1 for one in found if one and one['status'] == 'True')}/{len(gates)}"
