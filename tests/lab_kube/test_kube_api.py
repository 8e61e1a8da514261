"""The API as it answers on the wire: who may ask, forms, errors, validation."""

import asyncio
import base64
import json
import ssl
import stat
import urllib.request
from urllib.error import HTTPError

import pytest
import yaml

from lab.kube import discovery_sd
from lab.kube.metrics import metrics_text
from lab.kube.pki import make_certificates
from lab.kube.server import KubeSettings, serve

TOKEN = "test-token"


@pytest.fixture
def ask(cluster):
    """Ask the API; returns the status, the headers and the body."""
    context = ssl.create_default_context(cafile=str(cluster.ca))

    def request(method, path, body=None, *, token=TOKEN, **headers):
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        if data is not None:
            named.setdefault("Content-Type", "application/json")
        if token:
            named["Authorization"] = f"Bearer {token}"
        question = urllib.request.Request(cluster.server + path, data, named, method=method)
        try:
            with urllib.request.urlopen(question, context=context, timeout=10) as answer:
                return answer.status, answer.headers, answer.read()
        except HTTPError as error:
            with error:
                return error.code, error.headers, error.read()

    return request


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
    status, _, body = ask("POST", path, b"k8s\0", Content_Type="application/vnd.kubernetes.protobuf")
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


def deployment_with(make_deployment, path, value):
    document = make_deployment()
    node = document
    *steps, last = path
    for step in steps:
        node = node[step]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return document


CONTAINER = ("spec", "template", "spec", "containers", 0)
WRONG = {
    "no selector": (("spec", "selector"), None, "spec.selector: Required value"),
    "labels do not match": (
        ("spec", "template", "metadata", "labels"),
        {"app": "x"},
        'template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template `labels`',
    ),
    "no containers": (
        ("spec", "template", "spec", "containers"),
        [],
        "spec.template.spec.containers: Required value",
    ),
    "no image": ((*CONTAINER, "image"), None, "spec.template.spec.containers[0].image: Required value"),
    "bad name": (
        ("metadata", "name"),
        "Web",
        'metadata.name: Invalid value: "Web": a lowercase RFC 1123 subdomain',
    ),
    "bad label": (
        ("metadata", "labels"),
        {"a": "b c"},
        'metadata.labels: Invalid value: "b c": a valid label must be',
    ),
    "policy": (
        ("spec", "template", "spec", "restartPolicy"),
        "Never",
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ),
    "negative": (
        ("spec", "replicas"),
        -1,
        "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
    ),
    "no volume": (
        (*CONTAINER, "volumeMounts"),
        [{"name": "v", "mountPath": "/v"}],
        'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "v"',
    ),
    "no handler": (
        (*CONTAINER, "readinessProbe"),
        {"periodSeconds": 1},
        "readinessProbe: Required value: must specify a handler type",
    ),
    "too much": (
        (*CONTAINER, "resources"),
        {"requests": {"cpu": "2"}, "limits": {"cpu": "500m"}},
        'resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 500m',
    ),
    "strategy": (
        ("spec", "strategy"),
        {"type": "Recreate", "rollingUpdate": {}},
        "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ),
    "stuck": (
        ("spec", "strategy"),
        {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}},
        "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
    ),
}


@pytest.mark.parametrize("case", WRONG, ids=str)
def test_wrong_deployments(ask, namespace, make_deployment, case):
    path, value, message = WRONG[case]
    body = deployment_with(make_deployment, path, value)
    status, _, text = ask("POST", f"/apis/apps/v1/namespaces/{namespace}/deployments", body)
    answer = json.loads(text)
    assert (status, answer["reason"]) == (422, "Invalid")
    assert message in answer["message"]
    field = message.partition(":")[0]
    assert any(cause["field"].endswith(field) for cause in answer["details"]["causes"])


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            ("spec", "replicas"),
            "three",
            "cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas",
        ),
        ((*CONTAINER, "image"), 1, "Container.spec.template.spec.containers.image of type string"),
        ((*CONTAINER, "resources"), {"limits": {"cpu": "much"}}, "quantities must match"),
    ],
)
def test_values_of_the_wrong_type(ask, namespace, make_deployment, path, value, message):
    body = deployment_with(make_deployment, path, value)
    status, _, text = ask("POST", f"/apis/apps/v1/namespaces/{namespace}/deployments", body)
    assert status == 400
    assert message in json.loads(text)["message"]


