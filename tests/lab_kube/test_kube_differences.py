"""Where the lab differs from a cluster, as setup/lab/README.md lists it: it says so, and does nothing wrong."""

import json

import pytest
from chaosk8s.crd.probes import list_custom_objects
from chaosk8s.daemonset.probes import daemon_set_available_and_healthy
from chaosk8s.networking.probes import ingress_exists
from chaosk8s.node.actions import drain_nodes, uncordon_node
from chaosk8s.statefulset.actions import scale_statefulset
from chaoslib.exceptions import ActivityFailed
from kubernetes.client.rest import ApiException

from lab.kube import meta
from lab.kube.watch import HISTORY

POD = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "app", "image": "app:1"}]}}


@pytest.fixture
def pod(cluster, namespace):
    """A running pod."""
    cluster.kubectl(
        "create", "-n", namespace, "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "Pod"} | POD)
    )
    cluster.wait_for(lambda: meta.is_pod_ready(cluster.store.get("pods", namespace, "p")))
    return "p"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("exec", "p", "--", "true"), "the lab runs no commands in containers"),
        (("cp", "p:/etc/hosts", "{folder}/hosts"), "the lab runs no commands in containers"),
        (("attach", "p"), "the lab does not attach to containers"),
        (("port-forward", "p", ":80"), "the lab forwards no ports"),
        (("debug", "p", "--image=app:1"), "the lab has no ephemeral containers"),
        (("get", "--raw", "/api/v1/namespaces/{namespace}/pods/p/proxy/"), "the lab has no proxy to pods"),
        (
            ("get", "--raw", "/api/v1/namespaces/{namespace}/services/s/proxy/x"),
            "the lab has no proxy to Services",
        ),
    ],
)
def test_what_reaches_into_containers_is_refused_with_the_reason(
    cluster, namespace, pod, tmp_path, arguments, said
):
    words = [word.format(namespace=namespace, folder=tmp_path) for word in arguments]
    refused = cluster.kubectl("-n", namespace, *words, check=False)
    assert refused.returncode == 1
    assert said in refused.stderr, refused.stderr
    assert "panic" not in refused.stderr


def test_containers_keep_the_resources_that_they_started_with(cluster, namespace, pod):
    resources = {"requests": {"cpu": "100m"}}
    patch = json.dumps({"spec": {"containers": [{"name": "app", "resources": resources}]}})
    resize = ("patch", "pod", pod, "-n", namespace, "--subresource=resize", "-p", patch)
    refused = cluster.kubectl(*resize, check=False)
    assert refused.returncode == 1
    assert "the lab does not change the resources of containers that run" in refused.stderr
    assert cluster.get("pod", pod, "-n", namespace)["spec"]["containers"][0]["resources"] == {}


@pytest.mark.parametrize(
    "kind",
    [
        "statefulsets",
        "daemonsets",
        "cronjobs",
        "horizontalpodautoscalers",
        "poddisruptionbudgets",
        "ingresses",
        "networkpolicies",
        "persistentvolumeclaims",
        "persistentvolumes",
        "storageclasses",
        "resourcequotas",
        "limitranges",
        "priorityclasses",
        "replicationcontrollers",
        "customresourcedefinitions",
    ],
)
def test_kinds_that_are_not_served_are_unknown(cluster, kind):
    refused = cluster.kubectl("get", kind, check=False)
    assert refused.stderr == f'error: the server doesn\'t have a resource type "{kind}"\n'


@pytest.fixture
def chaosk8s(cluster, monkeypatch):
    """Let chaosk8s find the lab."""
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    # The client reads KUBECONFIG once, when it is imported.
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(cluster.kubeconfig))
    monkeypatch.setenv("KUBERNETES_VERIFY_SSL", "true")


@pytest.mark.parametrize(
    "act",
    [
        lambda namespace: scale_statefulset("x", 1, ns=namespace),
        lambda namespace: daemon_set_available_and_healthy("x", ns=namespace),
        lambda namespace: ingress_exists("x", ns=namespace),
        lambda namespace: list_custom_objects("example.com", "v1", "things", ns=namespace),
    ],
    ids=["statefulset", "daemonset", "networking", "crd"],
)
def test_chaosk8s_is_told_404_of_kinds_that_are_not_served(namespace, chaosk8s, act):
    """Some of its activities pass the client's error on, some wrap it; none goes on as if all were well."""
    with pytest.raises((ApiException, ActivityFailed), match=r"404|Not Found"):
        act(namespace)


def test_top_and_explain_say_what_is_missing(cluster):
    assert "Metrics API not available" in cluster.kubectl("top", "nodes", check=False).stderr
    refused = cluster.kubectl("explain", "deployment.spec", check=False)
    assert "not found in OpenAPI schema" in refused.stderr


