"""kubectl apply: on either side, by several managers, tried and compared before it is done."""

import re

import pytest
import yaml

from .cluster import NEVER, config_map, container_of, deployment

SERVER = ("--server-side",)
STYLES = [(), SERVER]


def by(manager, *more):
    return ("--server-side", f"--field-manager={manager}", *more)


@pytest.mark.parametrize("style", STYLES, ids=["client", "server"])
def test_apply_creates_configures_and_leaves(kubectl, style):
    """The three words of kubectl apply; server-side apply knows one only."""
    said = kubectl.apply(deployment(), options=style)
    assert said == f"deployment.apps/web {'serverside-applied' if style else 'created'}\n"
    first = kubectl.json("deploy/web")
    said = kubectl.apply(deployment(), options=style)
    assert said == f"deployment.apps/web {'serverside-applied' if style else 'unchanged'}\n"
    assert kubectl.json("deploy/web")["metadata"]["generation"] == first["metadata"]["generation"] == 1
    said = kubectl.apply(deployment(minReadySeconds=1), options=style)
    assert said == f"deployment.apps/web {'serverside-applied' if style else 'configured'}\n"
    assert kubectl.json("deploy/web")["spec"]["minReadySeconds"] == 1
    kubectl.apply(deployment(), options=style)
    assert "minReadySeconds" not in kubectl.json("deploy/web")["spec"]


def test_a_list_of_objects_is_applied(kubectl):
    """`kubectl get -o yaml` writes a List, which is validated against OpenAPI v2 and not by the server."""
    kubectl.apply(config_map("a", {"x": "1"}), config_map("b"))
    shown = kubectl("get", "cm", "a", "b", "-o", "yaml")
    kubectl("delete", "cm", "a", "b")
    items = yaml.safe_load(shown)["items"]
    for item in items:
        item["metadata"] = {"name": item["metadata"]["name"]}
    assert kubectl("apply", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": items}) == (
        "configmap/a created\nconfigmap/b created\n"
    )


def test_client_side_apply_leaves_alone_what_others_wrote(kubectl):
    """What was never in an applied manifest stays; what it had and has no more, goes (three-way merge)."""
    document = deployment(minReadySeconds=1)
    container_of(document)["env"] = [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}]
    kubectl.apply(document)
    kubectl("annotate", "deploy/web", "note=1")
    kubectl("set", "env", "deploy/web", "EXTRA=1")
    kubectl.apply(deployment() | {"spec": deployment()["spec"] | {"template": document["spec"]["template"]}})
    live = kubectl.json("deploy/web")
    assert [one["name"] for one in container_of(live)["env"]] == ["A", "B", "EXTRA"]
    assert live["metadata"]["annotations"]["note"] == "1"
    assert "minReadySeconds" not in live["spec"]
    del container_of(document)["env"][0]
    kubectl.apply(document)
    assert [one["name"] for one in container_of(kubectl.json("deploy/web"))["env"]] == ["B", "EXTRA"]


def test_a_conflict_names_each_field_and_its_manager(kubectl):
    """kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts."""
    kubectl.apply(deployment(), options=by("one"))
    refused = kubectl.apply(deployment(replicas=1), options=by("two"), code=1)
    assert 'Apply failed with 1 conflict: conflict with "one": .spec.replicas' in refused
    assert "--force-conflicts" in refused
    changed = deployment(replicas=1, image="example.com/other:1")
    refused = kubectl.apply(changed, options=by("two"), code=1)
    assert 'Apply failed with 2 conflicts: conflicts with "one":\n- .spec.replicas\n' in refused
    assert '- .spec.template.spec.containers[name="app"].image' in refused
    assert kubectl.json("deploy/web")["spec"]["replicas"] == 0
    kubectl.apply(changed, options=by("two", "--force-conflicts"))
    refused = kubectl.apply(deployment(), options=by("one"), code=1)
    assert 'Apply failed with 2 conflicts: conflicts with "two"' in refused


def test_scaling_takes_the_field_from_its_applier(kubectl):
    """A subresource is a manager of its own: `conflict with "kubectl" with subresource "scale"`."""
    kubectl.apply(deployment(), options=SERVER)
    kubectl("scale", "deploy/web", "--replicas=1")
    refused = kubectl.apply(deployment(), options=SERVER, code=1)
    assert 'conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas' in refused
    without = deployment()
    del without["spec"]["replicas"]
    kubectl.apply(without, options=SERVER)
    assert kubectl.json("deploy/web")["spec"]["replicas"] == 1


def test_client_side_moves_to_server_side_and_back(kubectl):
    """kubectl moves its own client-side fields over; .../server-side-apply/#upgrading-from-client-side-apply.

    Going back works for as long as the annotation last-applied-configuration is kept up, which both do.
    """
    kubectl.apply(deployment(minReadySeconds=1))
    kubectl.apply(deployment(image="example.com/other:1"), options=SERVER)
    live = kubectl.json("deploy/web", "--show-managed-fields")
    managers = {(one["manager"], one["operation"]) for one in live["metadata"]["managedFields"]}
    assert ("kubectl", "Apply") in managers
    assert ("kubectl-client-side-apply", "Update") not in managers
    assert "minReadySeconds" not in live["spec"]
    kubectl.apply(deployment(progressDeadlineSeconds=60))
    live = kubectl.json("deploy/web")
    assert (container_of(live)["image"], live["spec"]["progressDeadlineSeconds"]) == (NEVER, 60)
    kubectl.apply(deployment())
    assert kubectl.json("deploy/web")["spec"]["progressDeadlineSeconds"] == 600


