"""kubectl get, describe, events and discovery: what a person reads."""

import re

import pytest
import yaml

from .cluster import NEVER, config_map, container_of, deployment, read_until, until

RBAC = "rbac.authorization.k8s.io/v1"
# What -o wide adds is in brackets.
HEADINGS = {
    "pods": "NAME READY STATUS RESTARTS AGE [IP] [NODE] [NOMINATED NODE] [READINESS GATES]",
    "apps/deployments": "NAME READY UP-TO-DATE AVAILABLE AGE [CONTAINERS] [IMAGES] [SELECTOR]",
    "apps/replicasets": "NAME DESIRED CURRENT READY AGE [CONTAINERS] [IMAGES] [SELECTOR]",
    "services": "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE [SELECTOR]",
    "batch/jobs": "NAME STATUS COMPLETIONS DURATION AGE [CONTAINERS] [IMAGES] [SELECTOR]",
    "endpoints": "NAME ENDPOINTS AGE",
    "discovery.k8s.io/endpointslices": "NAME ADDRESSTYPE PORTS ENDPOINTS AGE",
    "configmaps": "NAME DATA AGE",
    "secrets": "NAME TYPE DATA AGE",
    "serviceaccounts": "NAME SECRETS AGE",
    "coordination.k8s.io/leases": "NAME HOLDER AGE",
    "rbac.authorization.k8s.io/roles": "NAME CREATED AT",
    "rbac.authorization.k8s.io/rolebindings": "NAME ROLE AGE [USERS] [GROUPS] [SERVICEACCOUNTS]",
    "events": "LAST SEEN TYPE REASON OBJECT [SUBOBJECT] [SOURCE] MESSAGE [FIRST SEEN] [COUNT] [NAME]",
}
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


def one(version, kind, **content):
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "web"}, **content}


def something_of_everything():
    container = {"name": "app", "image": NEVER}
    job = {"suspend": True, "template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "web"}
    subjects = [{"kind": "User", "name": "u", "apiGroup": "rbac.authorization.k8s.io"}]
    return [
        deployment(),
        one("v1", "Service", spec={"selector": {"app": "web"}, "ports": [{"port": 80}]}),
        one("batch/v1", "Job", spec=job),
        config_map("web", {"a": "b"}),
        one("v1", "Secret", stringData={"a": "b"}),
        one("coordination.k8s.io/v1", "Lease", spec={"holderIdentity": "me"}),
        one(RBAC, "Role", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]),
        one(RBAC, "RoleBinding", roleRef=role, subjects=subjects),
        # The finalizer's pod is bound to no node, and so waits for ever without needing one.
        one("v1", "Pod", spec={"schedulerName": "nobody", "containers": [container]}),
    ]


@pytest.fixture
def full(kubectl):
    """A namespace with one object of each kind, and none that runs."""
    kubectl.apply(*something_of_everything())
    until(lambda: kubectl.json("events")["items"], "an event")
    until(lambda: kubectl.json("endpointslices")["items"], "an EndpointSlice")
    return kubectl


def test_every_kind_has_its_columns(full, ask):
    """The columns are those of pkg/printers/internalversion/printers.go of Kubernetes."""
    for where, expected in HEADINGS.items():
        group, _, plural = where.rpartition("/")
        path = f"/apis/{group}/v1" if group else "/api/v1"
        table = ask("GET", f"{path}/namespaces/{full.namespace}/{plural}", Accept=TABLE).body
        names = [one["name"].upper() for one in table["columnDefinitions"]]
        wide = [one["priority"] > 0 for one in table["columnDefinitions"]]
        shown = " ".join(f"[{name}]" if more else name for name, more in zip(names, wide, strict=True))
        assert shown == expected, where
        assert table["rows"], where


