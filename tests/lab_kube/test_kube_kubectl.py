"""What kubectl shows and does."""

import json
import re

import pytest
import yaml

from lab.kube import meta


def one(version, kind, **content):
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "web"}, **content}


def columns(text):
    """Return a table's headings."""
    return re.split(r"\s{2,}", text.splitlines()[0].strip())


HEADINGS = {
    "pods": "NAME READY STATUS RESTARTS AGE|IP|NODE|NOMINATED NODE|READINESS GATES",
    "deployments": "NAME READY UP-TO-DATE AVAILABLE AGE|CONTAINERS|IMAGES|SELECTOR",
    "replicasets": "NAME DESIRED CURRENT READY AGE|CONTAINERS|IMAGES|SELECTOR",
    "services": "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE|SELECTOR",
    "jobs": "NAME STATUS COMPLETIONS DURATION AGE|CONTAINERS|IMAGES|SELECTOR",
    "endpoints": "NAME ENDPOINTS AGE",
    "endpointslices": "NAME ADDRESSTYPE PORTS ENDPOINTS AGE",
    "nodes": "NAME STATUS ROLES AGE VERSION|INTERNAL-IP|EXTERNAL-IP|OS-IMAGE|KERNEL-VERSION|CONTAINER-RUNTIME",
    "configmaps": "NAME DATA AGE",
    "secrets": "NAME TYPE DATA AGE",
    "serviceaccounts": "NAME SECRETS AGE",
    "namespaces": "NAME STATUS AGE",
    "leases": "NAME HOLDER AGE",
    "roles": "NAME CREATED AT",
    "rolebindings": "NAME ROLE AGE|USERS|GROUPS|SERVICEACCOUNTS",
}


def test_every_kind_has_the_columns_that_its_users_know(cluster, web):
    container = {"name": "app", "image": "app:1"}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    rbac = "rbac.authorization.k8s.io/v1"
    documents = [
        one("v1", "Service", spec={"selector": {"app": "web"}, "ports": [{"port": 80}]}),
        one("batch/v1", "Job", spec={"template": template}),
        one("v1", "ConfigMap", data={"a": "b"}),
        one("v1", "Secret", stringData={"a": "b"}),
        one("coordination.k8s.io/v1", "Lease", spec={"holderIdentity": "me"}),
        one(rbac, "Role", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]),
        one(
            rbac,
            "RoleBinding",
            roleRef={"kind": "Role", "name": "web"},
            subjects=[{"kind": "User", "name": "u"}],
        ),
    ]
    cluster.kubectl("apply", "-n", web, "-f", "-", stdin=yaml.safe_dump_all(documents))
    for kind, text in HEADINGS.items():
        narrow, *wide = text.split("|")
        shown = cluster.kubectl("get", kind, "-n", web).stdout.splitlines()[0]
        assert shown.split() == narrow.split(), kind
        if wide:
            assert (
                columns(cluster.kubectl("get", kind, "-n", web, "-o", "wide").stdout)[-len(wide) :] == wide
            ), kind


def test_rows(cluster, web):
    row = cluster.kubectl("get", "deployment", "web", "-n", web, "--no-headers").stdout.split()
    assert row[:4] == ["web", "2/2", "2", "2"]
    pods = cluster.kubectl("get", "pods", "-n", web, "--no-headers").stdout.splitlines()
    assert [line.split()[1:4] for line in pods] == [["1/1", "Running", "0"]] * 2
    events = cluster.kubectl("get", "events", "-n", web).stdout
    assert re.search(
        r"Normal\s+ScalingReplicaSet\s+deployment/web\s+Scaled up replica set web-\S+ from 0 to 2", events
    )
    assert "Successfully assigned" in cluster.kubectl("events", "-n", web).stdout


@pytest.mark.parametrize(
    "name", ["deploy", "deployment", "deployments", "deployments.apps", "deployments.v1.apps"]
)
def test_kinds_are_found_by_all_their_names(cluster, web, name):
    assert cluster.kubectl("get", name, "web", "-n", web, "-o", "name").stdout == "deployment.apps/web\n"


