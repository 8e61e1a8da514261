"""The manifests of every environment, checked as far as that goes without a cluster."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from packaging.version import Version

from chaosext.environment import environments

from ..minors import NEWEST

ROOT = Path(__file__).parents[2]
KIND = ROOT / "setup" / "kind"
GKE = ROOT / "setup" / "gke"
MANIFESTS = ROOT / "manifests"
OBSERVABILITY = MANIFESTS / "observability"
ENVIRONMENTS = environments(MANIFESTS / "windows.yaml")
KUBECTL = Path(sys.executable).parent / "kubectl"
DOCUMENTED = json.loads((Path(__file__).parent / "k8s-monitoring-4.4.0.json").read_text())

# What a container may lack of the policy, and why.
EXCEPTIONS = {
    ("lgtm", "non-root"): "the image starts its five programs as root, and is for trying things out",
    ("lgtm", "read-only"): "they write beside themselves",
    ("load", "liveness"): "Locust that hangs shows as absent traffic, and a restart would hide it",
    ("too-many-connections", "readiness"): "a Job, and nobody's server",
    ("too-many-connections", "liveness"): "a Job that ends by its deadline",
    ("k6", "readiness"): "a Job, and nobody's server",
    ("k6", "liveness"): "a Job that ends by itself",
    ("gameday", "readiness"): "a Job, and nobody's server",
    ("gameday", "liveness"): "a Job that ends by its deadline",
    ("heal", "readiness"): "an init container, which has no probes",
    ("heal", "liveness"): "an init container, which has no probes",
    ("reports", "readiness"): "shown by port-forward to one person for an hour",
    ("reports", "liveness"): "shown by port-forward to one person for an hour",
}


def documents(path: Path) -> list[dict[str, Any]]:
    return [d for d in yaml.safe_load_all(path.read_text()) if d]


def yaml_files() -> list[Path]:
    """Every YAML file of the repository's manifests, of kind and of GKE, but for what `up` writes."""
    found = [path for folder in (MANIFESTS, KIND, GKE) for path in folder.rglob("*.yaml")]
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(ROOT).parts))


# Those that hold no Kubernetes objects, and whose they are; every other file must.
OTHERS = {
    "manifests/architecture.yaml": "ours",
    "manifests/windows.yaml": "ours",
    "manifests/slo.yaml": "OpenSLO's",
    "manifests/observability/alertmanager.yaml": "Alertmanager's",
    "manifests/observability/alerts.yaml": "ours, for the rules",
    "manifests/observability/blackbox.yaml": "the blackbox exporter's",
    "manifests/observability/loki-rules.yaml": "Loki's",
    "manifests/observability/scrape.yaml": "Prometheus'",
    **{f"manifests/observability/rules/{name}/slo.yaml": "Prometheus'" for name in ENVIRONMENTS},
    "setup/gke/k8s-monitoring.yaml": "the chart's values",
    "setup/kind/cluster.yaml": "kind's",
    "setup/kind/k8s-monitoring.yaml": "the chart's values",
    "setup/kind/monitoring/datasources.yaml": "Grafana's",
    "setup/kind/monitoring/kustomization.yaml": "kustomize's",
    "setup/kind/monitoring/loki-config.yaml": "Loki's",
    "setup/kind/monitoring/prometheus.yaml": "Prometheus'",
}
FILES = [path for path in yaml_files() if path.relative_to(ROOT).as_posix() not in OTHERS]
# Kinds that the older of the minors do not know yet in this version.
SINCE = {"MutatingAdmissionPolicy": "1.36", "MutatingAdmissionPolicyBinding": "1.36"}


