"""kubectl rollout, wait and delete. Without a replica a rollout needs no container and is over at once."""

import re

import pytest

from .cluster import NEVER, config_map, container_of, deployment, until

OTHER = "example.com/other:1"


def rolled_out(kubectl):
    return kubectl("rollout", "status", "deployment/web", "--timeout=50s")


def test_history_and_undo(kubectl):
    """An undo makes a revision of its own, and takes the number of the one that it goes back to away."""
    kubectl.apply(deployment())
    assert rolled_out(kubectl).endswith('deployment "web" successfully rolled out\n')
    kubectl("annotate", "deploy/web", "kubernetes.io/change-cause=second")
    kubectl("set", "image", "deploy/web", f"app={OTHER}")
    rolled_out(kubectl)
    shown = kubectl("rollout", "history", "deploy/web")
    assert re.findall(r"^(\d+) ", shown, re.M) == ["1", "2"]
    assert re.search(r"^2 +second$", shown, re.M), shown
    assert NEVER in kubectl("rollout", "history", "deploy/web", "--revision=1")
    assert "unable to find specified revision 7" in kubectl(
        "rollout", "undo", "deploy/web", "--to-revision=7", code=1
    )
    assert "deployment.apps/web rolled back\n" in kubectl("rollout", "undo", "deploy/web")
    rolled_out(kubectl)
    assert container_of(kubectl.json("deploy/web"))["image"] == NEVER
    assert re.findall(r"^(\d+) ", kubectl("rollout", "history", "deploy/web"), re.M) == ["2", "3"]
    kubectl("rollout", "undo", "deploy/web", "--to-revision=2")
    rolled_out(kubectl)
    assert container_of(kubectl.json("deploy/web"))["image"] == OTHER
    sets = kubectl.json("rs")["items"]
    assert sorted(one["metadata"]["annotations"]["deployment.kubernetes.io/revision"] for one in sets) == [
        "3",
        "4",
    ]


def test_pause_and_resume(kubectl):
    """A paused Deployment takes changes and makes nothing of them until it is resumed."""
    kubectl.apply(deployment())
    rolled_out(kubectl)
    assert kubectl("rollout", "pause", "deploy/web") == "deployment.apps/web paused\n"
    assert "already paused" in kubectl("rollout", "pause", "deploy/web", code=1)
    kubectl("set", "image", "deploy/web", f"app={OTHER}")
    generation = kubectl.json("deploy/web")["metadata"]["generation"]
    kubectl(
        "wait", "deploy/web", f"--for=jsonpath={{.status.observedGeneration}}={generation}", "--timeout=50s"
    )
    assert len(kubectl.json("rs")["items"]) == 1
    conditions = kubectl.json("deploy/web")["status"]["conditions"]
    assert "DeploymentPaused" in {one["reason"] for one in conditions}
    assert "cannot restart" in kubectl("rollout", "restart", "deploy/web", code=1).replace("can't", "cannot")
    kubectl("rollout", "resume", "deploy/web")
    until(lambda: len(kubectl.json("rs")["items"]) == 2, "the second ReplicaSet")


@pytest.mark.container
def test_a_restart_replaces_every_pod(kubectl, world):
    kubectl.apply(deployment(image=world.image, replicas=2))
    rolled_out(kubectl)
    before = {one["metadata"]["name"] for one in kubectl.json("pods", "-l", "app=web")["items"]}
    assert kubectl("rollout", "restart", "deploy/web") == "deployment.apps/web restarted\n"
    assert "successfully rolled out" in rolled_out(kubectl)
    live = [one for one in kubectl.json("pods")["items"] if "deletionTimestamp" not in one["metadata"]]
    assert len(live) == 2
    assert not {one["metadata"]["name"] for one in live} & before
    template = kubectl.json("deploy/web")["spec"]["template"]
    assert "kubectl.kubernetes.io/restartedAt" in template["metadata"]["annotations"]
    row = kubectl("get", "deploy/web", "--no-headers").split()
    assert row[:4] == ["web", "2/2", "2", "2"]
    kubectl("wait", "pod", "-l", "app=web", "--for=condition=Ready", "--timeout=50s")


