"""Every manifest is what it says, and a fault differs from app.yaml in values only."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from .minors import NEWEST, OLDEST

MANIFESTS = Path(__file__).parents[1] / "manifests"
VARIANTS = sorted((MANIFESTS / "variants").glob("*.yaml"))


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


def app() -> dict[tuple[str, str], dict[str, Any]]:
    return {(d["kind"], d["metadata"]["name"]): d for d in documents(MANIFESTS / "app.yaml")}


def field_paths(value: Any, path: str = "") -> set[str]:
    """The paths of all fields; a list's entries by their name where they have one."""
    if isinstance(value, dict):
        return {p for key, v in value.items() for p in field_paths(v, f"{path}.{key}")}
    if isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
        return {p for i, v in enumerate(value) for p in field_paths(v, f"{path}[{v.get('name', i)}]")}
    return {path}


@pytest.mark.parametrize("version", [OLDEST, NEWEST[-1]])
@pytest.mark.parametrize("path", [MANIFESTS / "app.yaml", *VARIANTS], ids=lambda p: p.stem)
def test_a_manifest_is_valid_kubernetes(path, version):
    for document in documents(path):
        kubernetes_validate.validate(document, version, strict=True)


def test_there_are_faults():
    assert {path.stem for path in VARIANTS} == {
        *("payment-failures", "slow-payments", "basic-bug", "load-spike"),  # releases
        "too-many-connections",
    }


RELEASES = [path for path in VARIANTS if documents(path)[0]["kind"] == "Deployment"]


@pytest.mark.parametrize("path", RELEASES, ids=lambda p: p.stem)
def test_a_fault_has_exactly_the_field_paths_of_app_yaml_and_another_version(path):
    (fault,) = documents(path)
    original = app()[fault["kind"], fault["metadata"]["name"]]
    assert field_paths(fault) == field_paths(original)
    assert version(fault) != version(original)
    assert version(fault).endswith(path.stem)


@pytest.mark.parametrize("path", sorted({*VARIANTS} - {*RELEASES}), ids=lambda p: p.stem)
def test_a_fault_that_is_no_release_is_a_job_that_ends_by_itself_and_that_app_yaml_lacks(path):
    (fault,) = documents(path)
    assert (fault["kind"], fault["metadata"]["name"]) == ("Job", path.stem)
    assert not [name for _, name in app() if name == path.stem]
    assert fault["metadata"]["namespace"] == "ecommerce"
    assert (fault["spec"]["activeDeadlineSeconds"], fault["spec"]["backoffLimit"]) == (1500, 0)
    assert fault["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    assert version(fault).endswith(path.stem)


def test_the_spike_is_four_times_the_load():
    (spike,) = documents(MANIFESTS / "variants" / "load-spike.yaml")
    usual, many = (people(d) for d in (app()["Deployment", "load"], spike))
    assert many == {kind: 4 * number for kind, number in usual.items()}


def people(deployment: dict[str, Any]) -> dict[str, int]:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    kinds = ("BROWSERS", "CART_USERS", "PAYERS")
    return {e["name"]: int(e["value"]) for e in container["env"] if e["name"] in kinds}


def version(deployment: dict[str, Any]) -> str:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return next(e["value"] for e in container["env"] if e["name"] == "SERVICE_VERSION")


def deployments() -> list[dict[str, Any]]:
    return [d for d in app().values() if d["kind"] == "Deployment"]


def test_the_shop_is_whole():
    names = {d["metadata"]["name"] for d in deployments()}
    services = {"web-gateway", "api-gateway", "product", "cart", "checkout", "content", "payment"}
    stores = {"product-data", "cart-data", "cart-data-replica", "session-data", "session-data-replica"}
    assert names == services | stores | {"load"}
    assert {name for kind, name in app() if kind == "Service"} == services | stores


def test_the_namespace_opts_in():
    assert app()["Namespace", "ecommerce"]["metadata"]["labels"]["chaos.enabled"] == "true"


@pytest.mark.parametrize("deployment", deployments(), ids=lambda d: d["metadata"]["name"])
def test_a_deployment_is_as_a_cluster_with_the_restricted_profile_wants_it(deployment):
    pod = deployment["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert set(container["resources"]) == {"requests", "limits"}
        if container["name"] != "load":
            assert {"readinessProbe", "livenessProbe", "ports"} <= set(container)


@pytest.mark.parametrize(
    "service", [d for d in app().values() if d["kind"] == "Service"], ids=lambda d: d["metadata"]["name"]
)
def test_a_service_s_port_is_its_pods_port(service):
    deployment = app()["Deployment", service["metadata"]["name"]]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (port,) = service["spec"]["ports"]
    assert port["port"] == port["targetPort"] == container["ports"][0]["containerPort"]


def test_no_secret_is_written_in_plain_text():
    text = (MANIFESTS / "app.yaml").read_text()
    assert "stringData" not in text
    for deployment in deployments():
        for variable in deployment["spec"]["template"]["spec"]["containers"][0]["env"]:
            if "PASSWORD" in variable["name"] or variable["name"].endswith("_KEY"):
                assert "secretKeyRef" in variable["valueFrom"]
