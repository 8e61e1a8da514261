"""A pod's status as a kubelet reports it, computed from its containers' states."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

Object = dict[str, Any]
# The conditions that a kubelet owns; others (PodScheduled is the scheduler's) are kept as they are.
_OWN = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")


@dataclass
class ContainerState:
    """What is known of one container; ``current`` and ``last`` have the API's form (waiting, running...).

    :param kind: app, init, or sidecar (an init container that is kept running).
    """

    name: str
    image: str
    kind: Literal["app", "init", "sidecar"] = "app"
    current: Object = field(default_factory=lambda: {"waiting": {"reason": "ContainerCreating"}})
    last: Object = field(default_factory=dict)
    restarts: int = 0
    ready: bool = False
    started: bool = False
    container_id: str = ""
    image_id: str = ""

    def restart_policy(self, pods: str) -> str:
        """Return the container's restart policy, by the pod's: an init container that succeeded has done."""
        if self.kind == "sidecar":
            return "Always"
        return "OnFailure" if self.kind == "init" and pods == "Always" else pods

    @property
    def exit_code(self) -> int | None:
        """Return the code of the last end of a container that is not running; None when it never ended."""
        terminated = self.current.get("terminated") or (
            "waiting" in self.current and self.last.get("terminated")
        )
        return int(terminated["exitCode"]) if terminated else None

    def to_api(self) -> Object:
        """Return the ContainerStatus."""
        return {
            "name": self.name,
            "image": self.image,
            "imageID": self.image_id,
            "containerID": self.container_id,
            "state": self.current,
            "lastState": self.last,
            "ready": self.ready,
            "started": self.started,
            "restartCount": self.restarts,
        }


def now() -> str:
    """Return the present time as the API writes it (whole seconds, UTC)."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def initial(spec: Object) -> list[ContainerState]:
    """Return the states of a new pod's containers, in the order of their start."""
    first = spec.get("initContainers") or []
    reason = "PodInitializing" if first else "ContainerCreating"
    kinds = [(one, "sidecar" if one.get("restartPolicy") == "Always" else "init") for one in first]
    kinds += [(one, "app") for one in spec["containers"]]
    return [ContainerState(one["name"], one["image"], kind, _waiting(reason)) for one, kind in kinds]


def _waiting(reason: str) -> Object:
    return {"waiting": {"reason": reason}}


def _incomplete(states: list[ContainerState]) -> list[str]:
    """Return the names of init containers that have not done their work and sidecars that never started."""
    apps_began = any(state.kind == "app" and (state.container_id or state.restarts) for state in states)
    return [
        state.name
        for state in states
        if (state.kind == "init" and not ("terminated" in state.current and state.exit_code == 0))
        or (state.kind == "sidecar" and not state.started and not apps_began)
    ]


def phase(states: list[ContainerState], restart_policy: str) -> str:
    """Return the pod's phase (getPhase in Kubernetes' pkg/kubelet/kubelet_pods.go)."""
    init = [state for state in states if state.kind == "init"]
    if restart_policy == "Never" and any(state.exit_code for state in init):
        return "Failed"
    apps = [state for state in states if state.kind == "app"]
    codes = [state.exit_code for state in apps]
    never_ran = any(
        "waiting" in state.current and code is None for state, code in zip(apps, codes, strict=True)
    )
    if never_ran or _incomplete(states):
        return "Pending"
    running = any("running" in state.current for state in states)
    if running or restart_policy == "Always":
        return "Running"
    if all(code == 0 for code in codes):
        return "Succeeded"
    return "Failed" if restart_policy == "Never" else "Running"


def fill(
    status: Object, spec: Object, states: list[ContainerState], *, ip: str, host_ip: str, final: bool
) -> None:
    """Write a pod's new status over its present one.

    :param final: the pod is ending for good, so its phase is that of a pod that restarts nothing.
    """
    status["phase"] = phase(states, "Never" if final else spec.get("restartPolicy") or "Always")
    status.setdefault("startTime", now())
    status |= {"hostIP": host_ip, "hostIPs": [{"ip": host_ip}], "qosClass": _quality(spec)}
    if ip:
        status |= {"podIP": ip, "podIPs": [{"ip": ip}]}
    status["containerStatuses"] = [state.to_api() for state in states if state.kind == "app"]
    first = [state.to_api() for state in states if state.kind != "app"]
    if first:
        status["initContainerStatuses"] = first
    status["conditions"] = _conditions(status, states)


def _conditions(status: Object, states: list[ContainerState]) -> list[Object]:
    old = {condition["type"]: condition for condition in status.get("conditions") or []}
    unready = [state.name for state in states if state.kind != "init" and not state.ready]
    ended = status["phase"] in ("Succeeded", "Failed")
    readiness: Object = {"status": "False" if unready else "True"}
    if unready:
        words = {
            "message": f"containers with unready status: [{' '.join(unready)}]",
            "reason": "ContainersNotReady",
        }
        readiness |= (
            {"reason": f"Pod{'Completed' if status['phase'] == 'Succeeded' else 'Failed'}"} if ended else words
        )
    incomplete = _incomplete(states)
    first: Object = {"status": "False" if incomplete and status["phase"] != "Succeeded" else "True"}
    if status["phase"] == "Succeeded":
        first |= {"reason": "PodCompleted"}
    elif incomplete:
        message = f"containers with incomplete status: [{' '.join(incomplete)}]"
        first |= {"message": message, "reason": "ContainersNotInitialized"}
    sandbox = {"status": "True" if status.get("podIP") and not ended else "False"}
    wanted = dict(zip(_OWN, (sandbox, first, readiness, readiness), strict=True))
    others = [condition for kind, condition in old.items() if kind not in _OWN]
    return [*(_condition(kind, new, old.get(kind)) for kind, new in wanted.items()), *others]


def _condition(kind: str, new: Object, old: Object | None) -> Object:
    same = old is not None and old["status"] == new["status"]
    return {"type": kind, "lastTransitionTime": old["lastTransitionTime"] if same and old else now(), **new}


def _quality(spec: Object) -> str:
    """Return the quality-of-service class.

    https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
    """
    every = [*(spec.get("initContainers") or []), *spec["containers"]]
    resources = [container.get("resources") or {} for container in every]
    if not any(entry.get("requests") or entry.get("limits") for entry in resources):
        return "BestEffort"
    for entry in resources:
        limits = entry.get("limits") or {}
        requests = {**limits, **(entry.get("requests") or {})}
        if not {"cpu", "memory"} <= limits.keys() or any(
            requests[key] != limits[key] for key in ("cpu", "memory")
        ):
            return "Burstable"
    return "Guaranteed"