def test_a_taint_keeps_new_pods_away_and_drives_none_out(cluster, namespace, pod):
    tolerant = POD | {"metadata": {"name": "tolerant"}}
    tolerant["spec"] = POD["spec"] | {"tolerations": [{"key": "k", "operator": "Exists"}]}
    try:
        cluster.kubectl("taint", "node", "node-1", "k=v:NoExecute")
        for one in (tolerant, POD | {"metadata": {"name": "other"}}):
            text = json.dumps({"apiVersion": "v1", "kind": "Pod"} | one)
            cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=text)
        cluster.wait_for(lambda: meta.is_pod_ready(cluster.store.get("pods", namespace, "tolerant")))
        waiting = cluster.wait_for(
            lambda: meta.condition_of(cluster.store.get("pods", namespace, "other"), "PodScheduled")
        )
        assert (waiting["status"], waiting["reason"]) == ("False", "Unschedulable")
        # A cluster's taint eviction would end this one.
        assert not meta.is_deleting(cluster.call(cluster.store.get, "pods", namespace, pod))
    finally:
        cluster.kubectl("taint", "node", "node-1", "k-")
    cluster.wait_for(lambda: meta.is_pod_ready(cluster.store.get("pods", namespace, "other")))


def test_pods_come_together_and_apart_as_it_happens(cluster, namespace, pod):
    """A cluster would let these wait, as nothing satisfies them, and refuse an unknown priority class."""
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "nobody"}}}
    node = {"matchExpressions": [{"key": "no-such-label", "operator": "Exists"}]}
    spread = {"maxSkew": 1, "topologyKey": "no-such-label", "whenUnsatisfiable": "DoNotSchedule"}
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    wishes = {
        "node-affinity": {"affinity": {"nodeAffinity": {required: {"nodeSelectorTerms": [node]}}}},
        "pod-affinity": {"affinity": {"podAffinity": {required: [term]}}},
        "spread": {"topologySpreadConstraints": [spread | {"labelSelector": {"matchLabels": {"app": "x"}}}]},
        "priority": {"priorityClassName": "no-such-class"},
    }
    for name, wish in wishes.items():
        one = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": POD["spec"] | wish}
        cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(one))
    for name in wishes:
        cluster.wait_for(lambda name=name: meta.is_pod_ready(cluster.store.get("pods", namespace, name)))


def test_pods_get_no_token_volume(cluster, namespace, pod, chaosk8s):
    """A cluster adds one with the account's token; chaosk8s takes it for granted when it drains a node."""
    live = cluster.get("pod", pod, "-n", namespace)["spec"]
    assert live["serviceAccountName"] == "default"
    assert "volumes" not in live
    assert "volumeMounts" not in live["containers"][0]
    try:
        with pytest.raises(TypeError, match="NoneType"):
            drain_nodes(name="node-1", timeout=5)
    finally:
        uncordon_node("node-1")


def test_the_last_of_a_yaml_body_s_fields_counts(cluster, namespace, ask):
    """A cluster's strict validation refuses both; the lab does so for JSON (tests/conformance)."""
    path = f"/api/v1/namespaces/{namespace}/configmaps?fieldValidation=Strict"
    body = b"metadata: {name: twice}\ndata: {a: first}\ndata: {a: last}\n"
    status, headers, answer = ask("POST", path, body, Content_Type="application/yaml")
    assert (status, json.loads(answer)["data"], headers["Warning"]) == (201, {"a": "last"}, None)
    body = b'{"metadata": {"name": "json"}, "data": {"a": "first"}, "data": {"a": "last"}}'
    status, _, answer = ask("POST", path, body)
    assert (status, 'duplicate field "data"' in json.loads(answer)["message"]) == (400, True)


def test_the_history_is_a_number_of_changes(cluster, namespace, ask):
    """A cluster remembers five minutes; both answer 410 for what is older."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    cluster.call(cluster.store.create, "configmaps", {"metadata": {"name": "c", "namespace": namespace}})
    version = json.loads(ask("GET", path)[2])["metadata"]["resourceVersion"]

    def write_often():
        for number in range(HISTORY + 1):
            data = {"n": str(number)}
            cluster.store.mutate("configmaps", namespace, "c", lambda new, data=data: new.update(data=data))

    cluster.call(write_often)
    lines = ask("GET", f"{path}?watch=1&timeoutSeconds=1&resourceVersion={version}")[2].splitlines()
    event = json.loads(lines[0])
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
    status, _, body = ask("GET", f"{path}?resourceVersionMatch=Exact&resourceVersion={version}")
    assert (status, json.loads(body)["message"]) == (
        410,
        "The resourceVersion for the provided list is too old.",
    )


def test_a_version_of_the_future_is_refused_at_once(cluster, namespace, ask):
    """A cluster waits three seconds for it first."""
    future = cluster.call(lambda: cluster.store.version) * 2
    path = f"/api/v1/namespaces/{namespace}/configmaps?resourceVersion={future}"
    status, _, body = ask("GET", path)
    assert (status, json.loads(body)["reason"]) == (504, "Timeout")
