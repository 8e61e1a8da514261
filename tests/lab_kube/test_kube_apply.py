"""app.yaml and a fault, applied both ways, in every order, and undone."""

import itertools
import json

import pytest
import yaml

from lab.kube.quantity import canonical

CLIENT, SERVER = ("apply",), ("apply", "--server-side", "--force-conflicts")
# Anything that a person may do in between, as another manager.
MEDDLING = (
    ("set", "env", "deployment/payment", "EXTRA=1"),
    ("scale", "deployment/payment", "--replicas=3"),
    ("annotate", "deployment/payment", "note=1"),
)


@pytest.fixture
def shop(namespace, app_documents, variant_documents, tmp_path):
    """The paths of app.yaml's payment and of its fault, in the test's namespace."""
    payment = [one for one in app_documents if one["metadata"]["name"] == "payment"]
    paths = []
    for name, documents in (("app.yaml", payment), ("fault.yaml", variant_documents)):
        placed = [one | {"metadata": one["metadata"] | {"namespace": namespace}} for one in documents]
        (tmp_path / name).write_text(yaml.safe_dump_all(placed))
        paths.append(tmp_path / name)
    return paths


def payment_of(path):
    return next(one for one in yaml.safe_load_all(path.read_text()) if one["kind"] == "Deployment")


def differences(wanted, live, path=""):
    """Yield where live is not what is wanted; lists must have no more items, maps may have defaults besides."""
    if isinstance(wanted, dict) and isinstance(live, dict):
        for key, value in wanted.items():
            inner = f"{path}.{key}"
            is_quantity = path.endswith((".limits", ".requests"))
            yield from differences(canonical(value) if is_quantity else value, live.get(key), inner)
    elif isinstance(wanted, list) and isinstance(live, list):
        if len(wanted) != len(live):
            yield f"{path}: {len(live)} items instead of {len(wanted)}"
        for index, (one, other) in enumerate(zip(wanted, live, strict=False)):
            yield from differences(one, other, f"{path}[{index}]")
    elif wanted != live:
        yield f"{path}: {live!r} instead of {wanted!r}"


def live(cluster, namespace):
    return cluster.get("deployment", "payment", "-n", namespace)


@pytest.mark.parametrize(("create", "break_", "heal"), list(itertools.product((CLIENT, SERVER), repeat=3)))
def test_a_fault_is_undone_in_whatever_way_each_step_is_applied(cluster, namespace, shop, create, break_, heal):
    app, fault = shop
    cluster.kubectl(*create, "-f", app)
    before = live(cluster, namespace)["spec"]
    cluster.kubectl(*break_, "-f", fault)
    assert list(differences(payment_of(fault), live(cluster, namespace))) == []
    cluster.kubectl(*heal, "-f", app)
    assert list(differences(payment_of(app), live(cluster, namespace))) == []
    assert live(cluster, namespace)["spec"] == before


def test_the_whole_app_is_live_as_written(cluster, namespace, app_documents):
    documents = [one for one in app_documents if one["kind"] != "Namespace"]
    documents = [one | {"metadata": one["metadata"] | {"namespace": namespace}} for one in documents]
    for one in documents:
        # Node ports are the cluster's, not the namespace's: another test may hold this one.
        for port in one["spec"].get("ports", []) if one["kind"] == "Service" else []:
            port.pop("nodePort", None)
    text = yaml.safe_dump_all(documents)
    cluster.kubectl("apply", "-f", "-", stdin=text)
    for one in documents:
        found = cluster.get(one["kind"], one["metadata"]["name"], "-n", namespace)
        assert list(differences(one, found)) == []
    again = cluster.kubectl("apply", "-f", "-", stdin=text).stdout.splitlines()
    # kubectl takes the number 1 for a change of the quantity "1", on every cluster; nothing comes of it.
    unquoted = {
        f"deployment.apps/{one['metadata']['name']}" for one in documents if "cpu: 1\n" in yaml.safe_dump(one)
    }
    assert {line.split()[0] for line in again if not line.endswith(" unchanged")} == unquoted
    deployments = cluster.get("deployments", "-n", namespace)["items"]
    assert {one["metadata"]["generation"] for one in deployments} == {1}
    assert cluster.kubectl("diff", "-f", "-", stdin=text).stdout == ""


