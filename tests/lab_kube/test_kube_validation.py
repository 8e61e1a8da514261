"""Objects that break rules, and what the API fills in: with Kubernetes' words and values."""

import base64
import json

import pytest


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
