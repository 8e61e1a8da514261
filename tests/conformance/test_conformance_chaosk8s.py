"""Chaos Toolkit's Kubernetes extension: its actions and probes, as experiments call them.

Nothing is done to nodes: the cluster may be somebody's. Those actions are tested on the lab alone.
"""

import json

import pytest
from chaosk8s.deployment import actions as deployment_actions
from chaosk8s.deployment import probes as deployment_probes
from chaosk8s.event.probes import get_events
from chaosk8s.namespace.actions import create_namespace, delete_namespace
from chaosk8s.namespace.probes import namespace_exists
from chaosk8s.node import probes as node_probes
from chaosk8s.pod import probes as pod_probes
from chaosk8s.pod.actions import delete_pods, terminate_pods
from chaosk8s.replicaset.actions import delete_replica_set
from chaosk8s.secret.actions import create_secret, delete_secret
from chaosk8s.secret.probes import secret_exists
from chaosk8s.service.actions import create_service_endpoint, delete_service
from chaosk8s.service.probes import service_is_initialized
from chaoslib.exceptions import ActivityFailed
from kubernetes import client

from .cluster import NEVER, container_of, deployment, until

LABEL = "app=web"


@pytest.fixture
def place(world, namespace, monkeypatch):
    """A namespace that chaosk8s finds."""
    monkeypatch.setenv("KUBECONFIG", str(world.kubeconfig))
    monkeypatch.setenv("KUBERNETES_VERIFY_SSL", "true")
    # The client reads KUBECONFIG once, when it is imported.
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(world.kubeconfig))
    return namespace


@pytest.fixture
def written(tmp_path):
    """Return what writes an object to a file."""

    def write(document):
        path = tmp_path / "object.json"
        path.write_text(json.dumps(document))
        return str(path)

    return write


@pytest.fixture
def web(place, written, world):
    """The namespace of a Deployment of two pods that run, made by chaosk8s itself."""
    deployment_actions.create_deployment(written(deployment(image=world.image, replicas=2)), ns=place)
    until(lambda: _holds(deployment_probes.deployment_available_and_healthy, "web", ns=place), "its pods")
    return place


def _holds(probe, *arguments, **options):
    try:
        return probe(*arguments, **options)
    except ActivityFailed:
        return False


def uids(core, namespace):
    return {one.metadata.uid for one in core.list_namespaced_pod(namespace, label_selector=LABEL).items}


@pytest.mark.container
def test_deployments_are_probed(web):
    assert deployment_probes.deployment_fully_available("web", ns=web, timeout=50)
    with pytest.raises(ActivityFailed, match="Deployment 'none' was not found"):
        deployment_probes.deployment_available_and_healthy("none", ns=web)
    assert (
        deployment_probes.deployment_available_and_healthy("none", ns=web, raise_on_unavailable=False) is False
    )


@pytest.mark.container
def test_deployments_are_scaled_rolled_and_deleted(core, apps, web):
    deployment_actions.scale_deployment("web", 3, ns=web)
    until(lambda: len(uids(core, web)) == 3, "the third pod")
    before = uids(core, web)
    deployment_actions.rollout_deployment("web", ns=web)
    until(lambda: not before & uids(core, web), "other pods")
    deployment_actions.delete_deployment("web", ns=web)
    # What the API deletes by default takes its dependents along.
    until(lambda: not uids(core, web), "their end")
    until(lambda: not apps.list_namespaced_replica_set(web).items, "the ReplicaSets' end")


@pytest.mark.container
def test_pods_are_terminated_and_replaced(core, web):
    before = uids(core, web)
    terminate_pods(label_selector=LABEL, ns=web, rand=True, qty=1, grace_period=0)
    until(lambda: len(uids(core, web) & before) == 1, "the end of one")
    terminate_pods(name_pattern="web-.*", all=True, ns=web, grace_period=0)
    until(
        lambda: (
            not uids(core, web) & before
            and _holds(pod_probes.pods_in_conditions, LABEL, [{"type": "Ready", "status": "True"}], ns=web)
            and pod_probes.count_pods(LABEL, phase="Running", ns=web) == 2
        ),
        "two new ones",
    )


@pytest.fixture
def jobs(api, place, world):
    """Return what starts a Job that would never end, and what reads its status."""
    batch = client.BatchV1Api(api)

    def start(**spec):
        container = {"name": "app", "image": world.image}
        pod = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]}
        spec["template"] = {"metadata": {"labels": {"app": "web"}}, "spec": pod}
        batch.create_namespaced_job(place, {"metadata": {"name": "work"}, "spec": spec})
        until(lambda: pod_probes.count_pods(LABEL, phase="Running", ns=place) == 1, "its pod")

    return start, lambda: batch.read_namespaced_job("work", place).status


@pytest.mark.container
@pytest.mark.parametrize("act", [terminate_pods, delete_pods])
def test_a_job_replaces_a_pod_that_was_taken_from_it(core, place, jobs, act):
    """kubernetes.io/docs/concepts/workloads/controllers/job: a new pod if the first fails or is deleted."""
    start, status = jobs
    start(backoffLimit=2)
    before = uids(core, place)
    act(label_selector=LABEL, ns=place)
    until(
        lambda: not uids(core, place) & before and pod_probes.count_pods(LABEL, phase="Running", ns=place) == 1,
        "another pod",
    )
    # What is deleted before it succeeded has failed (.../job/#pod-replacement-policy), and the Job goes on.
    until(lambda: (status().failed, status().active) == (1, 1), "the count of the first")
    assert not status().conditions


