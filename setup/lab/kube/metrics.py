"""The few series that kube-state-metrics gives a cluster, with its names and labels."""

from collections.abc import Iterable, Iterator
from typing import Any

from lab.kube.meta import condition_of
from lab.kube.store import Store

_PHASES = ("Failed", "Pending", "Running", "Succeeded", "Unknown")
_DEPLOYMENT_STATUS = {
    "kube_deployment_status_replicas": ("replicas", "The number of replicas per deployment."),
    "kube_deployment_status_replicas_ready": ("readyReplicas", "The number of ready replicas per deployment."),
    "kube_deployment_status_replicas_available": (
        "availableReplicas",
        "The number of available replicas per deployment.",
    ),
    "kube_deployment_status_replicas_unavailable": (
        "unavailableReplicas",
        "The number of unavailable replicas per deployment.",
    ),
    "kube_deployment_status_replicas_updated": (
        "updatedReplicas",
        "The number of updated replicas per deployment.",
    ),
}


def metrics_text(store: Store) -> str:
    """Return all series in Prometheus' text format."""
    lines: list[str] = []
    deployments = store.list("deployments")
    pods = store.list("pods")
    specs = ((_of(one, "deployment"), one["spec"]["replicas"]) for one in deployments)
    lines += _family(
        "kube_deployment_spec_replicas", "gauge", "Number of desired pods for a deployment.", specs
    )
    for name, (field, text) in _DEPLOYMENT_STATUS.items():
        values = ((_of(one, "deployment"), one.get("status", {}).get(field, 0)) for one in deployments)
        lines += _family(name, "gauge", text, values)
    restarts = "kube_pod_container_status_restarts_total"
    lines += _family(restarts, "counter", "The number of container restarts per container.", _restarts(pods))
    lines += _family("kube_pod_status_phase", "gauge", "The pods current phase.", _phases(pods))
    text = "Describes whether the pod is ready to serve requests."
    lines += _family("kube_pod_status_ready", "gauge", text, _readiness(pods))
    return "\n".join(lines) + "\n"


def _family(name: str, kind: str, text: str, values: Iterable[tuple[dict[str, str], int]]) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for labels, value in values:
        written = ",".join(f'{key}="{label}"' for key, label in labels.items())
        yield f"{name}{{{written}}} {value}"


def _of(obj: dict[str, Any], kind: str) -> dict[str, str]:
    return {"namespace": obj["metadata"]["namespace"], kind: obj["metadata"]["name"]}


def _pod(pod: dict[str, Any]) -> dict[str, str]:
    return _of(pod, "pod") | {"uid": pod["metadata"]["uid"]}


def _restarts(pods: list[dict[str, Any]]) -> Iterator[tuple[dict[str, str], int]]:
    for pod in pods:
        for status in pod["status"].get("containerStatuses", []):
            yield _pod(pod) | {"container": status["name"]}, status.get("restartCount", 0)


def _phases(pods: list[dict[str, Any]]) -> Iterator[tuple[dict[str, str], int]]:
    for pod in pods:
        for phase in _PHASES:
            yield _pod(pod) | {"phase": phase}, int(pod["status"].get("phase") == phase)


def _readiness(pods: list[dict[str, Any]]) -> Iterator[tuple[dict[str, str], int]]:
    for pod in pods:
        condition = condition_of(pod, "Ready")
        status = condition["status"].lower() if condition else "unknown"
        for name in ("true", "false", "unknown"):
            yield _pod(pod) | {"condition": name}, int(status == name)
