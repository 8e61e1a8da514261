"""The kubernetes Python client writes: who comes too late, names that the server makes, parts, dry runs."""

import pytest
from kubernetes import client
from kubernetes.client.rest import ApiException

from .cluster import config_map, deployment, until


def refused(status, act, *arguments, **options):
    """Call what must fail; returns the error's text."""
    with pytest.raises(ApiException) as caught:
        act(*arguments, **options)
    assert caught.value.status == status, caught.value.body
    return caught.value.body


def test_create_read_replace_patch_delete(apps, namespace):
    made = apps.create_namespaced_deployment(namespace, deployment())
    assert made.spec.strategy.rolling_update.max_surge == "25%"
    assert (made.metadata.generation, made.spec.progress_deadline_seconds) == (1, 600)
    refused(409, apps.create_namespaced_deployment, namespace, deployment())
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "example.com/b:1"}]}}}}
    patched = apps.patch_namespaced_deployment("web", namespace, patch)
    assert patched.spec.template.spec.containers[0].image == "example.com/b:1"
    assert patched.metadata.generation == 2
    # Without a version the last writer wins: the controller is writing, too.
    made.metadata.resource_version = None
    made.spec.min_ready_seconds = 1
    assert apps.replace_namespaced_deployment("web", namespace, made).metadata.generation == 3
    deleted = apps.delete_namespaced_deployment("web", namespace)
    details = deleted["details"]
    assert (deleted["status"], details["name"], details["group"]) == ("Success", "web", "apps")
    body = refused(404, apps.read_namespaced_deployment, "web", namespace)
    assert 'deployments.apps \\"web\\" not found' in body


def test_who_comes_too_late_is_told(core, namespace):
    """kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions: optimistic concurrency."""
    made = core.create_namespaced_config_map(namespace, config_map("c"))
    core.patch_namespaced_config_map("c", namespace, {"data": {"a": "1"}})
    made.data = {"a": "2"}
    body = refused(409, core.replace_namespaced_config_map, "c", namespace, made)
    assert 'Operation cannot be fulfilled on configmaps \\"c\\": the object has been modified;' in body
    assert "please apply your changes to the latest version and try again" in body
    stale = {"metadata": {"resourceVersion": made.metadata.resource_version}, "data": {"a": "3"}}
    refused(409, core.patch_namespaced_config_map, "c", namespace, stale)
    assert core.read_namespaced_config_map("c", namespace).data == {"a": "1"}


def test_a_lease_has_one_holder(api, namespace):
    leases = client.CoordinationV1Api(api)
    leases.create_namespaced_lease(namespace, {"metadata": {"name": "run"}, "spec": {"holderIdentity": "a"}})
    one = leases.read_namespaced_lease("run", namespace)
    other = leases.read_namespaced_lease("run", namespace)
    one.spec.holder_identity = ""
    assert leases.replace_namespaced_lease("run", namespace, one).spec.holder_identity == ""
    refused(409, leases.replace_namespaced_lease, "run", namespace, other)


def test_an_unchanged_object_keeps_its_version(core, namespace):
    made = core.create_namespaced_config_map(namespace, config_map("c", {"a": "1"}))
    same = core.patch_namespaced_config_map("c", namespace, {"data": {"a": "1"}})
    assert same.metadata.resource_version == made.metadata.resource_version


def test_names_that_the_server_makes(core, namespace):
    """Five letters of an alphabet without vowels; a name given beside generateName wins."""
    made = [
        core.create_namespaced_config_map(namespace, {"metadata": {"generateName": "x-"}}) for _ in range(3)
    ]
    names = {one.metadata.name for one in made}
    assert len(names) == 3
    assert all(len(name) == 7 and not set(name[2:]) & set("aeiou") for name in names)
    both = core.create_namespaced_config_map(namespace, {"metadata": {"generateName": "x-", "name": "y"}})
    assert both.metadata.name == "y"
    body = refused(422, core.create_namespaced_config_map, namespace, {"metadata": {}})
    assert "metadata.name: Required value: name or generateName is required" in body


def test_the_scale_is_a_part_of_its_own(apps, namespace):
    apps.create_namespaced_deployment(namespace, deployment(paused=True))
    scale = apps.read_namespaced_deployment_scale("web", namespace)
    assert (scale.kind, scale.spec.replicas, scale.status.selector) == ("Scale", 0, "app=web")
    scale.spec.replicas = 2
    assert apps.replace_namespaced_deployment_scale("web", namespace, scale).spec.replicas == 2
    refused(409, apps.replace_namespaced_deployment_scale, "web", namespace, scale)
    apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 3}})
    assert apps.read_namespaced_deployment("web", namespace).spec.replicas == 3
    body = refused(422, apps.patch_namespaced_deployment_scale, "web", namespace, {"spec": {"replicas": -1}})
    assert "spec.replicas: Invalid value: -1: must be greater than or equal to 0" in body


def test_spec_and_status_do_not_touch_each_other(core, namespace):
    """A pod that nobody schedules: no controller writes its status meanwhile."""
    spec = {"schedulerName": "nobody", "containers": [{"name": "app", "image": "example.com/a:1"}]}
    made = core.create_namespaced_pod(
        namespace, {"metadata": {"name": "p"}, "spec": spec, "status": {"message": "ignored"}}
    )
    assert made.status.message is None
    core.patch_namespaced_pod("p", namespace, {"status": {"message": "ignored"}})
    assert core.read_namespaced_pod("p", namespace).status.message is None
    change = {"spec": {"activeDeadlineSeconds": 5}, "status": {"message": "kept"}}
    core.patch_namespaced_pod_status("p", namespace, change)
    found = core.read_namespaced_pod_status("p", namespace)
    assert (found.status.message, found.spec.active_deadline_seconds) == ("kept", None)


