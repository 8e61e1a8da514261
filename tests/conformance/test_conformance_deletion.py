"""What becomes of objects and of what they own: finalizers, owner references, propagation, preconditions."""

import pytest
from kubernetes.client.rest import ApiException

from .cluster import config_map, deployment, until


@pytest.fixture
def path(namespace):
    return f"/api/v1/namespaces/{namespace}/configmaps"


def reference(owner, *, blocks=False):
    metadata = owner.metadata
    found = {"apiVersion": "v1", "kind": "ConfigMap", "name": metadata.name, "uid": metadata.uid}
    return found | ({"blockOwnerDeletion": True} if blocks else {})


def names(core, namespace):
    found = core.list_namespaced_config_map(namespace).items
    return {one.metadata.name for one in found} - {"kube-root-ca.crt"}


def make(core, namespace, name, *owners, **metadata):
    if owners:
        metadata["ownerReferences"] = list(owners)
    return core.create_namespaced_config_map(namespace, config_map(name, **metadata))


def test_a_finalizer_holds_an_object(core, namespace):
    """kubernetes.io/docs/concepts/overview/working-with-objects/finalizers."""
    made = make(core, namespace, "held", finalizers=["example.com/hold"])
    core.delete_namespaced_config_map("held", namespace)
    held = core.read_namespaced_config_map("held", namespace)
    assert held.metadata.deletion_timestamp
    assert held.metadata.uid == made.metadata.uid
    with pytest.raises(ApiException) as taken:
        make(core, namespace, "held")
    assert "object is being deleted" in taken.value.body
    held.metadata.finalizers.append("example.com/more")
    with pytest.raises(ApiException) as refused:
        core.replace_namespaced_config_map("held", namespace, held)
    assert "no new finalizers can be added if the object is being deleted" in refused.value.body
    core.patch_namespaced_config_map("held", namespace, {"metadata": {"finalizers": None}})
    assert names(core, namespace) == set()


def test_an_object_goes_with_its_last_owner(core, namespace):
    """kubernetes.io/docs/concepts/architecture/garbage-collection."""
    one, two = make(core, namespace, "one"), make(core, namespace, "two")
    both = make(core, namespace, "both", reference(one), reference(two))
    make(core, namespace, "chain", reference(both))
    core.delete_namespaced_config_map("one", namespace)
    until(
        lambda: len(core.read_namespaced_config_map("both", namespace).metadata.owner_references) == 1,
        "the loss of one owner",
    )
    core.delete_namespaced_config_map("two", namespace)
    until(lambda: not names(core, namespace), "the end of them all")
    make(core, namespace, "late", reference(one))
    until(lambda: not names(core, namespace), "the end of what came too late")


@pytest.mark.parametrize("policy", ["Background", "Foreground", "Orphan"])
def test_propagation(core, namespace, policy):
    """What a finalizer holds shows in which order they go."""
    owner = make(core, namespace, "owner")
    make(core, namespace, "held", reference(owner, blocks=True), finalizers=["example.com/hold"])
    core.delete_namespaced_config_map("owner", namespace, propagation_policy=policy)
    try:
        if policy == "Foreground":
            until(
                lambda: core.read_namespaced_config_map("held", namespace).metadata.deletion_timestamp,
                "the beginning of its end",
            )
            waiting = core.read_namespaced_config_map("owner", namespace).metadata
            assert (waiting.finalizers, waiting.deletion_timestamp is not None) == (
                ["foregroundDeletion"],
                True,
            )
        else:
            until(lambda: "owner" not in names(core, namespace), "its end")
            held = core.read_namespaced_config_map("held", namespace).metadata
            if policy == "Orphan":
                assert (held.owner_references, held.deletion_timestamp) == (None, None)
    finally:
        core.patch_namespaced_config_map("held", namespace, {"metadata": {"finalizers": None}})
    left = {"held"} if policy == "Orphan" else set()
    until(lambda: names(core, namespace) == left, "the end of the rest")


