"""The chaos runner's Role is enough for an experiment, and for nothing more."""

import json
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from chaosext import run
from chaosext.errors import KubernetesError
from chaosext.kubernetes.actions import apply_manifest, restore_manifest
from chaosext.kubernetes.cluster import Cluster
from chaosext.kubernetes.manifests import load_manifest
from chaosext.kubernetes.proof import prove
from lab.kube.auth.attributes import Attributes
from lab.kube.auth.rbac import allows
from lab.kube.pki import write_kubeconfig
from lab.kube.resources import BY_KIND

from ..minors import NEWEST, OLDEST

ROOT = Path(__file__).parents[2]
RBAC = ROOT / "manifests" / "gameday" / "rbac.yaml"
EXPERIMENT = json.loads((ROOT / "experiments" / "payment.json").read_text())


def path_of(activity):
    """The manifest that an activity of the experiment names."""
    return ROOT / "experiments" / activity["provider"]["arguments"]["path"]


FAULT, APP = path_of(EXPERIMENT["method"][0]), path_of(EXPERIMENT["rollbacks"][0])


@pytest.fixture
def runner(cluster, tmp_path, monkeypatch):
    """The shop is applied, and KUBECONFIG is the chaos runner's; returns it."""
    for file in (APP, RBAC):
        cluster.kubectl("apply", "-f", file)
    token = cluster.kubectl("create", "token", "chaos-runner", "-n", "ecommerce").stdout.strip()
    kubeconfig = tmp_path / "kubeconfig"
    write_kubeconfig(kubeconfig, server=cluster.server, ca=cluster.ca, token=token, context="runner")
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    run.begin()
    yield kubeconfig
    run._current = None
    cluster.call(cluster.store.delete, "namespaces", None, "ecommerce")
    cluster.wait_for(lambda: cluster.store.find("namespaces", None, "ecommerce") is None, timeout=30)


def image_version(cluster):
    live = cluster.get("deployment", "payment", "-n", "ecommerce")
    env = live["spec"]["template"]["spec"]["containers"][0]["env"]
    return next(entry["value"] for entry in env if entry["name"] == "SERVICE_VERSION")


@pytest.mark.parametrize("version", [OLDEST, NEWEST[-1]])
def test_the_manifest_is_valid(version):
    for document in yaml.safe_load_all(RBAC.read_text()):
        kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("path", sorted((ROOT / "manifests" / "variants").glob("*.yaml")), ids=lambda p: p.stem)
def test_the_role_covers_every_fault(path):
    role = next(one for one in yaml.safe_load_all(RBAC.read_text()) if one["kind"] == "Role")
    for document in yaml.safe_load_all(path.read_text()):
        resource = BY_KIND[document["apiVersion"], document["kind"]]
        for verb in ("get", "create", "patch", "delete"):
            wanted = Attributes(verb, group=resource.group, resource=resource.plural, namespace="ecommerce")
            assert any(allows(rule, wanted) for rule in role["rules"]), (document["kind"], verb)


def test_the_role_is_enough_for_the_payment_experiment(cluster, runner):
    before = image_version(cluster)
    apply_manifest(str(FAULT))
    assert image_version(cluster) != before
    cluster.kubectl("delete", "service", "payment", "-n", "ecommerce")
    restore_manifest(str(APP))
    assert image_version(cluster) == before
    assert prove(Cluster(), load_manifest(APP), run.current().selector) == []


def test_the_role_is_for_one_namespace(cluster, namespace, runner, make_deployment, tmp_path):
    cluster.kubectl("label", "namespace", namespace, "chaos.enabled=true")
    document = make_deployment()
    document["metadata"]["namespace"] = namespace
    (tmp_path / "elsewhere.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(KubernetesError) as refused:
        apply_manifest(str(tmp_path / "elsewhere.yaml"))
    user = 'User "system:serviceaccount:ecommerce:chaos-runner"'
    text = str(refused.value)
    assert "\n" not in text
    assert f'403: namespaces "{namespace}" is forbidden: {user} cannot get resource "namespaces"' in text
    assert text.endswith("the token is not this cluster's, or may not do this")
    assert cluster.store.find("deployments", namespace, "web") is None


@pytest.mark.parametrize(
    "words",
    [
        ("get", "nodes"),
        ("get", "secrets", "-n", "kube-system"),
        ("delete", "namespace", "ecommerce"),
        ("create", "token", "chaos-runner", "-n", "ecommerce"),
        ("create", "rolebinding", "more", "--clusterrole=admin", "--serviceaccount=ecommerce:chaos-runner"),
        ("run", "pod", "--image=app:1", "-n", "ecommerce"),
    ],
    ids=" ".join,
)
def test_outside_of_the_role(cluster, runner, words):
    refused = cluster.kubectl(*words, f"--kubeconfig={runner}", check=False)
    assert refused.returncode == 1
    assert "is forbidden" in refused.stderr or "Forbidden" in refused.stderr
