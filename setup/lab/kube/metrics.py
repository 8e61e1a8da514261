"""The series that kube-state-metrics gives a cluster, with its names and labels; a part of them.

https://github.com/kubernetes/kube-state-metrics/tree/main/docs/metrics
"""

from collections.abc import Iterator
from typing import Any

from lab.kube import meta, podseries
from lab.kube.series import Labels, family, label_name
from lab.kube.store import Store

Object = dict[str, Any]
Series = Iterator[tuple[Labels, float]]
_DEPLOYMENT_STATUS = {
    "replicas": ("replicas", "The number of replicas per deployment."),
    "replicas_ready": ("readyReplicas", "The number of ready replicas per deployment."),
    "replicas_available": ("availableReplicas", "The number of available replicas per deployment."),
    "replicas_unavailable": ("unavailableReplicas", "The number of unavailable replicas per deployment."),
    "replicas_updated": ("updatedReplicas", "The number of updated replicas per deployment."),
    "observed_generation": ("observedGeneration", "The generation observed by the deployment controller."),
}
_JOB_STATUS = {
    "active": "The number of actively running pods.",
    "succeeded": "The number of pods which reached Phase Succeeded.",
}
_JOB_ENDS = {
    "complete": ("Complete", "The job has completed its execution."),
    "failed": ("Failed", "The job has failed its execution."),
}
_JOB_FAILURES = ("BackoffLimitExceeded", "DeadlineExceeded", "Evicted")


def metrics_text(store: Store) -> str:
    """Return all series in Prometheus' text format."""
    lines = [
        *_deployments(store.list("deployments")),
        *_jobs(store.list("jobs")),
        *_namespaces(store.list("namespaces")),
        *podseries.lines(store.list("pods")),
    ]
    return "\n".join(lines) + "\n"


def _deployments(deployments: list[Object]) -> Iterator[str]:
    known = [(_of(one, "deployment"), one) for one in deployments]
    text = "Number of desired pods for a deployment."
    wanted = ((labels, one["spec"]["replicas"]) for labels, one in known)
    yield from family("kube_deployment_spec_replicas", "gauge", text, wanted)
    text = "Sequence number representing a specific generation of the desired state."
    generations = ((labels, one["metadata"].get("generation", 0)) for labels, one in known)
    yield from family("kube_deployment_metadata_generation", "gauge", text, generations)
    for name, (field, text) in _DEPLOYMENT_STATUS.items():
        found = ((labels, one.get("status", {}).get(field, 0)) for labels, one in known)
        yield from family(f"kube_deployment_status_{name}", "gauge", text, found)


def _jobs(jobs: list[Object]) -> Iterator[str]:
    known = [(_of(one, "job_name"), one) for one in jobs]
    for name, text in _JOB_STATUS.items():
        found = ((labels, one.get("status", {}).get(name, 0)) for labels, one in known)
        yield from family(f"kube_job_status_{name}", "gauge", text, found)
    text = "The number of pods which reached Phase Failed and the reason for failure."
    failures = ((labels | more, count) for labels, one in known for more, count in _job_failures(one))
    yield from family("kube_job_status_failed", "gauge", text, failures)
    for name, (kind, text) in _JOB_ENDS.items():
        ended = (
            (labels | {"condition": state}, int(condition["status"].lower() == state))
            for labels, one in known
            if (condition := meta.condition_of(one, kind))
            for state in ("true", "false", "unknown")
        )
        yield from family(f"kube_job_{name}", "gauge", text, ended)


def _job_failures(job: Object) -> Series:
    """Yield why a Job failed; nothing while its pods fail and it does not."""
    failed = meta.condition_of(job, "Failed")
    if not job.get("status", {}).get("failed"):
        yield {}, 0
    elif failed is not None:
        for reason in _JOB_FAILURES:
            yield {"reason": reason}, int(failed.get("reason") == reason)
        if failed.get("reason") not in _JOB_FAILURES:
            yield {"reason": ""}, 1


def _namespaces(namespaces: list[Object]) -> Iterator[str]:
    text = "Kubernetes labels converted to Prometheus labels."
    labels = (({"namespace": one["metadata"]["name"], **_labels(one)}, 1) for one in namespaces)
    yield from family("kube_namespace_labels", "gauge", text, labels)
    phases = (
        ({"namespace": one["metadata"]["name"], "phase": phase}, int(one["status"].get("phase") == phase))
        for one in namespaces
        for phase in ("Active", "Terminating")
    )
    yield from family("kube_namespace_status_phase", "gauge", "kubernetes namespace status phase.", phases)


def _labels(obj: Object) -> dict[str, str]:
    return {label_name(key): text for key, text in obj["metadata"].get("labels", {}).items()}


def _of(obj: Object, kind: str) -> dict[str, str]:
    return {"namespace": obj["metadata"]["namespace"], kind: obj["metadata"]["name"]}
