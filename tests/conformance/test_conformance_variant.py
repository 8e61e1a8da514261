"""A fault applied in one way and undone in another leaves exactly app.yaml, whoever did which.

The manifests are the suite's own, but ask for no replica: what is judged is the objects, not the shop.
"""

import itertools
from pathlib import Path

import pytest
import yaml

from chaosext import run
from chaosext.kubernetes.actions import apply_manifest, restore_manifest
from chaosext.kubernetes.cluster import Cluster
from chaosext.kubernetes.proof import differences, prove

MANIFESTS = Path(__file__).parents[2] / "manifests"
FAULTS = {
    path.stem: {one["kind"] for one in yaml.safe_load_all(path.read_text())}
    for path in sorted((MANIFESTS / "variants").glob("*.yaml"))
}
"""The kinds of each variant."""
DEPLOYMENTS = [name for name, kinds in FAULTS.items() if kinds == {"Deployment"}]
JOBS = [name for name, kinds in FAULTS.items() if kinds == {"Job"}]
STYLES = ("client", "server", "chaosext")
# Each way to break and to heal with each other; what is there before is applied by each in turn.
ROUNDS = [(STYLES[(i + j) % 3], STYLES[i], STYLES[j]) for i, j in itertools.product(range(3), repeat=2)]
_ITS_OWN = ("kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision")


def rounds():
    """Yield each variant with each round: one with all, the others with a person and the suite in turn."""
    for variant, ways in itertools.product(DEPLOYMENTS, ROUNDS):
        is_mixed = set(ways[1:]) == {"client", "chaosext"}
        marks = () if variant == "payment-failures" or is_mixed else pytest.mark.full
        yield pytest.param(variant, *ways, marks=marks)


def target(variant):
    """Return the name of what a variant is applied to, or of its Job."""
    source = MANIFESTS / "variants" / f"{variant}.yaml"
    (name,) = {one["metadata"]["name"] for one in yaml.safe_load_all(source.read_text())}
    return name


def placed(path, namespace, copy, name):
    """Write a manifest's objects of one name for a namespace, so that they run nothing."""
    documents = [one for one in yaml.safe_load_all(path.read_text()) if one["metadata"]["name"] == name]
    for document in documents:
        document["metadata"]["namespace"] = namespace
        if document["kind"] == "Deployment":
            document["spec"]["replicas"] = 0
        elif document["kind"] == "Job":
            document["spec"]["suspend"] = True
    copy.write_text(yaml.safe_dump_all(documents))
    return copy


@pytest.fixture
def place(world, core, namespace, tmp_path, monkeypatch):
    """Return what writes the objects of one name of a file in manifests/; gives the path."""
    monkeypatch.setenv("KUBECONFIG", str(world.kubeconfig))
    monkeypatch.chdir(tmp_path)
    core.patch_namespace(namespace, {"metadata": {"labels": {"chaos.enabled": "true"}}})
    run.begin()
    yield lambda file, name: placed(MANIFESTS / file, namespace, tmp_path / Path(file).name, name)
    run._current = None


@pytest.fixture
def shop(place):
    """The paths of app.yaml's payment and of its fault."""
    return place("app.yaml", "payment"), place("variants/payment-failures.yaml", "payment")


@pytest.fixture
def put(kubectl):
    """Return what applies a manifest in one of the three ways."""

    def put(style, path, chaosext=restore_manifest):
        if style == "client":
            kubectl("apply", "-f", path)
        elif style == "server":
            kubectl("apply", "--server-side", "--force-conflicts", "-f", path)
        else:
            chaosext(str(path))

    return put


def documents(path):
    return list(yaml.safe_load_all(path.read_text()))


def essence(live):
    """Return what somebody wanted of an object: nothing of the system's, and not who wanted it."""
    metadata = live["metadata"]
    notes = {key: text for key, text in metadata.get("annotations", {}).items() if key not in _ITS_OWN}
    return live["spec"], metadata.get("labels"), notes, metadata.get("finalizers")


def test_every_variant_is_tried():
    assert sorted(DEPLOYMENTS + JOBS) == sorted(FAULTS)
    assert {"payment-failures", "basic-bug", "slow-payments", "load-spike"} <= set(DEPLOYMENTS)


