"""The API as it answers on the wire: who may ask, forms, errors, validation."""

import json

import pytest
import yaml

from lab.kube import discovery_sd
from lab.kube.metrics import metrics_text


def configmaps(namespace):
    return f"/api/v1/namespaces/{namespace}/configmaps"


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


def test_bodies_of_other_forms(ask, namespace):
    path = configmaps(namespace)
    text = b"kind: ConfigMap\napiVersion: v1\nmetadata: {name: y}\ndata: {at: '2026-01-01'}\n"
    assert ask("POST", path, text, Content_Type="application/yaml")[0] == 201
    status, _, body = ask("POST", path, b"a=b", Content_Type="application/x-www-form-urlencoded")
    assert (status, json.loads(body)["reason"]) == (415, "UnsupportedMediaType")
    for bad in (b"{", b"[]", b"null"):
        assert ask("POST", path, bad)[0] == 400
    assert ask("POST", path, {"metadata": {"name": "x", "namespace": "other"}})[0] == 400
    assert ask("POST", path, {"kind": "Secret", "metadata": {"name": "x"}})[0] == 400
    assert ask("PUT", f"{path}/y", {"metadata": {"name": "z"}})[0] == 400
    assert ask("PATCH", f"{path}/y", {}, Content_Type="application/json")[0] == 415
    assert ask("GET", path, Accept="application/vnd.kubernetes.protobuf")[0] == 406
    assert ask("PATCH", path, {})[0] == 405
    status, _, body = ask("GET", f"{path}/y", Accept="application/yaml")
    assert yaml.safe_load(body)["data"] == {"at": "2026-01-01"}


def test_metadata_only(ask, namespace):
    ask("POST", configmaps(namespace), {"metadata": {"name": "m"}, "data": {"a": "b"}})
    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    listed = json.loads(ask("GET", configmaps(namespace), Accept=accept)[2])
    assert listed["kind"] == "PartialObjectMetadataList"
    assert listed["items"][0]["metadata"]["name"] == "m"
    assert "data" not in listed["items"][0]


def test_unknown_fields_are_refused_warned_of_or_ignored(ask, namespace):
    path = configmaps(namespace)
    status, _, body = ask("POST", f"{path}?fieldValidation=Strict", {"metadata": {"name": "a"}, "dta": {}})
    assert status == 400
    assert 'strict decoding error: unknown field "dta"' in json.loads(body)["message"]
    status, headers, body = ask("POST", f"{path}?fieldValidation=Warn", {"metadata": {"name": "a"}, "dta": {}})
    assert (status, headers["Warning"]) == (201, '299 - "unknown field \\"dta\\""')
    assert "dta" not in json.loads(body)
    status, headers, _ = ask("POST", f"{path}?fieldValidation=Ignore", {"metadata": {"name": "b"}, "dta": {}})
    assert (status, headers["Warning"]) == (201, None)


@pytest.mark.parametrize(
    "query",
    [
        "limit=x",
        "labelSelector=a%20b",
        "resourceVersion=x",
        "continue=x",
        "watch=1&timeoutSeconds=x",
        "watch=1&resourceVersion=x",
    ],
)
def test_bad_queries_are_the_clients_fault(ask, namespace, query):
    status, _, body = ask("GET", f"{configmaps(namespace)}?{query}")
    assert (status, json.loads(body)["reason"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    "body", [{"metadata": "x"}, {"metadata": {"labels": []}}, {"metadata": None}, {"data": {"a": 1}}]
)
def test_malformed_objects_are_the_clients_fault(ask, namespace, body):
    assert ask("POST", configmaps(namespace), body)[0] in (400, 422)
    ask("POST", configmaps(namespace), {"metadata": {"name": "x"}})
    assert ask("PUT", f"{configmaps(namespace)}/x", body)[0] in (200, 400, 422)


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("json", [{"op": "test", "path": "/data/a", "value": "z"}]),
        ("json", [{"op": "remove", "path": "/data/none"}]),
        ("json", {"not": "a list"}),
        ("json", [{"op": "replace", "path": "/metadata", "value": 1}]),
        ("merge", []),
        ("merge", {"metadata": 3}),
        ("strategic-merge", {"metadata": {"ownerReferences": [1]}}),
        ("strategic-merge", {"$patch": "what"}),
    ],
)
def test_malformed_patches_are_the_clients_fault(ask, namespace, form, body):
    ask("POST", configmaps(namespace), {"metadata": {"name": "p"}, "data": {"a": "b"}})
    status, _, text = ask(
        "PATCH", f"{configmaps(namespace)}/p", body, Content_Type=f"application/{form}-patch+json"
    )
    assert status in (400, 422), text


def test_empty_pages_of_initial_events(ask, namespace):
    query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
    query += "&timeoutSeconds=1"
    ask("POST", configmaps(namespace), {"metadata": {"name": "w"}})
    lines = [json.loads(line) for line in ask("GET", f"{configmaps(namespace)}?{query}")[2].splitlines()]
    assert [line["type"] for line in lines][:2] == ["ADDED", "BOOKMARK"]
    assert lines[1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


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