def test_preconditions(ask, core, namespace, path):
    """DeleteOptions.preconditions: another uid or version is no reason to delete what is there now."""
    made = make(core, namespace, "c")
    refused = ask("DELETE", f"{path}/c", {"preconditions": {"uid": "other"}})
    assert (refused.status, refused.body["reason"]) == (409, "Conflict")
    assert f"the UID in the precondition (other) does not match the UID in record ({made.metadata.uid})" in (
        refused.message
    )
    refused = ask("DELETE", f"{path}/c", {"preconditions": {"resourceVersion": "1"}})
    assert "the ResourceVersion in the precondition (1) does not match" in refused.message
    kept = {"uid": made.metadata.uid, "resourceVersion": made.metadata.resource_version}
    assert ask("DELETE", f"{path}/c", {"preconditions": kept}).status == 200
    refused = ask("DELETE", f"{path}/c", {"propagationPolicy": "x"})
    assert (refused.status, refused.causes) == (422, [("propagationPolicy", "FieldValueNotSupported")])


def test_a_collection_goes_by_label(core, namespace):
    make(core, namespace, "kept", labels={"keep": "1"})
    make(core, namespace, "a")
    make(core, namespace, "b")
    core.delete_collection_namespaced_config_map(namespace, label_selector="!keep")
    # The cluster puts its own certificate back.
    until(lambda: names(core, namespace) == {"kept"}, "their end")


def test_a_pod_that_no_node_has_goes_at_once(core, namespace):
    spec = {"schedulerName": "nobody", "containers": [{"name": "app", "image": "example.com/a:1"}]}
    core.create_namespaced_pod(namespace, {"metadata": {"name": "p"}, "spec": spec})
    core.delete_namespaced_pod("p", namespace)
    assert core.list_namespaced_pod(namespace).items == []


def test_a_jobs_pods_stay_unless_asked(ask, core, namespace):
    """batch/v1 orphans by default, with a warning (jobStrategy.WarningsOnDelete)."""
    spec = {"restartPolicy": "Never", "schedulerName": "nobody"}
    spec["containers"] = [{"name": "app", "image": "example.com/a:1"}]
    jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    for name, body in (("gone", {"propagationPolicy": "Background"}), ("kept", None)):
        ask("POST", jobs, {"metadata": {"name": name}, "spec": {"template": {"spec": spec}}})
        selector = f"job-name={name}"
        until(
            lambda selector=selector: core.list_namespaced_pod(namespace, label_selector=selector).items,
            "a pod",
        )
        got = ask("DELETE", f"{jobs}/{name}", body)
        assert ("child pods are preserved by default" in got.headers.get("Warning", "")) is (body is None)
    until(lambda: not core.list_namespaced_pod(namespace, label_selector="job-name=gone").items, "its end")
    (pod,) = core.list_namespaced_pod(namespace, label_selector="job-name=kept").items
    until(
        lambda: not core.read_namespaced_pod(pod.metadata.name, namespace).metadata.owner_references,
        "the loss of its owner",
    )
    # Nobody counts it any more, so that no finalizer holds it.
    core.delete_namespaced_pod(pod.metadata.name, namespace)
    until(lambda: not core.list_namespaced_pod(namespace).items, "its end")


@pytest.mark.container
def test_a_pod_is_given_time_to_end(core, apps, namespace, world):
    """kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination: marked, told, then gone."""
    document = deployment(image=world.image, replicas=1)
    container = document["spec"]["template"]["spec"]["containers"][0]
    container["command"] = ["sh", "-c", "trap 'sleep 2; exit 0' TERM; while true; do sleep 0.1; done"]
    document["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 20
    apps.create_namespaced_deployment(namespace, document)
    until(lambda: apps.read_namespaced_deployment("web", namespace).status.ready_replicas, "its pod")
    (pod,) = core.list_namespaced_pod(namespace).items
    deleted = core.delete_namespaced_pod(pod.metadata.name, namespace)
    assert deleted.metadata.deletion_grace_period_seconds == 20
    still = core.read_namespaced_pod(pod.metadata.name, namespace)
    assert still.metadata.deletion_timestamp is not None
    until(
        lambda: pod.metadata.uid not in {one.metadata.uid for one in core.list_namespaced_pod(namespace).items},
        "its end",
    )
