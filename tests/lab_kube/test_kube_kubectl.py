"""What kubectl does where the node lingers, or is closed; the rest is in tests/conformance."""

import pytest

from lab.kube import meta


def test_foreground_deletion_waits_for_the_pods(cluster, web):
    cluster.kubelet.linger = lambda pod: pod["metadata"]["namespace"] == web
    cluster.kubectl("delete", "deployment", "web", "--cascade=foreground", "--wait=false", "-n", web)
    cluster.wait_for(lambda: all(meta.is_deleting(pod) for pod in cluster.store.list("pods", web)))
    assert cluster.get("deployment", "web", "-n", web)["metadata"]["finalizers"] == ["foregroundDeletion"]
    status = cluster.kubectl("get", "pods", "-n", web, "--no-headers").stdout
    assert [line.split()[2] for line in status.splitlines()] == ["Terminating"] * 2
    cluster.kubelet.linger = lambda _pod: False
    cluster.call(lambda: [cluster.kubelet.look_at(pod) for pod in cluster.store.list("pods", web)])
    cluster.wait_for(lambda: not cluster.store.list("deployments", web))


def test_a_forced_delete_does_not_wait_for_the_node(cluster, web):
    cluster.kubelet.linger = lambda pod: pod["metadata"]["namespace"] == web
    pod = cluster.kubectl("get", "pods", "-n", web, "-o", "name").stdout.split()[0]
    cluster.kubectl("delete", pod, "--force", "--grace-period=0", "-n", web)
    cluster.wait_for(
        lambda: len([one for one in cluster.store.list("pods", web) if not meta.is_deleting(one)]) == 2
    )


@pytest.mark.parametrize("what", ["cordon", "drain"])
def test_nodes_are_cordoned_and_drained(cluster, web, what):
    try:
        if what == "cordon":
            cluster.kubectl("cordon", "node-1")
            assert "Ready,SchedulingDisabled" in cluster.kubectl("get", "nodes").stdout
        else:
            cluster.kubectl("drain", "node-1", "--pod-selector=app=web", "--timeout=10s", "--ignore-daemonsets")
        cluster.kubectl("scale", "deploy/web", "--replicas=3", "-n", web)
        pending = cluster.wait_for(lambda: cluster.store.list("pods", web, "", "status.phase=Pending"))
        cluster.wait_for(
            lambda: meta.condition_of(
                cluster.store.list("pods", web, "", "status.phase=Pending")[0], "PodScheduled"
            )
        )
        assert pending[0]["spec"].get("nodeName") is None
        assert "FailedScheduling" in cluster.kubectl("get", "events", "-n", web).stdout
    finally:
        cluster.kubectl("uncordon", "node-1")
    cluster.kubectl("rollout", "status", "deploy/web", "-n", web, "--timeout=5s")