def test_a_dry_run_stores_nothing(core, apps, namespace):
    """kubernetes.io/docs/reference/using-api/api-concepts/#dry-run: every write, with its answer."""
    tried = apps.create_namespaced_deployment(namespace, deployment(), dry_run="All")
    assert tried.spec.revision_history_limit == 10
    refused(404, apps.read_namespaced_deployment, "web", namespace)
    made = core.create_namespaced_config_map(namespace, config_map("c", {"a": "1"}))
    tried = core.patch_namespaced_config_map("c", namespace, {"data": {"a": "2"}}, dry_run="All")
    assert tried.data == {"a": "2"}
    made.data = {"a": "3"}
    assert core.replace_namespaced_config_map("c", namespace, made, dry_run="All").data == {"a": "3"}
    core.delete_namespaced_config_map("c", namespace, dry_run="All")
    core.delete_collection_namespaced_config_map(namespace, dry_run="All")
    found = core.read_namespaced_config_map("c", namespace)
    assert (found.data, found.metadata.resource_version) == ({"a": "1"}, made.metadata.resource_version)
    body = refused(422, core.create_namespaced_config_map, namespace, config_map("d"), dry_run="Some")
    assert "dryRun: Unsupported value:" in body


def test_a_deployment_makes_what_it_is_asked_for(apps, core, namespace):
    """Pods carry the template's hash, and their owner."""
    document = deployment(replicas=2)
    document["spec"]["template"]["spec"]["schedulerName"] = "nobody"
    apps.create_namespaced_deployment(namespace, document)
    pods = until(
        lambda: (found := core.list_namespaced_pod(namespace).items) and len(found) == 2 and found, "two pods"
    )
    (replica_set,) = apps.list_namespaced_replica_set(namespace).items
    digest = replica_set.metadata.labels["pod-template-hash"]
    assert replica_set.metadata.name == f"web-{digest}"
    for pod in pods:
        assert pod.metadata.name.startswith(f"web-{digest}-")
        (owner,) = pod.metadata.owner_references
        assert (owner.kind, owner.uid, owner.controller) == ("ReplicaSet", replica_set.metadata.uid, True)
    core.delete_namespaced_pod(pods[0].metadata.name, namespace)
    gone = pods[0].metadata.uid
    until(
        lambda: (
            len(uids := {one.metadata.uid for one in core.list_namespaced_pod(namespace).items}) == 2
            and gone not in uids
        ),
        "another pod",
    )


def test_a_service_is_completed_and_its_ports_are_its_own(core, namespace):
    spec = {"type": "NodePort", "selector": {"app": "web"}, "ports": [{"port": 80}]}
    made = core.create_namespaced_service(namespace, {"metadata": {"name": "a"}, "spec": spec})
    port = made.spec.ports[0]
    assert (port.protocol, port.target_port) == ("TCP", 80)
    assert made.spec.cluster_ips == [made.spec.cluster_ip]
    taken = spec | {"ports": [{"port": 80, "nodePort": port.node_port}]}
    body = refused(422, core.create_namespaced_service, namespace, {"metadata": {"name": "b"}, "spec": taken})
    assert (
        f"spec.ports[0].nodePort: Invalid value: {port.node_port}: provided port is already allocated" in body
    )
    patch = {"spec": {"clusterIP": "10.0.0.1"}}
    assert "may not change once set" in refused(422, core.patch_namespaced_service, "a", namespace, patch)
    headless = {"metadata": {"name": "c"}, "spec": {"clusterIP": "None", "ports": [{"port": 80}]}}
    assert core.create_namespaced_service(namespace, headless).spec.cluster_ips == ["None"]


def test_a_secret_takes_plain_text(core, namespace):
    """kubernetes.io/docs/concepts/configuration/secret/#restriction-names-data: stringData is write-only."""
    made = core.create_namespaced_secret(namespace, {"metadata": {"name": "s"}, "stringData": {"a": "b"}})
    assert (made.type, made.data, made.string_data) == ("Opaque", {"a": "Yg=="}, None)
    core.patch_namespaced_secret("s", namespace, {"immutable": True})
    body = refused(422, core.patch_namespaced_secret, "s", namespace, {"stringData": {"a": "c"}})
    assert "data: Forbidden: field is immutable when `immutable` is set" in body


def test_the_dynamic_client_finds_every_kind(typed):
    found = {
        "v1": (
            "Namespace",
            "Pod",
            "Service",
            "Endpoints",
            "ConfigMap",
            "Secret",
            "Event",
            "ServiceAccount",
            "Node",
        ),
        "apps/v1": ("Deployment", "ReplicaSet"),
        "batch/v1": ("Job",),
        "coordination.k8s.io/v1": ("Lease",),
        "discovery.k8s.io/v1": ("EndpointSlice",),
        "rbac.authorization.k8s.io/v1": ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"),
    }
    for version, kinds in found.items():
        for kind in kinds:
            assert typed.resources.get(api_version=version, kind=kind).kind == kind
    assert typed.version["kubernetes"]["major"] == "1"


@pytest.mark.container
def test_an_evicted_pod_goes(core, namespace, world):
    spec = {"terminationGracePeriodSeconds": 1, "containers": [{"name": "app", "image": world.image}]}
    core.create_namespaced_pod(namespace, {"metadata": {"name": "p"}, "spec": spec})
    until(lambda: core.read_namespaced_pod("p", namespace).status.phase == "Running", "its start")
    core.create_namespaced_pod_eviction("p", namespace, {"metadata": {"name": "p"}})
    until(lambda: not core.list_namespaced_pod(namespace).items, "its end")
