"""kubectl's small changes: label, annotate, patch, set, scale, replace, edit; and what it makes by itself."""

import json

import pytest
import yaml

from .cluster import NEVER, config_map, container_of, deployment, until


def test_label_and_annotate(kubectl):
    kubectl.apply(deployment())
    assert kubectl("label", "deploy/web", "tier=front") == "deployment.apps/web labeled\n"
    refused = kubectl("label", "deploy/web", "tier=back", code=1)
    assert "'tier' already has a value (front), and --overwrite is false" in refused
    kubectl("label", "deploy/web", "tier=back", "--overwrite")
    assert kubectl("label", "deploy/web", "--list").split() == ["tier=back"]
    assert kubectl("label", "deploy/web", "tier-") == "deployment.apps/web unlabeled\n"
    assert "labels" not in kubectl.json("deploy/web")["metadata"]
    refused = kubectl("label", "deploy/web", "tier=b c", code=1)
    assert "a valid label must be an empty string or consist of" in refused
    assert kubectl("annotate", "deploy/web", "note=b c") == "deployment.apps/web annotated\n"
    assert kubectl.json("deploy/web")["metadata"]["annotations"]["note"] == "b c"
    kubectl("annotate", "deploy/web", "note-")
    assert "note" not in kubectl.json("deploy/web")["metadata"]["annotations"]
    kubectl.apply(config_map("a"), config_map("b"))
    kubectl("label", "cm", "a", "b", "both=1")
    assert kubectl("get", "cm", "-l", "both=1", "-o", "name").split() == ["configmap/a", "configmap/b"]


def test_patch_in_three_ways(kubectl):
    """Strategic by default: lists are merged by key; a merge patch replaces them."""
    kubectl.apply(deployment())

    def patch(kind, content, *options, code=0):
        return kubectl("patch", "deploy/web", f"--type={kind}", "-p", json.dumps(content), *options, code=code)

    second = {"spec": {"template": {"spec": {"containers": [{"name": "two", "image": "example.com/two:1"}]}}}}
    assert patch("strategic", second) == "deployment.apps/web patched\n"
    containers = kubectl.json("deploy/web")["spec"]["template"]["spec"]["containers"]
    assert [one["name"] for one in containers] == ["two", "app"]
    assert patch("strategic", second) == "deployment.apps/web patched (no change)\n"
    patch("merge", second)
    containers = kubectl.json("deploy/web")["spec"]["template"]["spec"]["containers"]
    assert [one["name"] for one in containers] == ["two"]
    patch("json", [{"op": "replace", "path": "/spec/minReadySeconds", "value": 3}], code=1)
    patch("json", [{"op": "add", "path": "/spec/minReadySeconds", "value": 3}])
    assert kubectl.json("deploy/web")["spec"]["minReadySeconds"] == 3
    refused = patch("json", [{"op": "test", "path": "/spec/minReadySeconds", "value": 4}], code=1)
    assert "the server rejected our request due to an error in our request" in refused
    patch("merge", {"spec": {"replicas": 2}}, "--subresource=scale", "--dry-run=server")
    assert kubectl.json("deploy/web")["spec"]["replicas"] == 0


def test_set_image_env_and_resources(kubectl):
    kubectl.apply(deployment())
    assert kubectl("set", "image", "deploy/web", "app=example.com/other:1") == (
        "deployment.apps/web image updated\n"
    )
    refused = kubectl("set", "image", "deploy/web", "none=x", code=1)
    assert 'unable to find container named "none"' in refused
    assert kubectl("set", "env", "deploy/web", "A=1", "B=2") == "deployment.apps/web env updated\n"
    kubectl("set", "env", "deploy/web", "A-")
    kubectl("set", "resources", "deploy/web", "--limits=cpu=1500m,memory=1024Mi")
    container = container_of(kubectl.json("deploy/web"))
    assert container["image"] == "example.com/other:1"
    assert container["env"] == [{"name": "B", "value": "2"}]
    assert container["resources"]["limits"] == {"cpu": "1500m", "memory": "1Gi"}
    assert "B=2" in kubectl("set", "env", "deploy/web", "--list")