def test_kubectl_shows_the_columns(full):
    assert full("get", "pods").splitlines()[0].split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    lines = full("get", "pods", "-o", "wide").splitlines()
    assert re.split(r"\s{2,}", lines[0].strip())[5:] == ["IP", "NODE", "NOMINATED NODE", "READINESS GATES"]
    assert lines[1].split()[:4] == ["web", "0/1", "Pending", "0"]
    headings = full("get", "nodes", "-o", "wide").splitlines()[0].split()
    assert headings[:6] == ["NAME", "STATUS", "ROLES", "AGE", "VERSION", "INTERNAL-IP"]
    assert full("get", "namespace", full.namespace, "--no-headers").split()[1] == "Active"


def test_describe_every_kind(full):
    """Each is described with its own fields, without an error."""
    expected = {
        "deployment": "Replicas:               0 desired | 0 updated | 0 total | 0 available | 0 unavailable",
        "replicaset": "Controlled By:  Deployment/web",
        "service": "Session Affinity:         None",
        "job": "Parallelism:      1",
        "configmap": "Data\n====\na:\n----\nb\n",
        "secret": "a:  1 bytes",
        "serviceaccount": "Image pull secrets:  <none>",
        "endpointslice": "AddressType:  IPv4",
        "lease": "Holder Identity:",
        "role": "pods       []                 []              [get]",
        "rolebinding": "User  u",
        "pod": "Status:           Pending",
    }
    for kind, text in expected.items():
        said = full("describe", kind)
        assert text in said, f"{kind}: {said}"
        assert "rror" not in said, said
    assert f"Name:         {full.namespace}" in full("describe", "namespace", full.namespace)
    assert "Capacity:" in full("describe", "nodes")


def test_one_object_in_every_form(full):
    assert full("get", "deploy/web", "-o", "jsonpath={.spec.replicas} {.metadata.name}") == "0 web"
    found = yaml.safe_load(full("get", "deploy/web", "-o", "yaml"))
    assert found["metadata"]["generation"] == 1
    assert "managedFields" not in found["metadata"]
    assert "managedFields" in full.json("deploy/web", "--show-managed-fields")["metadata"]
    columns = full("get", "deploy", "-o", "custom-columns=N:.metadata.name,IMAGE:..image,NONE:.spec.none")
    assert [line.split() for line in columns.splitlines()] == [["N", "IMAGE", "NONE"], ["web", NEVER, "<none>"]]
    assert full("get", "deploy/web", "-o", "go-template={{.kind}}") == "Deployment"
    assert full("get", "deploy", "web", "--no-headers").split()[:4] == ["web", "0/0", "0", "0"]
    for name in ("deploy", "deployment", "deployments", "deployments.apps", "deployments.v1.apps"):
        assert full("get", name, "web", "-o", "name") == "deployment.apps/web\n"
    shown = full("get", "all", "-o", "name").split()
    assert sorted(name.partition("/")[0] for name in shown) == [
        "deployment.apps",
        "job.batch",
        "pod",
        "replicaset.apps",
        "service",
    ]


def test_labels_choose_and_are_shown(kubectl):
    kubectl.apply(config_map("a", labels={"app": "web"}), config_map("b", labels={"app": "x", "y": "1"}))
    for selector, names in {
        "app=web": "a",
        "app in (web,x),!y": "a",
        "app notin (web),y": "b",
        "app!=web,app": "b",
        "app": "a b",
    }.items():
        found = kubectl("get", "cm", "-l", selector, "-o", "jsonpath={.items[*].metadata.name}")
        assert found == names, selector
    refused = kubectl("get", "cm", "-l", "a in x", code=1)
    assert "unable to parse requirement" in refused
    shown = kubectl("get", "cm", "-L", "app", "--show-labels", "-l", "app", "--no-headers")
    assert [line.split()[-2:] for line in shown.splitlines()] == [["web", "app=web"], ["x", "app=x,y=1"]]
    assert kubectl("get", "cm", "-l", "app", "--sort-by=.metadata.labels.app", "-o", "name").split() == [
        "configmap/a",
        "configmap/b",
    ]
    # Everywhere, so that also another namespace's ConfigMaps would be shown.
    assert kubectl("get", "cm", "-A", "-l", "app=web,!y", "--no-headers").split()[0] == kubectl.namespace


