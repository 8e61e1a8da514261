"""Chaos Toolkit's Kubernetes extension: its actions and probes, as experiments call them."""

import json

import pytest
from chaosk8s.deployment import actions as deployment_actions
from chaosk8s.deployment import probes as deployment_probes
from chaosk8s.event.probes import get_events
from chaosk8s.namespace.actions import create_namespace, delete_namespace
from chaosk8s.namespace.probes import namespace_exists
from chaosk8s.node.actions import cordon_node, uncordon_node
from chaosk8s.node.probes import get_nodes
from chaosk8s.pod import probes as pod_probes
from chaosk8s.pod.actions import terminate_pods
from chaosk8s.replicaset.actions import delete_replica_set
from chaosk8s.secret.actions import create_secret, delete_secret
from chaosk8s.secret.probes import secret_exists
from chaosk8s.service.actions import create_service_endpoint, delete_service
from chaosk8s.service.probes import service_is_initialized
from chaoslib.exceptions import ActivityFailed

from lab.kube import meta

LABEL = "app=web"


@pytest.fixture
def web(cluster, namespace, make_deployment, monkeypatch, tmp_path):
    """The namespace of a ready Deployment of two pods, made by chaosk8s itself."""
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    # The client reads KUBECONFIG once, when it is imported.
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(cluster.kubeconfig))
    monkeypatch.setenv("KUBERNETES_VERIFY_SSL", "true")
    path = tmp_path / "web.json"
    path.write_text(json.dumps(make_deployment(replicas=2)))
    deployment_actions.create_deployment(str(path), ns=namespace)
    assert deployment_probes.deployment_fully_available("web", ns=namespace, timeout=5)
    return namespace


def names(cluster, plural, namespace):
    return cluster.call(lambda: {one["metadata"]["name"] for one in cluster.store.list(plural, namespace)})


def test_deployment_probes(cluster, web):
    assert deployment_probes.deployment_available_and_healthy("web", ns=web)
    cluster.kubelet.hold = lambda pod: pod["metadata"]["namespace"] == web
    deployment_actions.scale_deployment("web", 3, ns=web)
    assert deployment_probes.deployment_not_fully_available("web", ns=web, timeout=5)
    assert deployment_probes.deployment_partially_available("web", ns=web)
    with pytest.raises(ActivityFailed):
        deployment_probes.deployment_available_and_healthy("web", ns=web)
    with pytest.raises(ActivityFailed):
        deployment_probes.deployment_available_and_healthy("none", ns=web)


def test_deployments_are_rolled_and_deleted(cluster, web):
    before = names(cluster, "pods", web)
    deployment_actions.rollout_deployment("web", ns=web)
    cluster.wait_for(lambda: not before & {one["metadata"]["name"] for one in cluster.store.list("pods", web)})
    deployment_actions.delete_deployment("web", ns=web)
    # As on a cluster, what the API deletes by default takes its dependents along.
    cluster.wait_for(lambda: not cluster.store.list("pods", web))
    assert names(cluster, "replicasets", web) == set()


def test_pods_are_terminated_and_replaced(cluster, web):
    before = names(cluster, "pods", web)
    terminate_pods(label_selector=LABEL, ns=web, rand=True, qty=1)
    cluster.wait_for(
        lambda: len({one["metadata"]["name"] for one in cluster.store.list("pods", web)} & before) == 1
    )
    terminate_pods(name_pattern="web-.*", all=True, ns=web, grace_period=0)
    cluster.wait_for(
        lambda: (
            not before & {one["metadata"]["name"] for one in cluster.store.list("pods", web)}
            and all(map(meta.is_pod_ready, cluster.store.list("pods", web)))
        )
    )
    assert pod_probes.count_pods(LABEL, phase="Running", ns=web) == 2


def test_pod_probes(cluster, web):
    assert pod_probes.pods_in_phase(LABEL, phase="Running", ns=web)
    assert pod_probes.pods_in_conditions(LABEL, [{"type": "Ready", "status": "True"}], ns=web)
    assert pod_probes.pods_not_in_phase(LABEL, phase="Failed", ns=web)
    assert pod_probes.count_min_pods(LABEL, min_count=2, ns=web)
    with pytest.raises(ActivityFailed):
        pod_probes.pods_in_phase(LABEL, phase="Failed", ns=web)
    pod = sorted(names(cluster, "pods", web))[0]
    cluster.logs.write(pod, "hello")
    assert pod_probes.read_pod_logs(label_selector=LABEL, ns=web)[pod].endswith("Z hello\n")


def test_replica_sets_come_back(cluster, web):
    before = cluster.call(lambda: cluster.store.list("replicasets", web)[0]["metadata"]["uid"])
    delete_replica_set(label_selector=LABEL, ns=web)
    found = cluster.wait_for(
        lambda: [one for one in cluster.store.list("replicasets", web) if one["metadata"]["uid"] != before]
    )
    assert len(found) == 1


def test_services_and_secrets(web, tmp_path):
    service = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}
    secret = {"metadata": {"name": "key"}, "stringData": {"a": "b"}}
    for name, document in (("service.json", service), ("secret.json", secret)):
        (tmp_path / name).write_text(json.dumps(document))
    create_service_endpoint(str(tmp_path / "service.json"), ns=web)
    assert service_is_initialized("web", ns=web)
    delete_service("web", ns=web)
    assert service_is_initialized("web", ns=web, raise_if_service_not_initialized=False) is False
    create_secret(str(tmp_path / "secret.json"), ns=web)
    assert secret_exists("key", ns=web)
    delete_secret("key", ns=web)
    assert not secret_exists("key", ns=web)


def test_namespaces_events_and_nodes(cluster, web):
    name = f"{web}-b"
    create_namespace(name)
    assert namespace_exists(name)
    delete_namespace(name)
    cluster.wait_for(lambda: cluster.store.find("namespaces", None, name) is None)
    scaled = get_events(field_selector="reason=ScalingReplicaSet,regarding.name=web", limit=1000)["items"]
    assert any("Scaled up replica set" in one["note"] for one in scaled)
    assert "node-1" in json.dumps(get_nodes(), default=str)
    try:
        cordon_node("node-1")
        assert cluster.call(cluster.store.get, "nodes", None, "node-1")["spec"]["unschedulable"] is True
    finally:
        uncordon_node("node-1")
    assert "unschedulable" not in cluster.call(cluster.store.get, "nodes", None, "node-1").get("spec", {})
