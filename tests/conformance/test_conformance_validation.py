"""Objects that break rules: 422, with a cause for each, in the words of Kubernetes' pkg/apis/*/validation."""

import copy

import pytest

from .cluster import deployment

CONTAINER = ("spec", "template", "spec", "containers", 0)
GONE = object()
WRONG = {
    "no selector": (("spec", "selector"), GONE, "spec.selector: Required value"),
    "labels do not match": (
        ("spec", "template", "metadata", "labels"),
        {"app": "x"},
        'spec.template.metadata.labels: Invalid value: {"app":"x"}: `selector` does not match template'
        " `labels`",
    ),
    "no containers": (
        ("spec", "template", "spec", "containers"),
        [],
        "spec.template.spec.containers: Required value",
    ),
    "no image": ((*CONTAINER, "image"), GONE, "spec.template.spec.containers[0].image: Required value"),
    "a bad name": (
        ("metadata", "name"),
        "Web",
        'metadata.name: Invalid value: "Web": a lowercase RFC 1123 subdomain must consist of lower case'
        " alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
    ),
    "a bad label": (
        ("metadata", "labels"),
        {"a": "b c"},
        'metadata.labels: Invalid value: "b c": a valid label must be an empty string or consist of',
    ),
    "another policy": (
        ("spec", "template", "spec", "restartPolicy"),
        "Never",
        'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ),
    "a negative number": (
        ("spec", "replicas"),
        -1,
        "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
    ),
    "no such volume": (
        (*CONTAINER, "volumeMounts"),
        [{"name": "v", "mountPath": "/v"}],
        'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "v"',
    ),
    "a probe of nothing": (
        (*CONTAINER, "readinessProbe"),
        {"periodSeconds": 1},
        "spec.template.spec.containers[0].readinessProbe: Required value: must specify a handler type",
    ),
    "more than the limit": (
        (*CONTAINER, "resources"),
        {"requests": {"cpu": "2"}, "limits": {"cpu": "500m"}},
        'spec.template.spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to'
        " cpu limit of 500m",
    ),
    "a port too high": (
        (*CONTAINER, "ports"),
        [{"containerPort": 70000}],
        "spec.template.spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and"
        " 65535, inclusive",
    ),
    "a strategy with another's settings": (
        ("spec", "strategy"),
        {"type": "Recreate", "rollingUpdate": {}},
        "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ),
    "a rollout that could not move": (
        ("spec", "strategy"),
        {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}},
        "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
    ),
}


def changed(path, value):
    document = copy.deepcopy(deployment())
    node = document
    *steps, last = path
    for step in steps:
        node = node[step]
    if value is GONE:
        del node[last]
    else:
        node[last] = value
    return document


@pytest.fixture
def deployments(namespace):
    return f"/apis/apps/v1/namespaces/{namespace}/deployments"


@pytest.mark.parametrize("case", WRONG)
def test_wrong_deployments(ask, deployments, case):
    path, value, message = WRONG[case]
    got = ask("POST", deployments, changed(path, value))
    assert (got.status, got.body["reason"]) == (422, "Invalid")
    assert message in got.message
    field = message.partition(":")[0]
    assert field in [name for name, _ in got.causes]
    assert got.message.startswith("Deployment.apps ")


def test_everything_that_is_wrong_is_told(ask, deployments):
    document = changed(("spec", "replicas"), -1)
    document["metadata"]["name"] = "Web"
    got = ask("POST", deployments, document)
    assert [field for field, _ in got.causes] == ["metadata.name", "spec.replicas"]
    assert got.message.startswith('Deployment.apps "Web" is invalid: [metadata.name: ')
    assert got.body["details"]["kind"] == "Deployment"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("spec", "replicas"), "three", "cannot unmarshal string into Go struct field"),
        ((*CONTAINER, "image"), 1, "cannot unmarshal number into Go struct field"),
        ((*CONTAINER, "ports"), [{"containerPort": "80"}], "cannot unmarshal string into Go struct field"),
        (
            (*CONTAINER, "resources"),
            {"limits": {"cpu": "much"}},
            "quantities must match the regular expression",
        ),
    ],
)
def test_values_of_the_wrong_type(ask, deployments, path, value, message):
    got = ask("POST", deployments, changed(path, value))
    assert (got.status, message in got.message) == (400, True), got
    assert got.message.startswith('Deployment in version "v1" cannot be handled as a Deployment: ')


def test_a_secret_that_is_no_base64(ask, namespace):
    got = ask(
        "POST", f"/api/v1/namespaces/{namespace}/secrets", {"metadata": {"name": "s"}, "data": {"a": "Yg%"}}
    )
    assert (got.status, "illegal base64 data at input byte 2" in got.message) == (400, True)


def test_what_cannot_change(ask, deployments, namespace):
    merge = "application/merge-patch+json"
    ask("POST", deployments, deployment())
    labels = {"app": "b"}
    patch = {"spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}}}
    got = ask("PATCH", f"{deployments}/web", patch, Content_Type=merge)
    assert (got.status, ("spec.selector", "FieldValueInvalid") in got.causes) == (422, True)
    assert 'spec.selector: Invalid value: {"matchLabels":{"app":"b"}}: field is immutable' in got.message
    pods = f"/api/v1/namespaces/{namespace}/pods"
    spec = {"schedulerName": "nobody", "containers": [{"name": "app", "image": "example.com/a:1"}]}
    ask("POST", pods, {"metadata": {"name": "p"}, "spec": spec})
    got = ask("PATCH", f"{pods}/p", {"spec": {"restartPolicy": "Never"}}, Content_Type=merge)
    assert (got.status, "pod updates may not change fields other than" in got.message) == (422, True)
    image = {"op": "replace", "path": "/spec/containers/0/image", "value": "example.com/b:1"}
    assert ask("PATCH", f"{pods}/p", [image], Content_Type="application/json-patch+json").status == 200


def test_what_is_not_said_is_filled_in(ask, deployments):
    """The defaults of apps/v1 and v1; equal quantities are written in one way."""
    document = changed((*CONTAINER, "resources"), {"limits": {"cpu": 0.5, "memory": "1024Mi"}})
    spec = ask("POST", deployments, document).body["spec"]
    assert (spec["progressDeadlineSeconds"], spec["revisionHistoryLimit"]) == (600, 10)
    assert spec["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
    }
    pod = spec["template"]["spec"]
    assert (pod["restartPolicy"], pod["dnsPolicy"], pod["securityContext"]) == ("Always", "ClusterFirst", {})
    (container,) = pod["containers"]
    assert (container["imagePullPolicy"], container["terminationMessagePolicy"]) == ("IfNotPresent", "File")
    assert container["resources"] == {"limits": {"cpu": "500m", "memory": "1Gi"}}
