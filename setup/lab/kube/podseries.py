"""The series of pods and their containers, as kube-state-metrics names them.

https://github.com/kubernetes/kube-state-metrics/blob/main/docs/metrics/workload/pod-metrics.md
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lab.kube import meta
from lab.kube.quantity import value
from lab.kube.series import Labels, family

Object = dict[str, Any]
Series = Iterator[tuple[Labels, float]]
_PHASES = ("Pending", "Succeeded", "Failed", "Unknown", "Running")
_UNITS = {"cpu": "core", "memory": "byte"}


def lines(pods: list[Object]) -> Iterator[str]:
    """Yield the lines of all series of pods."""
    about = {
        "kube_pod_info": ("Information about pod.", _info),
        "kube_pod_owner": ("Information about the Pod's owner.", _owners),
        "kube_pod_status_phase": ("The pods current phase.", _phases),
        "kube_pod_status_ready": ("Describes whether the pod is ready to serve requests.", _readiness),
    }
    for name, (text, find) in about.items():
        yield from family(name, "gauge", text, (one for pod in pods for one in find(pod)))
    yield from _containers(pods, "container", "containerStatuses", "container")
    yield from _containers(pods, "init_container", "initContainerStatuses", "init container")
    for kind, word in {"requests": "request", "limits": "limit"}.items():
        text = f"The number of requested {word} resource by a container."
        yield from family(f"kube_pod_container_resource_{kind}", "gauge", text, _resources(pods, kind))


def _containers(pods: list[Object], kind: str, field: str, words: str) -> Iterator[str]:
    """Yield the families of the containers of a kind, in every state that they can be in."""
    statuses = [
        (_pod(pod) | {"container": one["name"]}, one) for pod in pods for one in pod["status"].get(field, [])
    ]
    prefix = f"kube_pod_{kind}_status"
    for state in ("waiting", "running", "terminated"):
        text = f"Describes whether the {words} is currently in {state} state."
        found = ((labels, int(state in one["state"])) for labels, one in statuses)
        yield from family(f"{prefix}_{state}", "gauge", text, found)
    for name, of in _REASONS.items():
        text = f"Describes the {name.replace('_', ' ')} of the {words}."
        found = ((labels | {"reason": why}, 1) for labels, one in statuses if (why := of(one)))
        yield from family(f"{prefix}_{name}", "gauge", text, found)
    codes = ((labels, ended["exitCode"]) for labels, one in statuses if (ended := _last(one)))
    text = f"Describes the exit code for the last {words} in terminated state."
    yield from family(f"{prefix}_last_terminated_exitcode", "gauge", text, codes)
    text = f"Describes whether the {words}s readiness check succeeded."
    yield from family(
        f"{prefix}_ready", "gauge", text, ((labels, int(one["ready"])) for labels, one in statuses)
    )
    text = f"The number of {words} restarts per container."
    counts = ((labels, one.get("restartCount", 0)) for labels, one in statuses)
    yield from family(f"{prefix}_restarts_total", "counter", text, counts)


def _last(status: Object) -> Object:
    return status.get("lastState", {}).get("terminated") or {}


_REASONS: dict[str, Callable[[Object], str]] = {
    "waiting_reason": lambda one: one["state"].get("waiting", {}).get("reason", ""),
    "terminated_reason": lambda one: one["state"].get("terminated", {}).get("reason", ""),
    "last_terminated_reason": lambda one: _last(one).get("reason", ""),
}


def _pod(pod: Object) -> dict[str, str]:
    metadata = pod["metadata"]
    return {"namespace": metadata["namespace"], "pod": metadata["name"], "uid": metadata["uid"]}


def _info(pod: Object) -> Series:
    spec, status = pod["spec"], pod["status"]
    owner = meta.controller_of(pod) or {}
    yield (
        _pod(pod)
        | {
            "host_ip": status.get("hostIP", ""),
            "pod_ip": status.get("podIP", ""),
            "node": spec.get("nodeName", ""),
            "created_by_kind": owner.get("kind", ""),
            "created_by_name": owner.get("name", ""),
            "priority_class": spec.get("priorityClassName", ""),
            "host_network": str(bool(spec.get("hostNetwork"))).lower(),
        },
        1,
    )


def _owners(pod: Object) -> Series:
    none = {"kind": "", "name": ""}
    for owner in pod["metadata"].get("ownerReferences") or [none]:
        is_controller = str(bool(owner.get("controller"))).lower() if owner is not none else ""
        labels = {"owner_kind": owner["kind"], "owner_name": owner["name"]}
        yield _pod(pod) | labels | {"owner_is_controller": is_controller}, 1


def _phases(pod: Object) -> Series:
    for phase in _PHASES:
        yield _pod(pod) | {"phase": phase}, int(pod["status"].get("phase") == phase)


def _readiness(pod: Object) -> Series:
    condition = meta.condition_of(pod, "Ready")
    status = condition["status"].lower() if condition else "unknown"
    for name in ("true", "false", "unknown"):
        yield _pod(pod) | {"condition": name}, int(status == name)


def _resources(pods: Iterable[Object], kind: str) -> Series:
    for pod in pods:
        for container in pod["spec"]["containers"]:
            labels = _pod(pod) | {"container": container["name"], "node": pod["spec"].get("nodeName", "")}
            for resource, amount in (container.get("resources", {}).get(kind) or {}).items():
                unit = _UNITS.get(resource, "integer")
                yield labels | {"resource": resource, "unit": unit}, float(value(amount))