def test_get_all_and_other_forms(cluster, web):
    shown = cluster.kubectl("get", "all", "-n", web, "-o", "name").stdout.split()
    assert sorted(one.partition("/")[0] for one in shown) == [
        "deployment.apps",
        "pod",
        "pod",
        "replicaset.apps",
    ]
    assert cluster.kubectl("get", "deploy/web", "-n", web, "-o", "jsonpath={.spec.replicas}").stdout == "2"
    found = yaml.safe_load(cluster.kubectl("get", "deploy/web", "-n", web, "-o", "yaml").stdout)
    assert found["metadata"]["generation"] == 1
    assert "managedFields" not in found["metadata"]
    names = cluster.kubectl("get", "pods", "-n", web, "-l", "app in (web,x),!y", "-o", "name").stdout.split()
    assert len(names) == 2
    assert cluster.kubectl("get", "pods", "-n", web, "--field-selector=status.phase!=Running").stdout == ""
    refused = cluster.kubectl("get", "pods", "-n", web, "--field-selector=spec.x=1", check=False)
    assert "field label not supported: spec.x" in refused.stderr
    missing = cluster.kubectl("get", "deploy/none", "-n", web, check=False)
    assert missing.stderr == 'Error from server (NotFound): deployments.apps "none" not found\n'


def test_describe(cluster, web):
    shown = cluster.kubectl("describe", "deployment", "web", "-n", web).stdout
    assert "2 desired | 2 updated | 2 total | 2 available | 0 unavailable" in shown
    assert "Available      True    MinimumReplicasAvailable" in shown
    assert "ScalingReplicaSet" in shown
    pod = cluster.kubectl("get", "pods", "-n", web, "-o", "name").stdout.split()[0]
    shown = cluster.kubectl("describe", pod, "-n", web).stdout
    assert "Controlled By:  ReplicaSet/web-" in shown
    assert "default-scheduler  Successfully assigned" in shown
    for kind in ("node/node-1", f"namespace/{web}"):
        cluster.kubectl("describe", kind)


def test_rollout_restart_history_undo_pause(cluster, web):
    def rollout(*arguments):
        return cluster.kubectl("rollout", *arguments, "-n", web).stdout

    assert rollout("status", "deployment/web") == 'deployment "web" successfully rolled out\n'
    cluster.kubectl("set", "image", "deployment/web", "app=app:2", "-n", web)
    assert rollout("status", "deployment/web", "--timeout=5s").endswith("successfully rolled out\n")
    assert re.findall(r"^(\d+) ", rollout("history", "deployment/web"), re.M) == ["1", "2"]
    assert "app:1" in rollout("history", "deployment/web", "--revision=1")
    rollout("undo", "deployment/web")
    rollout("status", "deployment/web", "--timeout=5s")
    assert cluster.get("deploy/web", "-n", web)["spec"]["template"]["spec"]["containers"][0]["image"] == "app:1"
    assert re.findall(r"^(\d+) ", rollout("history", "deployment/web"), re.M) == ["2", "3"]
    before = {one["metadata"]["name"] for one in cluster.get("pods", "-n", web)["items"]}
    rollout("restart", "deployment/web")
    rollout("status", "deployment/web", "--timeout=5s")
    after = cluster.get("pods", "-n", web)["items"]
    live = {one["metadata"]["name"] for one in after if "deletionTimestamp" not in one["metadata"]}
    assert len(live) == 2
    assert not live & before
    rollout("pause", "deployment/web")
    cluster.kubectl("set", "image", "deployment/web", "app=app:3", "-n", web)
    images = {
        one["spec"]["template"]["spec"]["containers"][0]["image"]
        for one in cluster.get("rs", "-n", web)["items"]
    }
    assert "app:3" not in images
    rollout("resume", "deployment/web")
    rollout("status", "deployment/web", "--timeout=5s")
    images = {one["spec"]["containers"][0]["image"] for one in cluster.get("pods", "-n", web)["items"]}
    assert "app:3" in images


def test_rollout_status_waits_and_gives_up_at_the_deadline(cluster, namespace, make_deployment):
    cluster.kubelet.hold = lambda pod: pod["metadata"]["namespace"] == namespace
    text = json.dumps(make_deployment(progressDeadlineSeconds=1))
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=text)
    done = cluster.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=10s", check=False)
    assert 'deployment "web" exceeded its progress deadline' in done.stderr
    assert "0 of 1 updated replicas are available" in done.stdout