def test_scale(kubectl):
    kubectl.apply(deployment(paused=True))
    assert kubectl("scale", "deploy/web", "--replicas=3") == "deployment.apps/web scaled\n"
    refused = kubectl("scale", "deploy/web", "--current-replicas=2", "--replicas=1", code=1)
    assert "Expected replicas to be 2, was 3" in refused
    kubectl("scale", "deploy/web", "--current-replicas=3", "--replicas=0")
    assert kubectl.json("deploy/web")["spec"]["replicas"] == 0
    refused = kubectl("scale", "deploy/none", "--replicas=1", code=1)
    assert 'deployments.apps "none" not found' in refused


def test_create_replace_and_delete_from_a_file(kubectl, tmp_path):
    path = tmp_path / "web.yaml"
    path.write_text(yaml.safe_dump_all([deployment(), config_map("c", {"a": "1"})]))
    assert kubectl("create", "-f", path) == "deployment.apps/web created\nconfigmap/c created\n"
    refused = kubectl("create", "-f", path, code=1)
    assert "Error from server (AlreadyExists): error when creating" in refused
    assert 'configmaps "c" already exists' in refused
    path.write_text(yaml.safe_dump_all([deployment(minReadySeconds=1), config_map("c", {"b": "2"})]))
    assert kubectl("replace", "-f", path) == "deployment.apps/web replaced\nconfigmap/c replaced\n"
    assert kubectl.json("cm/c")["data"] == {"b": "2"}
    before = kubectl.json("cm/c")["metadata"]["uid"]
    kubectl("replace", "--force", "-f", path)
    assert kubectl.json("cm/c")["metadata"]["uid"] != before
    said = kubectl("delete", "-f", path)
    assert 'deployment.apps "web" deleted' in said
    assert 'configmap "c" deleted' in said
    missing = kubectl("delete", "-f", path, code=1)
    assert "Error from server (NotFound): error when deleting" in missing
    assert kubectl("delete", "-f", path, "--ignore-not-found") == ""


def test_edit(kubectl, tmp_path):
    """The editor gets the live object; what it leaves unchanged is not sent."""
    kubectl.apply(config_map("c", {"a": "1"}))
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i \'s/a: "1"/a: "2"/\' "$1"\n')
    editor.chmod(0o755)
    assert kubectl("edit", "cm/c", KUBE_EDITOR=str(editor)) == "configmap/c edited\n"
    assert kubectl.json("cm/c")["data"] == {"a": "2"}
    assert kubectl("edit", "cm/c", KUBE_EDITOR="true") == "Edit cancelled, no changes made.\n"


GENERATED = {
    "deployment": ("deployment", "made", "--image=example.com/a:1", "--replicas=0"),
    "job": ("job", "made", "--image=example.com/a:1", "--", "true"),
    "configmap": ("configmap", "made", "--from-literal=a=b"),
    "secret": ("secret", "generic", "made", "--from-literal=a=b"),
    "service": ("service", "clusterip", "made", "--tcp=80:8080"),
    "serviceaccount": ("serviceaccount", "made"),
    "role": ("role", "made", "--verb=get,list", "--resource=pods"),
    "rolebinding": ("rolebinding", "made", "--role=made", "--user=u"),
}


@pytest.mark.parametrize("kind", GENERATED)
def test_what_kubectl_makes_by_itself(kubectl, kind):
    """kubectl's generators send the kinds that are built into it as protobuf, unlike what is in a file."""
    assert kubectl("create", *GENERATED[kind]).endswith("/made created\n")
    assert kubectl.json(kind, "made")["metadata"]["name"] == "made"
    refused = kubectl("create", *GENERATED[kind], code=1)
    assert "already exists" in refused


def test_run_and_expose(kubectl):
    kubectl("run", "one", f"--image={NEVER}", "--labels=app=one", "--port=80")
    assert kubectl.json("pod/one")["spec"]["containers"][0]["ports"][0]["containerPort"] == 80
    assert kubectl("expose", "pod/one", "--port=80", "--name=front") == "service/front exposed\n"
    assert kubectl.json("service/front")["spec"]["selector"] == {"app": "one"}
    kubectl.apply(deployment())
    kubectl("expose", "deploy/web", "--port=80", "--target-port=8080", "--type=NodePort")
    port = kubectl.json("service/web")["spec"]["ports"][0]
    assert (port["targetPort"], 30000 <= port["nodePort"] < 32768) == (8080, True)
    until(
        lambda: kubectl.json("endpointslices", "-l", "kubernetes.io/service-name=web")["items"], "its endpoints"
    )
