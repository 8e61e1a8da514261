"""The kubernetes Python client, typed and dynamic."""

import threading
import time

import pytest
from kubernetes import client, config, dynamic, watch
from kubernetes.client.rest import ApiException
from kubernetes.dynamic.exceptions import ConflictError

from lab.kube.watch import HISTORY


@pytest.fixture(scope="module")
def api(cluster):
    with config.new_client_from_config(str(cluster.kubeconfig)) as made:
        yield made


@pytest.fixture
def core(api):
    return client.CoreV1Api(api)


@pytest.fixture
def apps(api):
    return client.AppsV1Api(api)


@pytest.fixture
def typed(api, cluster):
    """The dynamic client."""
    return dynamic.DynamicClient(api, cache_file=str(cluster.folder / "discovery.json"))


def config_map(name, data=None, **metadata):
    return {"metadata": {"name": name, **metadata}, "data": data or {}}


def test_typed_create_read_replace_patch_delete(apps, namespace, make_deployment):
    made = apps.create_namespaced_deployment(namespace, make_deployment())
    assert made.spec.strategy.rolling_update.max_surge == "25%"
    version = made.metadata.resource_version
    made.spec.replicas = 2
    # Without a version the last writer wins: the controller is writing, too.
    made.metadata.resource_version = None
    assert apps.replace_namespaced_deployment("web", namespace, made).metadata.generation == 2
    made.metadata.resource_version = version
    with pytest.raises(ApiException) as stale:
        apps.replace_namespaced_deployment("web", namespace, made)
    assert (stale.value.status, "the object has been modified" in stale.value.body) == (409, True)
    scale = apps.read_namespaced_deployment_scale("web", namespace)
    assert (scale.spec.replicas, scale.status.selector) == (2, "app=web")
    scale.spec.replicas = 1
    assert apps.replace_namespaced_deployment_scale("web", namespace, scale).spec.replicas == 1
    apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 3}})
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "app:2"}]}}}}
    patched = apps.patch_namespaced_deployment("web", namespace, patch)
    assert patched.spec.replicas == 3
    assert patched.spec.template.spec.containers[0].image == "app:2"
    deleted = apps.delete_namespaced_deployment("web", namespace)
    assert (deleted["status"], deleted["details"]["name"]) == ("Success", "web")
    with pytest.raises(ApiException) as missing:
        apps.read_namespaced_deployment("web", namespace)
    assert missing.value.status == 404
    assert missing.value.reason == "Not Found"


def test_status_and_spec_do_not_touch_each_other(apps, namespace, make_deployment, cluster):
    cluster.kubelet.hold = lambda pod: pod["metadata"]["namespace"] == namespace
    apps.create_namespaced_deployment(namespace, make_deployment(paused=True))
    apps.patch_namespaced_deployment_status(
        "web", namespace, {"spec": {"replicas": 7}, "status": {"replicas": 5}}
    )
    apps.patch_namespaced_deployment("web", namespace, {"status": {"replicas": 6}})
    found = apps.read_namespaced_deployment_status("web", namespace)
    assert found.spec.replicas == 1
    assert found.status.replicas != 6


def test_dynamic_apply_and_conflict(typed, namespace, make_deployment):
    deployments = typed.resources.get(api_version="apps/v1", kind="Deployment")

    def apply(manager, *, force=False, **options):
        document = make_deployment(**options)
        document["metadata"]["namespace"] = namespace
        return typed.server_side_apply(
            deployments, body=document, namespace=namespace, field_manager=manager, force_conflicts=force
        )

    assert apply("one").spec.replicas == 1
    with pytest.raises(ConflictError) as refused:
        apply("two", replicas=2)
    assert 'conflict with "one": .spec.replicas' in refused.value.summary()
    assert apply("two", replicas=2, force=True).spec.replicas == 2
    managers = {one.manager: one for one in deployments.get("web", namespace).metadata.managedFields}
    assert "f:replicas" not in managers["one"].fieldsV1.to_dict()["f:spec"]
    assert managers["two"].operation == "Apply"
    with pytest.raises(ConflictError):
        apply("one", image="app:2")


