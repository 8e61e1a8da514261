"""Chaos Toolkit's Kubernetes extension where a node is held or closed; the rest is in tests/conformance."""

import json

import pytest
from chaosk8s.deployment import actions as deployment_actions
from chaosk8s.deployment import probes as deployment_probes
from chaosk8s.node.actions import cordon_node, drain_nodes, uncordon_node
from chaoslib.exceptions import ActivityFailed

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


def test_nodes_are_cordoned(cluster, web):
    try:
        cordon_node("node-1")
        assert cluster.call(cluster.store.get, "nodes", None, "node-1")["spec"]["unschedulable"] is True
    finally:
        uncordon_node("node-1")
    assert "unschedulable" not in cluster.call(cluster.store.get, "nodes", None, "node-1").get("spec", {})


def test_a_node_is_drained(cluster, web):
    # chaosk8s cannot drain pods without a volume: on a cluster most have one, with their account's token.
    volume = {"spec": {"template": {"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}}}}
    cluster.kubectl("patch", "deploy/web", "-p", json.dumps(volume), "-n", web)
    cluster.kubectl("rollout", "status", "deploy/web", "-n", web, "--timeout=20s")
    before = names(cluster, "pods", web)
    try:
        assert drain_nodes(name="node-1", delete_pods_with_local_storage=True, timeout=30)
        assert not names(cluster, "pods", web) & before
    finally:
        uncordon_node("node-1")