@pytest.mark.container
def test_a_job_that_may_not_be_retried_ends_with_its_pod(core, place, jobs):
    """.../job/#pod-backoff-failure-policy; the suite's own fault too-many-connections is one."""
    start, status = jobs
    start(backoffLimit=0)
    terminate_pods(label_selector=LABEL, ns=place, grace_period=0)
    until(lambda: any(one.type == "Failed" for one in status().conditions or ()), "its end")
    (failed,) = (one for one in status().conditions if one.type == "Failed")
    assert (failed.status, failed.reason) == ("True", "BackoffLimitExceeded")
    until(lambda: not uids(core, place), "the end of its pods")


@pytest.mark.container
def test_a_deployment_is_partially_available(apps, core, place, written, world):
    """A rollout that cannot go on keeps the pods that it may not yet take away."""
    strategy = {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    document = deployment(image=world.image, replicas=2, strategy=strategy)
    deployment_actions.create_deployment(written(document), ns=place)
    probe = deployment_probes.deployment_partially_available
    until(lambda: _holds(deployment_probes.deployment_available_and_healthy, "web", ns=place), "its pods")
    assert probe("web", ns=place)
    container_of(document)["image"] = NEVER
    apps.patch_namespaced_deployment("web", place, document)
    until(
        lambda: not _holds(deployment_probes.deployment_available_and_healthy, "web", ns=place),
        "the loss of one",
    )
    assert probe("web", ns=place)
    assert deployment_probes.deployment_not_fully_available("web", ns=place, timeout=50)
    with pytest.raises(ActivityFailed, match="Deployment 'none' was not found"):
        probe("none", ns=place)


@pytest.mark.container
def test_pods_are_probed(web):
    assert pod_probes.pods_in_phase(LABEL, phase="Running", ns=web)
    assert pod_probes.pods_in_conditions(LABEL, [{"type": "Ready", "status": "True"}], ns=web)
    assert pod_probes.pods_not_in_phase(LABEL, phase="Failed", ns=web)
    assert pod_probes.count_min_pods(LABEL, min_count=2, ns=web)
    assert pod_probes.all_pods_healthy(ns=web)
    assert pod_probes.pod_is_not_available("nobody", ns=web)
    with pytest.raises(ActivityFailed, match="actually running"):
        pod_probes.pod_is_not_available("web", label_selector=LABEL, ns=web)
    with pytest.raises(ActivityFailed):
        pod_probes.pods_in_phase(LABEL, phase="Failed", ns=web)
    logs = pod_probes.read_pod_logs(label_selector=LABEL, last="10m", ns=web)
    assert len(logs) == 2


@pytest.mark.container
def test_replica_sets_come_back(apps, web):
    (before,) = apps.list_namespaced_replica_set(web).items
    delete_replica_set(label_selector=LABEL, ns=web)
    until(
        lambda: (
            [one.metadata.uid for one in apps.list_namespaced_replica_set(web).items]
            not in ([], [before.metadata.uid])
        ),
        "another ReplicaSet",
    )
    assert deployment_probes.deployment_fully_available("web", ns=web, timeout=50)


def test_what_never_runs_is_said(core, place, written):
    document = deployment(replicas=1)
    document["spec"]["template"]["spec"]["schedulerName"] = "nobody"
    deployment_actions.create_deployment(written(document), ns=place)
    until(lambda: uids(core, place), "its pod")
    assert deployment_probes.deployment_not_fully_available("web", ns=place, timeout=50)
    with pytest.raises(ActivityFailed):
        deployment_probes.deployment_available_and_healthy("web", ns=place)
    with pytest.raises(ActivityFailed):
        pod_probes.all_pods_healthy(ns=place)
    assert pod_probes.count_pods(LABEL, phase="Pending", ns=place) == 1


def test_services(place, written):
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    create_service_endpoint(written({"metadata": {"name": "web"}, "spec": spec}), ns=place)
    assert service_is_initialized("web", ns=place)
    delete_service("web", ns=place)
    assert service_is_initialized("web", ns=place, raise_if_service_not_initialized=False) is False


def test_secrets(place, written):
    create_secret(written({"metadata": {"name": "key"}, "stringData": {"a": "b"}}), ns=place)
    assert secret_exists("key", ns=place)
    delete_secret("key", ns=place)
    assert not secret_exists("key", ns=place)


def test_namespaces(place):
    name = f"{place}-b"
    create_namespace(name)
    try:
        assert namespace_exists(name)
    finally:
        delete_namespace(name)
    until(lambda: not namespace_exists(name), "its end")


def test_events(place, written):
    deployment_actions.create_deployment(written(deployment()), ns=place)
    deployment_actions.scale_deployment("web", 1, ns=place)
    selector = f"reason=ScalingReplicaSet,regarding.name=web,metadata.namespace={place}"
    found = until(lambda: get_events(field_selector=selector, limit=1000)["items"], "an event")
    assert any("Scaled up replica set" in one["note"] for one in found)


def test_nodes_are_probed(place):
    assert node_probes.get_nodes()["items"]
    assert node_probes.all_nodes_must_be_ready_to_schedule()
