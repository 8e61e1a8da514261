"""The extension's own actions against a Kubernetes API: apply, restore, proof, refusal."""

import json

import pytest
import yaml

from chaosext import run
from chaosext.errors import BadInput, KubernetesError, Refused
from chaosext.kubernetes.actions import apply_manifest, kill_pods, restore_manifest
from chaosext.kubernetes.cluster import Cluster
from chaosext.kubernetes.probes import manifest_is_live, pods_are_ready
from chaosext.kubernetes.proof import differences, prove
from chaosext.kubernetes.safety import check_restorable

from .conftest import ROOT


def documents(folder, name="app.yaml"):
    return list(yaml.safe_load_all((folder / name).read_text()))


def version(cluster, namespace):
    live = cluster.get("deployment", "payment", "-n", namespace)
    return live["spec"]["template"]["spec"]["containers"][0]["env"]


def test_a_killed_pod_is_gone_and_replaced(cluster, namespace, shop, monkeypatch):
    monkeypatch.setenv("CHAOS_ENVIRONMENT", "lab")
    configuration = {"windows_file": str(ROOT / "manifests" / "windows.yaml")}
    before = {p["metadata"]["name"] for p in cluster.get("pods", "-n", namespace)["items"]}
    (name,) = kill_pods("app=payment", namespace)
    killed = name.removeprefix("pod/")
    assert killed in before
    slices = cluster.get("endpointslices", "-n", namespace)["items"]
    assert killed not in {e["targetRef"]["name"] for s in slices for e in s["endpoints"] or []}
    assert pods_are_ready("app=payment", namespace, 2, 3, configuration)
    with pytest.raises(KubernetesError, match=r"not within 1 s: 2 of 3 pods with app=payment are ready"):
        pods_are_ready("app=payment", namespace, 3, 0.1, configuration)
    restore_manifest("app.yaml")
    after = {p["metadata"]["name"] for p in cluster.get("pods", "-n", namespace)["items"]}
    assert killed not in after
    assert len(after) == len(before) == 2


def test_more_pods_than_run_are_not_killed(namespace, shop):
    with pytest.raises(BadInput, match=r"3 pods with app=payment wanted in .*, 2 run"):
        kill_pods("app=payment", namespace, count=3)
    with pytest.raises(BadInput, match="count is 0"):
        kill_pods("app=payment", namespace, count=0)


def test_pods_elsewhere_are_not_killed(cluster, shop):
    with pytest.raises(Refused, match=r"chaos\.enabled=true"):
        kill_pods("app=payment", "default")


def test_a_fault_is_applied_rolled_out_and_undone(cluster, namespace, shop):
    assert apply_manifest("fault.yaml") == ["deployment/payment"]
    assert version(cluster, namespace) == [{"name": "VERSION", "value": "2"}]
    status = cluster.get("deployment", "payment", "-n", namespace)["status"]
    assert (status["updatedReplicas"], status["availableReplicas"], status["replicas"]) == (2, 2, 2)
    assert manifest_is_live("app.yaml") is False
    assert restore_manifest("app.yaml") == [
        f"namespace/{namespace}",
        "deployment/payment",
        "service/payment",
        "secret/key",
    ]
    assert version(cluster, namespace) == [{"name": "VERSION", "value": "1"}]
    assert manifest_is_live("app.yaml") is True


@pytest.mark.parametrize("how", [["apply"], ["apply", "--server-side", "--force-conflicts"]])
def test_a_fault_applied_by_kubectl_is_undone_by_us_and_the_reverse(cluster, namespace, shop, how):
    cluster.kubectl(*how, "-f", shop / "fault.yaml")
    restore_manifest("app.yaml")
    assert manifest_is_live("app.yaml") is True
    apply_manifest("fault.yaml")
    cluster.kubectl(*how, "-f", shop / "app.yaml")
    cluster.kubectl("rollout", "status", "deployment/payment", "-n", namespace)
    assert manifest_is_live("app.yaml") is True