def built() -> list[dict[str, Any]]:
    """What kustomize makes of the folder monitoring."""
    words = ["kustomize", "--load-restrictor=LoadRestrictionsNone", str(KIND / "monitoring")]
    done = subprocess.run([KUBECTL, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture(scope="module")
def monitoring() -> list[dict[str, Any]]:
    return built()


def containers() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield (kind of the object, pod spec, container) of every container in the files."""
    for path in FILES:
        for document in documents(path):
            spec = document.get("spec") or {}
            spec = (spec.get("jobTemplate") or {}).get("spec") or spec
            pod = spec if document["kind"] == "Pod" else (spec.get("template") or {}).get("spec") or {}
            for container in [*pod.get("initContainers", []), *pod.get("containers", [])]:
                yield path.stem, pod, container


def lacks(pod: dict[str, Any], container: dict[str, Any]) -> set[str]:
    """Return what of the policy a container lacks."""
    security = {**(pod.get("securityContext") or {}), **(container.get("securityContext") or {})}
    resources = container.get("resources") or {}
    wanted = {
        "non-root": security.get("runAsNonRoot") is True and security.get("runAsUser", 0) > 0,
        "read-only": security.get("readOnlyRootFilesystem") is True,
        "no escalation": security.get("allowPrivilegeEscalation") is False and not security.get("privileged"),
        "no capabilities": (security.get("capabilities") or {}) == {"drop": ["ALL"]},
        "seccomp": security.get("seccompProfile") == {"type": "RuntimeDefault"},
        "limits": {*(resources.get("limits") or {})} == {"cpu", "memory"},
        "requests": {*(resources.get("requests") or {})} == {"cpu", "memory"},
        "readiness": "readinessProbe" in container,
        "liveness": "livenessProbe" in container,
        "a tag": re.fullmatch(r"[^:]+:(?!latest)[\w.-]*\d[\w.-]*(@sha256:[0-9a-f]{64})?", container["image"]),
        "pull policy": container.get("imagePullPolicy") == "IfNotPresent",
        "a token only on purpose": pod.get("automountServiceAccountToken") is False
        or pod.get("serviceAccountName"),
    }
    return {name for name, met in wanted.items() if not met}


@pytest.mark.parametrize("minor", NEWEST)
def test_every_object_is_valid_for_the_newest_kubernetes(minor, monitoring):
    objects = [d for path in FILES if path.parent.name != "monitoring" for d in documents(path)]
    assert len(objects) > 30
    for document in [*objects, *monitoring]:
        if Version(minor) >= Version(SINCE.get(document["kind"], minor)):
            kubernetes_validate.validate(document, minor, strict=True)


def test_every_file_holds_objects_or_is_said_not_to():
    names = {path.relative_to(ROOT).as_posix() for path in yaml_files()}
    assert OTHERS.keys() <= names
    wanted = {"apiVersion", "kind", "metadata"}
    odd = [p for p in FILES if not documents(p) or not all(wanted <= d.keys() for d in documents(p))]
    assert odd == [], "neither Kubernetes objects nor in OTHERS"


def test_a_kind_that_is_too_new_for_some_minor_is_tried_with_the_others():
    assert all(Version(since) <= Version(NEWEST[-1]) for since in SINCE.values())
    kinds = {d["kind"] for path in FILES for d in documents(path)}
    assert SINCE.keys() <= kinds


def test_the_three_newest_minors_are_those_of_kind_and_around_it():
    assert len(NEWEST) == 3
    (node,) = yaml.safe_load((KIND / "cluster.yaml").read_text())["nodes"]
    image = re.fullmatch(r"kindest/node:v(\d+\.\d+)\.\d+@sha256:[0-9a-f]{64}", node["image"])
    assert image[1] in NEWEST


def test_every_container_keeps_the_policy_or_says_why_not():
    found = {(c["name"], what) for _, pod, c in containers() for what in lacks(pod, c)}
    assert found == EXCEPTIONS.keys()


def test_the_policy_is_about_every_container():
    names = {c["name"] for _, _, c in containers()}
    assert {"web-gateway", "product-data", "load", "k6", "lgtm", "alertmanager", "redis-exporter"} <= names


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"image": "redis"}, "a tag"),
        ({"image": "redis:latest"}, "a tag"),
        ({"resources": {}}, "limits"),
        ({"securityContext": {"runAsUser": 0}}, "non-root"),
    ],
)
def test_the_policy_sees_what_breaks_it(change, what):
    _, pod, container = next(containers())
    assert what in lacks(pod, container | change)


def test_services_have_pods_and_ports_that_are_there(monitoring):
    pods = {d["metadata"]["name"]: d["spec"]["template"] for d in monitoring if d["kind"] == "Deployment"}
    services = [d for d in monitoring if d["kind"] == "Service"]
    assert {s["metadata"]["name"] for s in services} == pods.keys()
    for service in services:
        template = pods[service["metadata"]["name"]]
        assert service["spec"]["selector"].items() <= template["metadata"]["labels"].items()
        ports = {p["name"]: p["containerPort"] for c in template["spec"]["containers"] for p in c["ports"]}
        assert {p["targetPort"]: p["port"] for p in service["spec"]["ports"]} == ports


def test_every_configuration_that_a_pod_mounts_is_made(monitoring):
    made = {d["metadata"]["name"] for d in monitoring if d["kind"] == "ConfigMap"}
    asked = {
        volume["configMap"]["name"]
        for d in monitoring
        if d["kind"] == "Deployment"
        for volume in d["spec"]["template"]["spec"].get("volumes", [])
        if "configMap" in volume
    }
    assert asked == made


def test_ports_of_this_machine_lead_to_node_ports(monitoring):
    (node,) = yaml.safe_load((KIND / "cluster.yaml").read_text())["nodes"]
    mapped = {m["containerPort"] for m in node["extraPortMappings"]}
    every = [*monitoring, *documents(MANIFESTS / "app.yaml")]
    ports = {
        p["nodePort"] for d in every if d["kind"] == "Service" for p in d["spec"]["ports"] if "nodePort" in p
    }
    assert mapped == ports
    assert {m["listenAddress"] for m in node["extraPortMappings"]} == {"127.0.0.1"}


# What the programs themselves say of their configuration.


def check(*words: str | Path) -> None:
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_alertmanager_takes_its_configuration():
    check("amtool", "check-config", OBSERVABILITY / "alertmanager.yaml")


def test_the_blackbox_exporter_takes_its_configuration():
    check("prometheus-blackbox-exporter", "--config.check", f"--config.file={OBSERVABILITY / 'blackbox.yaml'}")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_prometheus_takes_the_rules(environment):
    check("promtool", "check", "rules", OBSERVABILITY / "rules" / environment / "slo.yaml")


def test_prometheus_takes_its_configuration(tmp_path):
    """Debian's is built without Kubernetes' discovery, which another one stands for here."""
    configuration = yaml.safe_load((KIND / "monitoring" / "prometheus.yaml").read_text())
    for job in configuration["scrape_configs"]:
        assert job.pop("kubernetes_sd_configs") == [{"role": "service", "namespaces": {"names": ["ecommerce"]}}]
        job["http_sd_configs"] = [{"url": "http://127.0.0.1:1/"}]
    configuration["rule_files"] = [str(OBSERVABILITY / "rules" / "kind" / "*.yaml")]
    path = tmp_path / "prometheus.yaml"
    path.write_text(yaml.safe_dump(configuration))
    check("promtool", "check", "config", path)


def test_the_committed_configuration_is_what_its_generator_writes():
    words = "import runpy, sys; sys.stdout.write(runpy.run_path(sys.argv[1])['render']())"
    done = subprocess.run(
        [sys.executable, "-c", words, KIND / "prometheus.py"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (KIND / "monitoring" / "prometheus.yaml").read_text() == done.stdout


def test_lokis_ruler_reads_where_the_rules_are_mounted(monitoring):
    ruler = yaml.safe_load((KIND / "monitoring" / "loki-config.yaml").read_text())["ruler"]
    (lgtm,) = [d for d in monitoring if (d["kind"], d["metadata"]["name"]) == ("Deployment", "lgtm")]
    (container,) = lgtm["spec"]["template"]["spec"]["containers"]
    mounts = {m["name"]: m["mountPath"] for m in container["volumeMounts"]}
    assert mounts["loki-rules"] == ruler["storage"]["local"]["directory"] + "/fake"


# The chart's values: unknown keys, and words of another type, against the chart's own schema and defaults.


def unknown(values: Any, known: Any, path: str = "") -> list[str]:
    """Return the paths of values that the documented keys lack; null stands for keys of the user's choice."""
    if known is None or not isinstance(values, dict):
        return []
    if not isinstance(known, dict):
        return [path]
    wrong = []
    for key, value in values.items():
        if "*" in known:
            wrong += unknown(value, known["*"], f"{path}.{key}")
        elif key in known:
            wrong += unknown(value, known[key], f"{path}.{key}")
        else:
            wrong.append(f"{path}.{key}")
    return wrong


def values() -> dict[str, Any]:
    return yaml.safe_load((KIND / "k8s-monitoring.yaml").read_text())


def test_the_chart_documents_every_value():
    assert unknown(values(), DOCUMENTED["values"]) == []


def test_a_value_that_the_chart_does_not_know_is_seen():
    wrong = values()
    wrong["podLogsViaLoki"]["namespace"] = ["ecommerce"]
    wrong["collectors"]["alloy-logs"]["preset"] = []
    assert unknown(wrong, DOCUMENTED["values"]) == [
        ".podLogsViaLoki.namespace",
        ".collectors.alloy-logs.preset",
    ]


def test_every_collector_is_there_with_presets_that_the_chart_has():
    features = [v for v in values().values() if isinstance(v, dict) and v.get("enabled") is True]
    assert {f["collector"] for f in features} == values()["collectors"].keys()
    presets = {preset for c in values()["collectors"].values() for preset in c["presets"]}
    assert presets <= {*DOCUMENTED["presets"]}
    assert {d["type"] for d in values()["destinations"].values()} <= {*DOCUMENTED["destinations"]}


def test_the_script_installs_the_version_whose_keys_these_are():
    assert f"CHART={DOCUMENTED['version']}\n" in (KIND / "monitoring-up").read_text()


def test_pods_send_their_spans_to_the_collector_that_receives_them():
    (telemetry,) = documents(KIND / "telemetry.yaml")
    endpoint = telemetry["data"]["OTEL_EXPORTER_OTLP_ENDPOINT"]
    assert endpoint == "http://k8s-monitoring-alloy-receiver.monitoring.svc.cluster.local:4318"
    assert values()["applicationObservability"]["collector"] == "alloy-receiver"
    assert values()["applicationObservability"]["receivers"]["otlp"]["http"]["enabled"] is True
