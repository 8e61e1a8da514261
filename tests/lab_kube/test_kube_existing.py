"""What setup/existing/check.py finds in a cluster: before app.yaml is applied to it, and after."""

import runpy
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CHECK = runpy.run_path(str(ROOT / "setup" / "existing" / "check.py"))


@pytest.fixture
def manifests(cluster, tmp_path, monkeypatch):
    """Write an app of one object, and return the folder."""
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))

    def write(kind, namespace):
        version = "apps/v1" if kind == "Deployment" else "v1"
        app = {"apiVersion": version, "kind": kind, "metadata": {"name": "nothing", "namespace": namespace}}
        (tmp_path / "app.yaml").write_text(yaml.safe_dump(app))
        return tmp_path

    return write


def missing(folder, **options):
    return list(CHECK["cluster"](folder, **options))


def test_a_namespace_that_is_not_there_is_made_by_apply(manifests):
    folder = manifests("ConfigMap", "not-there-yet")
    assert missing(folder, before_apply=True) == []
    (said,) = missing(folder)
    assert said.endswith("has no namespace not-there-yet: setup/up existing --apply makes it")


def test_an_object_that_is_not_there_is_made_by_apply(cluster, namespace, manifests):
    cluster.kubectl("label", "--overwrite", "namespace", namespace, "chaos.enabled=true")
    folder = manifests("ConfigMap", namespace)
    assert missing(folder, before_apply=True) == []
    assert missing(folder) == [
        f"namespace {namespace} lacks configmap/nothing: setup/up existing --apply makes them"
    ]


def test_a_namespace_that_does_not_welcome_chaos_is_refused_before_it_could_be_labelled(manifests):
    (said,) = missing(manifests("ConfigMap", "default"), before_apply=True)
    assert said.startswith("refused: namespace 'default'")
    assert "kubectl label namespace default chaos.enabled=true" in said


def test_what_does_not_run_is_said_with_advice_on_its_images(namespace, manifests):
    (said,) = CHECK["rollouts"](manifests("Deployment", namespace), 0)
    assert said.startswith("not rolled out within 0 s: deployment/nothing: it does not exist")
    assert "can the cluster pull the images of app.yaml? setup/existing/README.md says how" in said


def test_what_runs_is_not_waited_for(web, make_deployment, manifests):
    folder = manifests("Deployment", web)
    app = make_deployment()
    app["metadata"]["namespace"] = web
    (folder / "app.yaml").write_text(yaml.safe_dump(app))
    assert list(CHECK["rollouts"](folder, 60)) == []