def test_what_a_run_creates_carries_its_id_and_is_removed(cluster, namespace, shop):
    extra = documents(shop, "fault.yaml")[0]
    extra["metadata"]["name"] = "intruder"
    (shop / "extra.yaml").write_text(yaml.safe_dump(extra))
    apply_manifest("extra.yaml")
    apply_manifest("fault.yaml")
    run_id = run.current().run_id
    names = cluster.kubectl(
        "get", "deploy", "-n", namespace, "-l", f"chaos.run-id={run_id}", "-o", "name"
    ).stdout.split()
    assert names == ["deployment.apps/intruder"]
    found = prove(Cluster(), documents(shop), f"chaos.run-id={run_id}")
    assert "deployment/intruder: the run created it, and it is still there" in found
    restore_manifest("app.yaml")
    assert prove(Cluster(), documents(shop), f"chaos.run-id={run_id}") == []


def test_the_proof_names_each_difference_and_no_secret(cluster, namespace, shop):
    cluster.kubectl("scale", "deploy/payment", "--replicas=1", "-n", namespace)
    cluster.kubectl("set", "env", "deploy/payment", "EXTRA=1", "-n", namespace)
    cluster.kubectl("delete", "service", "payment", "-n", namespace)
    cluster.kubectl(
        "patch", "secret", "key", "-n", namespace, "-p", json.dumps({"stringData": {"key": "other"}})
    )
    found = differences(Cluster(), documents(shop))
    assert found == [
        "deployment/payment: spec.replicas is 1, not 2",
        "deployment/payment: spec.template.spec.containers[app].env[EXTRA] is extra",
        "service/payment: it does not exist",
        "secret/key: data.key is another value, not another value",
    ]