def test_scale_wait_label_annotate_edit_in_place(cluster, web):
    cluster.kubectl("scale", "deploy/web", "--replicas=3", "-n", web)
    cluster.kubectl("wait", "deploy/web", "-n", web, "--for=jsonpath={.status.readyReplicas}=3", "--timeout=5s")
    cluster.kubectl("wait", "pod", "-l", "app=web", "-n", web, "--for=condition=Ready", "--timeout=5s")
    refused = cluster.kubectl(
        "scale", "deploy/web", "--current-replicas=2", "--replicas=1", "-n", web, check=False
    )
    assert "Expected replicas to be 2, was 3" in refused.stderr
    cluster.kubectl("label", "deploy/web", "tier=front", "-n", web)
    assert cluster.kubectl("label", "deploy/web", "tier=back", "-n", web, check=False).returncode == 1
    cluster.kubectl("label", "deploy/web", "tier=back", "--overwrite", "-n", web)
    cluster.kubectl("label", "deploy/web", "tier-", "-n", web)
    assert "labels" not in cluster.get("deploy/web", "-n", web)["metadata"]
    patch = '[{"op": "replace", "path": "/spec/replicas", "value": 1}]'
    cluster.kubectl("patch", "deploy/web", "--type=json", "-p", patch, "-n", web)
    cluster.kubectl("patch", "deploy/web", "--type=merge", "-p", '{"spec": {"minReadySeconds": 0}}', "-n", web)
    cluster.kubectl(
        "patch", "deploy/web", "--subresource=scale", "--type=merge", "-p", '{"spec":{"replicas":2}}', "-n", web
    )
    assert cluster.get("deploy/web", "-n", web)["spec"]["replicas"] == 2
    cluster.kubectl("wait", "pod/none", "-n", web, "--for=delete", "--timeout=5s")


@pytest.mark.parametrize(("cascade", "left"), [("background", 0), ("foreground", 0), ("orphan", 2)])
def test_delete_cascades(cluster, web, cascade, left):
    pods = {one["metadata"]["name"] for one in cluster.get("pods", "-n", web)["items"]}
    cluster.kubectl("delete", "deployment", "web", f"--cascade={cascade}", "-n", web)

    def remaining():
        return {one["metadata"]["name"] for one in cluster.store.list("pods", web)}

    cluster.wait_for(lambda: len(remaining()) == left)
    assert cluster.call(cluster.store.list, "deployments", web) == []
    if left:
        assert cluster.call(remaining) == pods
        owners = cluster.get("rs", "-n", web)["items"][0]["metadata"].get("ownerReferences")
        assert owners is None


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


def create(cluster, name, namespace):
    """Create a ConfigMap from JSON; returns the finished process."""
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    return cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(document), check=False)


def test_delete_by_label_and_a_whole_namespace(cluster, web):
    assert create(cluster, "one", web).returncode == 0
    cluster.kubectl("label", "configmap", "one", "run=1", "-n", web)
    assert create(cluster, "two", web).returncode == 0
    assert cluster.kubectl("delete", "configmap", "-l", "run=1", "-n", web).stdout.startswith(
        'configmap "one" deleted'
    )
    assert [one["metadata"]["name"] for one in cluster.get("cm", "-n", web)["items"]] == ["two"]
    cluster.kubectl("delete", "namespace", web, "--timeout=10s")
    assert cluster.call(cluster.store.list, "pods", web) == []
    refused = create(cluster, "three", web)
    assert f'namespaces "{web}" not found' in refused.stderr


def test_a_terminating_namespace_takes_nothing_new(cluster, web):
    cluster.kubelet.linger = lambda pod: pod["metadata"]["namespace"] == web
    cluster.kubectl("delete", "namespace", web, "--wait=false")
    cluster.wait_for(lambda: meta.is_deleting(cluster.store.get("namespaces", None, web)))
    refused = create(cluster, "late", web)
    assert f"unable to create new content in namespace {web} because it is being terminated" in refused.stderr
    assert cluster.kubectl("get", "ns", web, "--no-headers").stdout.split()[1] == "Terminating"


def test_a_job_runs_to_its_end(cluster, namespace):
    arguments = ("create", "job", "once", "--image=app", "--dry-run=client", "-o", "json")
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=cluster.kubectl(*arguments).stdout)
    pod = cluster.wait_for(lambda: next(iter(cluster.store.list("pods", namespace, "job-name=once")), None))

    def succeed(new):
        new["status"]["phase"] = "Succeeded"

    cluster.call(cluster.store.mutate, "pods", namespace, pod["metadata"]["name"], succeed, "status")
    cluster.kubectl("wait", "job/once", "-n", namespace, "--for=condition=complete", "--timeout=5s")
    assert cluster.kubectl("get", "job", "once", "-n", namespace, "--no-headers").stdout.split()[1:3] == [
        "Complete",
        "1/1",
    ]
    cluster.kubectl("delete", "job", "once", "-n", namespace)
    cluster.wait_for(lambda: not cluster.store.list("pods", namespace))


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