def test_dynamic_knows_every_kind(typed):
    kinds = {
        "Namespace",
        "Pod",
        "Service",
        "Endpoints",
        "ConfigMap",
        "Secret",
        "Event",
        "ServiceAccount",
        "Node",
    }
    for kind in kinds:
        typed.resources.get(api_version="v1", kind=kind)
    for version, kind in (
        ("apps/v1", "ReplicaSet"),
        ("batch/v1", "Job"),
        ("coordination.k8s.io/v1", "Lease"),
        ("discovery.k8s.io/v1", "EndpointSlice"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ):
        typed.resources.get(api_version=version, kind=kind)
    assert typed.version["kubernetes"]["major"] == "1"


def test_pages_are_of_one_moment(core, namespace):
    for number in range(7):
        core.create_namespaced_config_map(namespace, config_map(f"c{number}"))
    first = core.list_namespaced_config_map(namespace, limit=3)
    assert first.metadata.remaining_item_count == 4
    core.delete_namespaced_config_map("c5", namespace)
    core.create_namespaced_config_map(namespace, config_map("c4a"))
    rest = core.list_namespaced_config_map(namespace, limit=3, _continue=first.metadata._continue)
    last = core.list_namespaced_config_map(namespace, limit=3, _continue=rest.metadata._continue)
    names = [one.metadata.name for page in (first, rest, last) for one in page.items]
    assert names == [f"c{number}" for number in range(7)]
    assert last.metadata._continue is None
    exact = core.list_namespaced_config_map(
        namespace, resource_version=first.metadata.resource_version, resource_version_match="Exact"
    )
    assert len(exact.items) == 7


def test_watch_from_a_version(core, namespace):
    core.create_namespaced_config_map(namespace, config_map("before"))
    version = core.list_namespaced_config_map(namespace).metadata.resource_version
    core.create_namespaced_config_map(namespace, config_map("after", {"a": "1"}))
    core.patch_namespaced_config_map("after", namespace, {"data": {"a": "2"}})
    core.delete_namespaced_config_map("after", namespace)
    events = list(
        watch.Watch().stream(
            core.list_namespaced_config_map, namespace, resource_version=version, timeout_seconds=1
        )
    )
    assert [(one["type"], one["object"].data["a"]) for one in events] == [
        ("ADDED", "1"),
        ("MODIFIED", "2"),
        ("DELETED", "2"),
    ]
    versions = [int(one["object"].metadata.resource_version) for one in events]
    assert versions == sorted(set(versions))


def test_watch_with_a_selector_sees_objects_come_and_go(core, namespace):
    for number, labels in (("a", {"on": "1"}), ("b", {})):
        core.create_namespaced_config_map(namespace, config_map(number, labels=labels))
    version = core.list_namespaced_config_map(namespace).metadata.resource_version
    core.patch_namespaced_config_map("a", namespace, {"metadata": {"labels": {"on": None}}})
    core.patch_namespaced_config_map("b", namespace, {"metadata": {"labels": {"on": "1"}}})
    events = watch.Watch().stream(
        core.list_namespaced_config_map,
        namespace,
        label_selector="on=1",
        resource_version=version,
        timeout_seconds=1,
    )
    assert [(one["type"], one["object"].metadata.name) for one in events] == [("DELETED", "a"), ("ADDED", "b")]


def test_a_version_that_is_forgotten_is_gone(core, cluster, namespace):
    version = core.list_namespaced_config_map(namespace).metadata.resource_version
    core.create_namespaced_config_map(namespace, config_map("c"))

    def write_often():
        for number in range(HISTORY + 1):
            cluster.store.mutate(
                "configmaps", namespace, "c", lambda new, n=number: new.update(data={"n": str(n)})
            )

    cluster.call(write_often)
    with pytest.raises(ApiException) as gone:
        list(
            watch.Watch().stream(
                core.list_namespaced_config_map, namespace, resource_version=version, timeout_seconds=1
            )
        )
    assert gone.value.status == 410
    with pytest.raises(ApiException) as gone:
        core.list_namespaced_config_map(namespace, resource_version=version, resource_version_match="Exact")
    assert gone.value.status == 410
    future = str(int(version) * 2)
    with pytest.raises(ApiException) as unknown:
        core.list_namespaced_config_map(namespace, resource_version=future)
    assert unknown.value.status == 504


def test_a_change_reaches_its_watcher_within_milliseconds(core, cluster, namespace):
    arrived = {}
    ready = threading.Event()

    def follow():
        for one in watch.Watch().stream(core.list_namespaced_config_map, namespace, timeout_seconds=5):
            arrived[one["object"].metadata.name] = time.monotonic()
            ready.set()
            if one["object"].metadata.name == "c9":
                return

    thread = threading.Thread(target=follow)
    cluster.call(cluster.store.create, "configmaps", config_map("first", namespace=namespace))
    thread.start()
    assert ready.wait(5)
    sent = {}
    for number in range(10):
        sent[f"c{number}"] = time.monotonic()
        cluster.call(cluster.store.create, "configmaps", config_map(f"c{number}", namespace=namespace))
    thread.join(5)
    delays = sorted(arrived[name] - sent[name] for name in sent)
    assert delays[5] < 0.05, delays


def test_finalizers_hold_an_object_and_preconditions_guard_it(core, namespace):
    made = core.create_namespaced_config_map(namespace, config_map("held", finalizers=["example.com/hold"]))
    wrong = client.V1DeleteOptions(preconditions=client.V1Preconditions(uid="other"))
    with pytest.raises(ApiException) as refused:
        core.delete_namespaced_config_map("held", namespace, body=wrong)
    assert refused.value.status == 409
    core.delete_namespaced_config_map("held", namespace)
    held = core.read_namespaced_config_map("held", namespace)
    assert held.metadata.deletion_timestamp
    assert held.metadata.uid == made.metadata.uid
    held.metadata.finalizers.append("example.com/more")
    with pytest.raises(ApiException) as refused:
        core.replace_namespaced_config_map("held", namespace, held)
    assert "no new finalizers can be added if the object is being deleted" in refused.value.body
    core.patch_namespaced_config_map("held", namespace, {"metadata": {"finalizers": None}})
    with pytest.raises(ApiException):
        core.read_namespaced_config_map("held", namespace)


def test_generated_names_and_collections(core, namespace):
    made = [
        core.create_namespaced_config_map(namespace, {"metadata": {"generateName": "x-"}}) for _ in range(3)
    ]
    names = {one.metadata.name for one in made}
    assert len(names) == 3
    assert all(name.startswith("x-") for name in names)
    core.create_namespaced_config_map(namespace, config_map("kept", labels={"keep": "1"}))
    core.delete_collection_namespaced_config_map(namespace, label_selector="!keep")
    assert [one.metadata.name for one in core.list_namespaced_config_map(namespace).items] == ["kept"]


def test_a_lease_has_one_holder(api, namespace):
    leases = client.CoordinationV1Api(api)
    leases.create_namespaced_lease(namespace, {"metadata": {"name": "run"}, "spec": {"holderIdentity": "a"}})
    one = leases.read_namespaced_lease("run", namespace)
    other = leases.read_namespaced_lease("run", namespace)
    one.spec.holder_identity = ""
    assert leases.replace_namespaced_lease("run", namespace, one).spec.holder_identity == ""
    with pytest.raises(ApiException) as refused:
        leases.replace_namespaced_lease("run", namespace, other)
    assert refused.value.status == 409


def test_eviction(core, apps, namespace, make_deployment, cluster):
    apps.create_namespaced_deployment(namespace, make_deployment())
    pod = cluster.wait_for(
        lambda: next(iter(cluster.store.list("pods", namespace, "", "status.phase=Running")), None)
    )
    name = pod["metadata"]["name"]
    core.create_namespaced_pod_eviction(name, namespace, {"metadata": {"name": name}})
    cluster.wait_for(lambda: cluster.store.find("pods", namespace, name) is None)