def test_a_volume_or_a_container_that_the_manifest_does_not_have_is_a_difference(cluster, namespace, shop):
    extra = {"spec": {"template": {"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}}}}
    cluster.kubectl("patch", "deploy", "payment", "-n", namespace, "-p", json.dumps(extra))
    found = differences(Cluster(), documents(shop))
    assert found == ["deployment/payment: spec.template.spec.volumes[v] is extra"]
    restore_manifest("app.yaml")


def test_equal_quantities_are_no_difference(shop):
    expected = documents(shop)
    expected[1]["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"] = {
        "cpu": "0.5",
        "memory": "1Gi",
    }
    assert differences(Cluster(), expected) == []
    expected[1]["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] = "1"
    assert differences(Cluster(), expected) == [
        "deployment/payment: spec.template.spec.containers[app].resources.limits.cpu is '500m', not '1'"
    ]


def test_a_namespace_without_the_label_is_refused_before_anything_changes(cluster, namespace, shop):
    cluster.kubectl("label", "namespace", namespace, "chaos.enabled-")
    before = cluster.get("deployment", "payment", "-n", namespace)["metadata"]["resourceVersion"]
    for act, path in ((apply_manifest, "fault.yaml"), (restore_manifest, "app.yaml")):
        with pytest.raises(Refused) as caught:
            act(path)
        text = str(caught.value)
        assert f"namespace '{namespace}' of context lab at {cluster.server}" in text
        assert "chaos.enabled=true" in text
    assert cluster.get("deployment", "payment", "-n", namespace)["metadata"]["resourceVersion"] == before


def test_a_namespace_that_is_not_there_is_refused(cluster, shop):
    fault = documents(shop, "fault.yaml")[0]
    fault["metadata"]["namespace"] = "elsewhere"
    (shop / "fault.yaml").write_text(yaml.safe_dump(fault))
    with pytest.raises(Refused, match="has no namespace 'elsewhere': is KUBECONFIG the cluster you mean"):
        apply_manifest("fault.yaml")


def test_a_refused_run_s_rollback_touches_nothing(cluster, namespace, shop):
    cluster.kubectl("delete", "deploy", "payment", "-n", namespace)
    run.current().refused = True
    assert restore_manifest("app.yaml") == []
    assert cluster.kubectl("get", "deploy", "-n", namespace, "-o", "name").stdout == ""


def test_a_rollout_that_does_not_end_says_what_is_missing(cluster, namespace, shop):
    cluster.kubelet.hold = lambda _pod: True
    with pytest.raises(
        KubernetesError, match=r"not rolled out within 0.5 s: deployment/payment: \d of 2 replicas"
    ):
        apply_manifest("fault.yaml", timeout_seconds=0.5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not YAML"),
        ("", "no Kubernetes object"),
        ("- 1", "document 1: not an object"),
        ("kind: Deployment", "apiVersion is missing"),
        ("{apiVersion: v1, kind: Pod}", "Pod without metadata.name"),
        ("{apiVersion: v1, kind: Pod, metadata: {name: p}}", "Pod p without metadata.namespace"),
    ],
)
def test_a_wrong_manifest_is_said_with_its_place(shop, text, said):
    (shop / "fault.yaml").write_text(text)
    with pytest.raises(BadInput) as caught:
        apply_manifest("fault.yaml")
    assert said in str(caught.value)
    assert "fault.yaml" in str(caught.value)


def test_an_unknown_kind_is_said(cluster, namespace, shop):
    document = {"apiVersion": "apps/v1", "kind": "Deploymnt", "metadata": {"name": "x", "namespace": namespace}}
    with pytest.raises(BadInput, match=r"deploymnt/x: context lab .* knows no kind apps/v1 Deploymnt"):
        Cluster().check_kind(document)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "StatefulSet"}, "statefulset/payment in .*: the rollback's manifest lacks it"),
        (
            {"metadata": {"name": "x", "namespace": "other"}},
            "deployment/x in other: the rollback's manifest lacks it",
        ),
        (
            {"metadata": {"name": "stranger"}},
            "deployment/stranger in .*: it exists, and .* could not restore it",
        ),
        ({"metadata": {"name": "new"}}, None),
        ({}, None),
    ],
)
def test_what_a_restore_could_not_undo_is_not_applied(cluster, namespace, shop, make_deployment, change, said):
    stranger = make_deployment("stranger")
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=yaml.safe_dump(stranger))
    fault = documents(shop, "fault.yaml")[0] | change
    fault["metadata"] = {"name": "payment", "namespace": namespace} | change.get("metadata", {})
    if said is None:
        check_restorable(Cluster(), [fault], documents(shop))
    else:
        with pytest.raises(BadInput, match=said):
            check_restorable(Cluster(), [fault], documents(shop))


def test_what_a_run_that_died_created_does_not_keep_the_next_one_from_healing_it(
    cluster, namespace, shop, make_deployment
):
    left = make_deployment("of-the-fault")
    left["metadata"]["labels"] = {"chaos.run-id": "run-1"}
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=yaml.safe_dump(left))
    fault = documents(shop, "fault.yaml")[0]
    fault["metadata"] = {"name": "of-the-fault", "namespace": namespace}
    check_restorable(Cluster(), [fault], documents(shop))


def test_a_wrong_token_is_told_from_a_dead_server(cluster, tmp_path):
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["users"][0]["user"]["token"] = "wrong"
    (tmp_path / "wrong").write_text(yaml.safe_dump(config))
    with pytest.raises(KubernetesError, match=r"401.*the token is not this cluster's"):
        Cluster(str(tmp_path / "wrong"))
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "dead").write_text(yaml.safe_dump(config))
    with pytest.raises(KubernetesError, match=r"https://127.0.0.1:1 cannot be reached \(Connection refused\)"):
        Cluster(str(tmp_path / "dead"))


@pytest.mark.parametrize("text", ["", "{", "apiVersion: v1"])
def test_a_kubeconfig_that_cannot_be_used(tmp_path, text):
    (tmp_path / "config").write_text(text)
    with pytest.raises(BadInput, match=r"KUBECONFIG: .*config cannot be used"):
        Cluster(str(tmp_path / "config"))
    with pytest.raises(BadInput, match="does not exist: run 'source setup/env'"):
        Cluster(str(tmp_path / "absent"))