def test_a_defaulted_part_of_an_atomic_value_conflicts(kubectl):
    """kubectl issue 1683: fieldRef belongs to its owner as a whole, and the server adds apiVersion to it."""
    document = deployment()
    source = {"fieldRef": {"fieldPath": "status.podIP"}}
    container_of(document)["env"] = [{"name": "IP", "valueFrom": source}]
    kubectl.apply(document)
    refused = kubectl.apply(document, options=SERVER, code=1)
    assert '.spec.template.spec.containers[name="app"].env[name="IP"].valueFrom.fieldRef' in refused
    source["fieldRef"]["apiVersion"] = "v1"
    kubectl.apply(document, options=SERVER)


@pytest.mark.parametrize("style", [("apply",), ("apply", *SERVER), ("create",)], ids=str)
def test_a_dry_run_on_the_server_changes_nothing(kubectl, style):
    said = kubectl(*style, "--dry-run=server", "-f", "-", stdin=deployment())
    assert said.endswith("(server dry run)\n")
    shown = kubectl(*style, "--dry-run=server", "-o", "yaml", "-f", "-", stdin=deployment())
    assert yaml.safe_load(shown)["spec"]["strategy"]["rollingUpdate"]["maxSurge"] == "25%"
    assert "not found" in kubectl("get", "deploy/web", code=1)
    kubectl.apply(deployment())
    version = kubectl("get", "deploy/web", "-o", "jsonpath={.metadata.generation}")
    kubectl("apply", "--dry-run=server", "-f", "-", stdin=deployment(paused=True))
    kubectl("delete", "deploy/web", "--dry-run=server")
    assert kubectl("get", "deploy/web", "-o", "jsonpath={.metadata.generation}") == version


def test_a_dry_run_on_the_client_only_shows(kubectl):
    said = kubectl("create", "deployment", "new", "--image=example.com/a:1", "--dry-run=client", "-o", "yaml")
    assert "maxSurge" not in said
    assert kubectl("apply", "--dry-run=client", "-f", "-", stdin=said) == (
        "deployment.apps/new created (dry run)\n"
    )
    assert "not found" in kubectl("get", "deploy/new", code=1)


@pytest.mark.parametrize("style", [(), ("--server-side", "--force-conflicts")], ids=["client", "server"])
def test_diff_shows_what_would_change(kubectl, style):
    """Its exit code is 1 when there is a difference, 0 without, more for an error (kubectl diff --help)."""
    kubectl.apply(deployment(), options=style)
    assert kubectl("diff", *style, "-f", "-", stdin=deployment()) == ""
    said = kubectl("diff", *style, "-f", "-", stdin=deployment(image="example.com/other:1"), code=1)
    assert re.search(rf"^-\s+- image: {NEVER}$", said, re.M), said
    assert re.search(r"^\+\s+- image: example.com/other:1$", said, re.M), said
    assert container_of(kubectl.json("deploy/web"))["image"] == NEVER


def test_prune_deletes_what_is_no_longer_applied(kubectl):
    """`--prune -l` deletes objects that were applied, match the label, and are in the manifest no more."""
    labelled = {"labels": {"set": "1"}}
    kubectl.apply(config_map("a", **labelled), config_map("b", **labelled))
    said = kubectl.apply(
        config_map("a", **labelled), options=("--prune", "-l", "set=1", "--prune-allowlist=core/v1/ConfigMap")
    )
    assert "configmap/b pruned" in said
    assert kubectl("get", "cm", "-l", "set=1", "-o", "name") == "configmap/a\n"


def test_unknown_fields_are_refused_warned_of_or_ignored(kubectl):
    """kubernetes.io/docs/reference/using-api/api-concepts/#field-validation: kubectl asks for Strict."""
    document = deployment() | {"spec": deployment()["spec"] | {"replicsa": 1}}
    refused = kubectl.apply(document, code=1)
    assert 'strict decoding error: unknown field "spec.replicsa"' in refused
    warned = kubectl.apply(document, options=("--validate=warn",))
    assert 'Warning: unknown field "spec.replicsa"' in warned
    assert "Warning" not in kubectl.apply(document, options=("--validate=ignore",))
    refused = kubectl.apply(document, options=SERVER, code=1)
    assert ".spec.replicsa: field not declared in schema" in refused


def test_what_cannot_change_is_refused(kubectl):
    kubectl.apply(deployment())
    document = deployment()
    document["spec"]["selector"]["matchLabels"] = document["spec"]["template"]["metadata"]["labels"] = {
        "app": "b"
    }
    refused = kubectl.apply(document, code=1)
    assert 'The Deployment "web" is invalid: spec.selector: Invalid value: ' in refused
    assert refused.endswith("field is immutable\n")
