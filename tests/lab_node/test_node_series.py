"""kube-state-metrics' series of Jobs, Namespaces, pods and containers, from objects as the API has them."""

import re

import pytest

from lab.kube.metrics import metrics_text
from lab.kube.series import family, label_name
from lab.kube.store import Store

ENDED = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
NAMES = {"namespace": "test", "name": "one"}
RESOURCES = {"requests": {"cpu": "50m", "memory": "96Mi"}, "limits": {"cpu": "1500m", "memory": "256Mi"}}


def _status(
    name: str, state: dict, last: dict | None = None, *, restarts: int = 0, ready: bool = False
) -> dict:
    return {"name": name, "state": state, "lastState": last or {}, "restartCount": restarts, "ready": ready}


@pytest.fixture
def store() -> Store:
    store = Store()
    store.create("namespaces", {"metadata": {"name": "test", "labels": {"chaos.enabled": "true"}}})
    containers = [
        {"name": "main", "image": "redis:7", "resources": RESOURCES},
        {"name": "side", "image": "redis:7"},
    ]
    init = [{"name": "first", "image": "redis:7"}]
    store.create("pods", {"metadata": NAMES, "spec": {"containers": containers, "initContainers": init}})

    def change(pod: dict) -> None:
        waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
        running = {"running": {"startedAt": "2026-11-24T12:00:00Z"}}
        main = _status("main", waiting, ENDED, restarts=3)
        pod["status"] |= {"phase": "Running", "podIP": "127.77.0.1", "hostIP": "127.0.0.1"}
        pod["status"]["containerStatuses"] = [main, _status("side", running, ready=True)]
        pod["status"]["initContainerStatuses"] = [
            _status("first", {"terminated": {"exitCode": 0, "reason": "Completed"}})
        ]

    store.mutate("pods", "test", "one", change, subresource="status")
    return store


def _value(text: str, name: str, **labels: str) -> float | None:
    """Return the value of the one series with these labels and maybe others; None when there is none."""
    found = [
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith(f"{name}{{") and all(f'{key}="{value}"' in line for key, value in labels.items())
    ]
    assert len(found) <= 1, found
    return found[0] if found else None


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("kube_pod_container_status_waiting", {"container": "main"}, 1),
        ("kube_pod_container_status_waiting_reason", {"container": "main", "reason": "CrashLoopBackOff"}, 1),
        ("kube_pod_container_status_waiting_reason", {"container": "side"}, None),
        ("kube_pod_container_status_running", {"container": "main"}, 0),
        ("kube_pod_container_status_running", {"container": "side"}, 1),
        ("kube_pod_container_status_terminated_reason", {"container": "main"}, None),
        ("kube_pod_container_status_last_terminated_reason", {"container": "main", "reason": "OOMKilled"}, 1),
        ("kube_pod_container_status_last_terminated_exitcode", {"container": "main"}, 137),
        ("kube_pod_container_status_restarts_total", {"container": "main"}, 3),
        ("kube_pod_container_status_ready", {"container": "side"}, 1),
        ("kube_pod_init_container_status_terminated_reason", {"container": "first", "reason": "Completed"}, 1),
        ("kube_pod_container_resource_requests", {"resource": "cpu", "unit": "core"}, 0.05),
        ("kube_pod_container_resource_limits", {"resource": "cpu", "unit": "core"}, 1.5),
        ("kube_pod_container_resource_limits", {"resource": "memory", "unit": "byte"}, 256 * 2**20),
        ("kube_pod_info", {"pod": "one", "pod_ip": "127.77.0.1", "created_by_kind": ""}, 1),
        ("kube_pod_status_phase", {"phase": "Running"}, 1),
        ("kube_pod_status_phase", {"phase": "Failed"}, 0),
        ("kube_namespace_labels", {"namespace": "test", "label_chaos_enabled": "true"}, 1),
        ("kube_namespace_status_phase", {"namespace": "test", "phase": "Active"}, 1),
    ],
)
def test_series_of_pods_and_namespaces(store, name, labels, value):
    assert _value(metrics_text(store), name, **labels) == value


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, {(): 0.0}),
        ({"failed": 2}, {}),
        (
            {"failed": 2, "conditions": [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]},
            {("BackoffLimitExceeded",): 0.0, ("DeadlineExceeded",): 1.0, ("Evicted",): 0.0},
        ),
    ],
)
def test_why_a_job_failed(store, status, expected):
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "redis:7"}]}}
    store.create("jobs", {"metadata": NAMES, "spec": {"template": template}})
    store.mutate("jobs", "test", "one", lambda job: job.update(status=status), subresource="status")
    lines = [line for line in metrics_text(store).splitlines() if line.startswith("kube_job_status_failed{")]
    found = {tuple(re.findall(r'reason="(\w*)"', line)): float(line.rpartition(" ")[2]) for line in lines}
    assert found == expected


def test_labels_are_escaped_and_named_as_prometheus_allows():
    *_, line = family("x", "gauge", "Some.", [({"a": 'b"\\\n'}, 1)])
    assert line == 'x{a="b\\"\\\\\\n"} 1'
    assert label_name("app.kubernetes.io/part-of") == "label_app_kubernetes_io_part_of"
    assert label_name("serviceName") == "label_service_name"