def test_applying_the_same_twice_makes_no_new_version(cluster, namespace, shop):
    app, _ = shop
    for style in (CLIENT, SERVER):
        cluster.kubectl(*style, "-f", app)
        cluster.kubectl("rollout", "status", "deployment/payment", "-n", namespace)
        before = live(cluster, namespace)
        cluster.kubectl(*style, "-f", app)
        assert live(cluster, namespace)["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


@pytest.mark.parametrize("style", [CLIENT, SERVER])
def test_what_others_did_meanwhile(cluster, namespace, shop, style):
    app, _ = shop
    cluster.kubectl(*style, "-f", app)
    for command in MEDDLING:
        cluster.kubectl(*command, "-n", namespace)
    cluster.kubectl(*style, "-f", app)
    found = live(cluster, namespace)
    assert found["spec"]["replicas"] == 1
    names = [one["name"] for one in found["spec"]["template"]["spec"]["containers"][0]["env"]]
    # Neither style removes what it never applied: that is why a proof looks for extra entries.
    assert "EXTRA" in names
    assert found["metadata"]["annotations"]["note"] == "1"


def test_a_conflict_names_fields_and_managers(cluster, namespace, make_deployment):
    text = json.dumps(make_deployment())
    cluster.kubectl("apply", "--server-side", "--field-manager=one", "-n", namespace, "-f", "-", stdin=text)
    other = json.dumps(make_deployment(replicas=2))
    refused = cluster.kubectl(
        "apply", "--server-side", "--field-manager=two", "-n", namespace, "-f", "-", stdin=other, check=False
    )
    assert refused.returncode == 1
    assert 'Apply failed with 1 conflict: conflict with "one": .spec.replicas' in refused.stderr
    both = json.dumps(make_deployment(replicas=2, image="app:2"))
    refused = cluster.kubectl(
        "apply", "--server-side", "--field-manager=two", "-n", namespace, "-f", "-", stdin=both, check=False
    )
    assert 'Apply failed with 2 conflicts: conflicts with "one":\n- .spec.replicas\n' in refused.stderr
    assert '- .spec.template.spec.containers[name="app"].image' in refused.stderr


def test_a_field_that_its_manager_drops_goes_unless_another_wants_it(cluster, namespace, make_deployment):
    def apply(manager, document):
        arguments = ("apply", "--server-side", f"--field-manager={manager}", "-n", namespace, "-f", "-")
        cluster.kubectl(*arguments, stdin=json.dumps(document))

    def env():
        template = cluster.get("deployment", "web", "-n", namespace)["spec"]["template"]
        return [one["name"] for one in template["spec"]["containers"][0].get("env", [])]

    document = make_deployment(minReadySeconds=1)
    document["spec"]["template"]["spec"]["containers"][0]["env"] = [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "1"},
    ]
    apply("one", document)
    apply("two", document)
    apply("one", make_deployment())
    assert env() == ["A", "B"]
    apply("two", make_deployment())
    assert env() == []
    assert "minReadySeconds" not in cluster.get("deployment", "web", "-n", namespace)["spec"]


def test_scaling_by_hand_takes_the_field_from_its_applier(cluster, namespace, make_deployment):
    text = json.dumps(make_deployment())
    cluster.kubectl("apply", "--server-side", "-n", namespace, "-f", "-", stdin=text)
    cluster.kubectl("scale", "deployment/web", "--replicas=2", "-n", namespace)
    refused = cluster.kubectl("apply", "--server-side", "-n", namespace, "-f", "-", stdin=text, check=False)
    assert 'conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas' in refused.stderr


def test_client_side_apply_moves_to_server_side_without_force(cluster, namespace, make_deployment):
    text = json.dumps(make_deployment())
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=text)
    changed = json.dumps(make_deployment(image="app:2"))
    cluster.kubectl("apply", "--server-side", "-n", namespace, "-f", "-", stdin=changed)
    found = cluster.get("deployment", "web", "-n", namespace, "--show-managed-fields")
    managers = {(one["manager"], one["operation"]) for one in found["metadata"]["managedFields"]}
    assert ("kubectl", "Apply") in managers
    assert ("kubectl-client-side-apply", "Update") not in managers


def test_a_defaulted_part_of_an_atomic_value_conflicts_as_in_kubernetes(cluster, namespace, make_deployment):
    # kubectl issue 1683: fieldRef belongs to its owner as a whole, and the server adds apiVersion to it.
    document = make_deployment()
    source = {"fieldRef": {"fieldPath": "status.podIP"}}
    document["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "IP", "valueFrom": source}]
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(document))
    arguments = ("apply", "--server-side", "-n", namespace, "-f", "-")
    refused = cluster.kubectl(*arguments, stdin=json.dumps(document), check=False)
    assert '.spec.template.spec.containers[name="app"].env[name="IP"].valueFrom.fieldRef' in refused.stderr
    source["fieldRef"]["apiVersion"] = "v1"
    cluster.kubectl(*arguments, stdin=json.dumps(document))


@pytest.mark.parametrize("style", [("apply",), ("apply", "--server-side"), ("create",)])
def test_a_dry_run_changes_nothing(cluster, namespace, make_deployment, style):
    version = cluster.call(lambda: cluster.store.version)
    text = json.dumps(make_deployment())
    said = cluster.kubectl(*style, "--dry-run=server", "-n", namespace, "-f", "-", stdin=text).stdout
    assert "(server dry run)" in said
    assert cluster.call(cluster.store.find, "deployments", namespace, "web") is None
    # Nothing was written in between; the new namespace's ServiceAccount came before.
    assert cluster.call(lambda: cluster.store.version) - version <= 1


def test_diff_shows_what_would_change(cluster, namespace, make_deployment):
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(make_deployment()))
    changed = json.dumps(make_deployment(image="app:2"))
    for style in ((), ("--server-side", "--force-conflicts")):
        said = cluster.kubectl("diff", *style, "-n", namespace, "-f", "-", stdin=changed, check=False)
        assert said.returncode == 1, said.stderr
        assert "-      - image: app:1" in said.stdout
        assert "+      - image: app:2" in said.stdout
