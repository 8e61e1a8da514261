"""Where the lab differs from a cluster, as setup/lab/README.md lists it: it says so, and does nothing wrong."""

import json

import pytest

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