@pytest.mark.parametrize(("variant", "create", "break_", "heal"), rounds())
def test_a_fault_is_undone_whoever_applied_it(kubectl, place, put, variant, create, break_, heal):
    name = target(variant)
    app, fault = place("app.yaml", name), place(f"variants/{variant}.yaml", name)
    put(create, app)
    before = essence(kubectl.json(f"deployment/{name}"))
    put(break_, fault, apply_manifest)
    assert differences(Cluster(), documents(fault)) == []
    assert essence(kubectl.json(f"deployment/{name}")) != before
    put(heal, app)
    assert differences(Cluster(), documents(app)) == []
    assert essence(kubectl.json(f"deployment/{name}")) == before
    assert prove(Cluster(), documents(app), run.current().selector) == []


@pytest.mark.parametrize("variant", JOBS)
def test_a_job_goes_with_the_run_that_made_it(kubectl, shop, place, put, variant):
    app, _ = shop
    name = target(variant)
    put("client", app)
    put("chaosext", place(f"variants/{variant}.yaml", name), apply_manifest)
    found = prove(Cluster(), documents(app), run.current().selector)
    assert found == [f"job/{name}: the run created it, and it is still there"]
    put("chaosext", app)
    assert prove(Cluster(), documents(app), run.current().selector) == []
    kubectl("wait", "--for=delete", f"job/{name}", "--timeout=50s")


@pytest.mark.parametrize("variant", JOBS)
def test_a_job_that_a_person_applied_is_theirs(kubectl, shop, place, put, variant):
    """It has no run's label: a restore leaves it, until its own deadline or `kubectl delete -f`."""
    app, _ = shop
    fault = place(f"variants/{variant}.yaml", target(variant))
    put("client", app)
    put("client", fault)
    put("chaosext", app)
    assert prove(Cluster(), documents(app), run.current().selector) == []
    spec = kubectl.json(f"job/{target(variant)}")["spec"]
    assert spec["activeDeadlineSeconds"] > 0
    assert spec["ttlSecondsAfterFinished"] > 0
    kubectl("delete", "-f", fault, "--timeout=50s")


@pytest.mark.parametrize("style", STYLES)
def test_to_apply_the_same_twice_changes_nothing(kubectl, shop, put, style):
    app, _ = shop
    put(style, app)
    kubectl("rollout", "status", "deployment/payment", "--timeout=50s")
    first = kubectl.json("deployment/payment")["metadata"]
    put(style, app)
    again = kubectl.json("deployment/payment")["metadata"]
    assert (again["resourceVersion"], again["generation"]) == (first["resourceVersion"], 1)


def test_what_a_person_added_meanwhile_is_found(kubectl, shop, put):
    """No way of applying removes what it never applied: that is why a proof looks for extra entries."""
    app, _ = shop
    put("client", app)
    kubectl("set", "env", "deployment/payment", "EXTRA=1")
    kubectl("scale", "deployment/payment", "--replicas=1")
    put("client", app)
    put("server", app)
    found = differences(Cluster(), documents(app))
    assert found == ["deployment/payment: spec.template.spec.containers[payment].env[EXTRA] is extra"]


def test_the_whole_app_is_live_as_written(kubectl, shop):
    """Every object of app.yaml; what kubectl is told twice, it finds unchanged."""
    everything = [one for one in documents(MANIFESTS / "app.yaml") if one["kind"] != "Namespace"]
    for document in everything:
        document["metadata"]["namespace"] = kubectl.namespace
        if document["kind"] == "Deployment":
            document["spec"]["replicas"] = 0
        # Node ports are the cluster's, not the namespace's: the shop may hold this one.
        for port in document["spec"].get("ports", []) if document["kind"] == "Service" else []:
            port.pop("nodePort", None)
    text = yaml.safe_dump_all(everything)
    kubectl("apply", "-f", "-", stdin=text)
    assert differences(Cluster(), everything) == []
    again = kubectl("apply", "-f", "-", stdin=text).splitlines()
    # kubectl takes the number 1 for a change of the quantity "1", on every cluster; nothing comes of it.
    unquoted = {
        f"deployment.apps/{one['metadata']['name']}" for one in everything if "cpu: 1\n" in yaml.safe_dump(one)
    }
    assert {line.split()[0] for line in again if not line.endswith(" unchanged")} == unquoted
    generations = {one["metadata"]["generation"] for one in kubectl.json("deployments")["items"]}
    assert generations == {1}
    assert kubectl("diff", "-f", "-", stdin=text) == ""