def test_what_cannot_change(ask, cluster, namespace, make_deployment):
    base = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    ask("POST", base, make_deployment())
    merge = "application/merge-patch+json"
    patch = {
        "spec": {"selector": {"matchLabels": {"app": "b"}}, "template": {"metadata": {"labels": {"app": "b"}}}}
    }
    status, _, body = ask("PATCH", f"{base}/web", patch, Content_Type=merge)
    assert status == 422
    assert (
        'spec.selector: Invalid value: {"matchLabels":{"app":"b"}}: field is immutable'
        in json.loads(body)["message"]
    )
    name = cluster.wait_for(lambda: cluster.store.list("pods", namespace))[0]["metadata"]["name"]
    status, _, body = ask(
        "PATCH",
        f"/api/v1/namespaces/{namespace}/pods/{name}",
        {"spec": {"restartPolicy": "Never"}},
        Content_Type=merge,
    )
    assert (status, "pod updates may not change fields" in json.loads(body)["message"]) == (422, True)
    services = f"/api/v1/namespaces/{namespace}/services"
    ask("POST", services, {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}})
    status, _, body = ask("PATCH", f"{services}/s", {"spec": {"clusterIP": "10.96.9.9"}}, Content_Type=merge)
    assert (status, "may not change once set" in json.loads(body)["message"]) == (422, True)


def test_services_are_completed_and_node_ports_are_not_shared(ask, namespace):
    path = f"/api/v1/namespaces/{namespace}/services"
    made = json.loads(
        ask("POST", path, {"metadata": {"name": "a"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}})[2]
    )
    port = made["spec"]["ports"][0]
    assert (port["protocol"], port["targetPort"]) == ("TCP", 80)
    assert 30000 <= port["nodePort"] < 32768
    assert made["spec"]["clusterIP"].startswith("10.96.")
    taken = {"type": "NodePort", "ports": [{"port": 80, "nodePort": port["nodePort"]}]}
    status, _, body = ask("POST", path, {"metadata": {"name": "b"}, "spec": taken})
    assert status == 422
    message = json.loads(body)["message"]
    assert (
        f"spec.ports[0].nodePort: Invalid value: {port['nodePort']}: provided port is already allocated"
        in message
    )
    headless = json.loads(ask("POST", path, {"metadata": {"name": "c"}, "spec": {"clusterIP": "None"}})[2])
    assert headless["spec"]["clusterIPs"] == ["None"]


def test_secrets_take_plain_text_and_hide_nothing_else(ask, namespace):
    path = f"/api/v1/namespaces/{namespace}/secrets"
    made = json.loads(ask("POST", path, {"metadata": {"name": "s"}, "stringData": {"a": "b"}})[2])
    assert (made["type"], base64.b64decode(made["data"]["a"])) == ("Opaque", b"b")
    assert "stringData" not in made
    assert ask("POST", path, {"metadata": {"name": "t"}, "data": {"a": "%"}})[0] == 422


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


def test_keys_are_private_and_a_taken_port_is_an_error(cluster, tmp_path):
    ca, certificate, key = make_certificates(tmp_path / "pki")
    for path in (ca, certificate, key, cluster.kubeconfig):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    port = int(cluster.server.rpartition(":")[2])
    settings = KubeSettings("127.0.0.1", port, certificate, key, "t", cluster.logs)

    async def start():
        with pytest.raises(OSError, match="address already in use"):
            await serve(cluster.store, settings)

    asyncio.run_coroutine_threadsafe(start(), cluster.loop).result(5)