def test_a_rollout_that_cannot_end_passes_its_deadline(kubectl):
    """kubernetes.io/docs/concepts/workloads/controllers/deployment/#failed-deployment."""
    document = deployment(replicas=1, progressDeadlineSeconds=2)
    # A pod that nobody schedules: it needs no node to fail on.
    document["spec"]["template"]["spec"]["schedulerName"] = "nobody"
    kubectl.apply(document)
    said = kubectl("rollout", "status", "deploy/web", "--timeout=50s", code=1)
    assert 'deployment "web" exceeded its progress deadline' in said
    conditions = {one["type"]: one for one in kubectl.json("deploy/web")["status"]["conditions"]}
    assert (conditions["Progressing"]["status"], conditions["Progressing"]["reason"]) == (
        "False",
        "ProgressDeadlineExceeded",
    )
    assert conditions["Available"]["reason"] == "MinimumReplicasUnavailable"
    shown = kubectl("rollout", "status", "deploy/web", "--watch=false", code=None)
    assert "exceeded its progress deadline" in shown


def test_wait(kubectl):
    kubectl.apply(deployment())
    wait = ("wait", "deploy/web", "--timeout=50s")
    assert kubectl(*wait, "--for=condition=Available") == "deployment.apps/web condition met\n"
    kubectl(*wait, "--for=jsonpath={.spec.replicas}=0")
    timed_out = kubectl("wait", "deploy/web", "--for=condition=Nothing", "--timeout=1s", code=1)
    assert re.search("timed out waiting for the condition|deadline exceeded", timed_out)
    assert "not found" in kubectl("wait", "deploy/none", "--for=condition=Available", "--timeout=50s", code=1)
    kubectl("wait", "deploy/none", "--for=delete", "--timeout=50s")
    kubectl("delete", "deploy/web", "--wait=false")
    kubectl(*wait, "--for=delete")


@pytest.mark.parametrize("cascade", ["background", "foreground", "orphan"])
def test_delete_cascades(kubectl, cascade):
    """kubernetes.io/docs/tasks/administer-cluster/use-cascading-deletion."""
    kubectl.apply(deployment())
    rolled_out(kubectl)
    said = kubectl("delete", "deployment", "web", f"--cascade={cascade}")
    assert said.startswith('deployment.apps "web" deleted')
    assert kubectl("get", "deploy", "-o", "name") == ""
    if cascade == "orphan":
        (left,) = kubectl.json("rs")["items"]
        assert "ownerReferences" not in left["metadata"]
    elif cascade == "foreground":
        assert kubectl.json("rs")["items"] == []
    else:
        until(lambda: not kubectl.json("rs")["items"], "the ReplicaSet's end")


def test_delete_by_label_all_and_by_name(kubectl):
    kubectl.apply(config_map("a", labels={"x": "1"}), config_map("b"), config_map("c"))
    assert kubectl("delete", "cm", "-l", "x=1").startswith('configmap "a" deleted')
    kubectl("delete", "cm/b", "--now")
    refused = kubectl("delete", "cm/b", code=1)
    assert 'configmaps "b" not found' in refused
    kubectl("delete", "cm", "--all")
    names = kubectl("get", "cm", "-o", "name").split()
    # The cluster's own certificate comes back.
    assert [one for one in names if one != "configmap/kube-root-ca.crt"] == []


def test_a_namespace_goes_with_all_that_is_in_it(kubectl):
    kubectl.apply(deployment(), config_map("c", finalizers=["example.com/held"]))
    kubectl("delete", "namespace", kubectl.namespace, "--wait=false")
    refused = kubectl.apply(config_map("late"), code=1)
    assert "because it is being terminated" in refused
    assert kubectl("get", "ns", kubectl.namespace, "--no-headers").split()[1] == "Terminating"
    until(lambda: not kubectl.json("deploy")["items"], "the Deployment's end")
    kubectl("patch", "cm/c", "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
    kubectl("wait", "ns", kubectl.namespace, "--for=delete", "--timeout=50s")
    missing = kubectl.apply(config_map("late"), code=1)
    assert f'namespaces "{kubectl.namespace}" not found' in missing
