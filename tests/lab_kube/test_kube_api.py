"""The API as it answers on the wire: who may ask, and what only the lab serves."""

import json

import pytest

from lab.kube import discovery_sd
from lab.kube.metrics import metrics_text


@pytest.mark.parametrize("token", ["", "wrong", "test-token2"])
@pytest.mark.parametrize("path", ["/version", "/api/v1/pods", "/healthz", "/metrics", "/nowhere"])
def test_nobody_is_answered_without_the_token(ask, path, token):
    status, _, body = ask("GET", path, token=token)
    answer = json.loads(body)
    assert (status, answer["kind"], answer["reason"], answer["code"]) == (401, "Status", "Unauthorized", 401)


@pytest.mark.parametrize(
    "path", ["/nowhere", "/api/v1/nothing", "/apis/apps/v1/pods", "/api/v1/pods/a/b/c", "/apis/x"]
)
def test_paths_that_lead_nowhere(ask, path):
    status, _, body = ask("GET", path)
    assert (status, json.loads(body)["kind"]) == (404, "Status")


def test_service_discovery_has_the_labels_of_kubernetes_sd(cluster, namespace, make_deployment):
    document = make_deployment()
    template = document["spec"]["template"]
    template["metadata"]["annotations"] = {"prometheus.io/scrape": "true"}
    template["spec"]["containers"][0]["ports"] = [{"name": "http", "containerPort": 8080}]
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(document))
    pod = cluster.wait_for(
        lambda: [one for one in cluster.store.list("pods", namespace) if one["status"].get("podIP")]
    )[0]
    (target,) = cluster.call(discovery_sd.pod_targets, cluster.store, pod)
    assert target["targets"] == [f"{pod['status']['podIP']}:8080"]
    expected = {
        "namespace": namespace,
        "pod_name": pod["metadata"]["name"],
        "pod_ip": pod["status"]["podIP"],
        "pod_ready": "true",
        "pod_phase": "Running",
        "pod_node_name": "node-1",
        "pod_container_name": "app",
        "pod_container_port_name": "http",
        "pod_container_port_number": "8080",
        "pod_container_port_protocol": "TCP",
        "pod_controller_kind": "ReplicaSet",
        "pod_label_app": "web",
        "pod_labelpresent_app": "true",
        "pod_annotation_prometheus_io_scrape": "true",
        "pod_annotationpresent_prometheus_io_scrape": "true",
    }
    assert {f"__meta_kubernetes_{name}": value for name, value in expected.items()}.items() <= target[
        "labels"
    ].items()
    spec = {"ports": [{"name": "http", "port": 80}]}
    service = cluster.call(
        cluster.store.create, "services", {"metadata": {"name": "web", "namespace": namespace}, "spec": spec}
    )
    (target,) = discovery_sd.service_targets(service)
    assert target["targets"] == [f"web.{namespace}.svc:80"]
    assert target["labels"]["__meta_kubernetes_service_port_number"] == "80"
    text = cluster.call(metrics_text, cluster.store)
    assert f'kube_deployment_spec_replicas{{namespace="{namespace}",deployment="web"}} 1' in text
    assert (
        f'kube_pod_container_status_restarts_total{{namespace="{namespace}",pod="{pod["metadata"]["name"]}"'
        in text
    )