def test_fields_choose(full):
    assert full("get", "pods", "--field-selector=status.phase!=Pending") == (
        f"No resources found in {full.namespace} namespace.\n"
    )
    assert (
        full("get", "pods", "--field-selector=status.phase=Pending,spec.nodeName=", "-o", "name") == "pod/web\n"
    )
    assert full("get", "cm", "--field-selector=metadata.name=web", "-o", "name") == "configmap/web\n"
    refused = full("get", "pods", "--field-selector=spec.x=1", code=1)
    assert "field label not supported: spec.x" in refused
    found = full("get", "events", "--field-selector=involvedObject.kind=Deployment,reason=ScalingReplicaSet")
    assert found.startswith("No resources found") or "ScalingReplicaSet" in found


def test_what_is_not_there(kubectl):
    missing = kubectl("get", "deploy/none", code=1)
    assert missing == 'Error from server (NotFound): deployments.apps "none" not found\n'
    assert kubectl("get", "deploy/none", "--ignore-not-found") == ""
    assert kubectl("get", "nothing", code=1) == 'error: the server doesn\'t have a resource type "nothing"\n'
    assert kubectl("get", "deploy") == f"No resources found in {kubectl.namespace} namespace.\n"


def test_discovery(kubectl):
    groups = kubectl("api-versions").split()
    assert {"v1", "apps/v1", "batch/v1", "coordination.k8s.io/v1", "discovery.k8s.io/v1", RBAC} <= set(groups)
    resources = kubectl("api-resources", "--api-group=apps", "-o", "wide", "--no-headers").splitlines()
    words = next(line.split() for line in resources if line.startswith("deployments "))
    assert words[1:5] == ["deploy", "apps/v1", "true", "Deployment"]
    assert words[5:] == ["create,delete,deletecollection,get,list,patch,update,watch", "all"]
    assert "pods" in kubectl("api-resources", "--categories=all", "--namespaced", "-o", "name").split()
    assert "Kubernetes control plane" in kubectl("cluster-info")
    assert "Server Version: v1." in kubectl("version")
    assert kubectl("get", "--raw", "/readyz") == "ok"


def test_events_are_listed_by_time(full):
    """Scaling tells of itself; `kubectl events` reads the newer group, `get events` the core."""
    full("scale", "deploy/web", "--replicas=1")
    said = r"Scaled up replica set web-\S+ from 0 to 1"
    until(lambda: re.search(said, full("events", "--for=deployment/web")), "the event")
    assert re.search(rf"Normal\s+ScalingReplicaSet\s+deployment/web\s+{said}", full("get", "events"))
    assert re.search(said, full("describe", "deployment", "web"))


def test_get_watch(kubectl, started):
    """`get -w` shows what there is, then each change, and the headings once."""
    kubectl.apply(deployment(paused=True))
    process = started(kubectl.command("get", "deployment", "-w", "-o", "wide"))
    lines = read_until(process, "web ")
    document = deployment(paused=True)
    container_of(document)["image"] = "example.com/other:1"
    kubectl.apply(document)
    lines += read_until(process, "example.com/other:1")
    assert [line.split()[0] for line in lines].count("NAME") == 1
    names = started(kubectl.command("get", "cm", "-w", "--output-watch-events", "-l", "w=1"))
    kubectl.apply(config_map("seen", labels={"w": "1"}))
    assert read_until(names, "seen")[-1].split()[:3] == ["ADDED", "seen", "0"]
    kubectl("delete", "cm", "seen")
    assert read_until(names, "DELETED")[-1].split()[:2] == ["DELETED", "seen"]
