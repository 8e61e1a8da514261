"""The values that the API server fills in where a manifest is silent."""

import base64
from collections.abc import Callable
from typing import Any

from lab.kube.rules.pods import default_pod, default_template

Json = dict[str, Any]


def _deployment(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
    default_template(spec)


def _replica_set(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    default_template(spec)


def _job(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", 6)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    spec.setdefault("podReplacementPolicy", "TerminatingOrFailed")
    spec.setdefault("manualSelector", False)
    default_template(spec)
    uid = obj["metadata"]["uid"]
    if not spec["manualSelector"] and "selector" not in spec:
        labels = spec["template"].setdefault("metadata", {}).setdefault("labels", {})
        # The names without a prefix are the old ones, kept by Kubernetes for those who select by them.
        names = {"controller-uid": uid, "job-name": obj["metadata"]["name"]}
        labels |= names | {f"batch.kubernetes.io/{key}": value for key, value in names.items()}
        spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    if not spec["manualSelector"]:
        del spec["manualSelector"]


def _service(obj: Json) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("sessionAffinity", "None")
    kind = spec.setdefault("type", "ClusterIP")
    for port in spec.get("ports", ()):
        port.setdefault("protocol", "TCP")
        if port.get("port") and kind != "ExternalName":
            port.setdefault("targetPort", port["port"])
    if kind == "ExternalName":
        return
    spec.setdefault("internalTrafficPolicy", "Cluster")
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    if kind in ("NodePort", "LoadBalancer"):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if kind == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    obj.setdefault("status", {"loadBalancer": {}})


def _secret(obj: Json) -> None:
    obj.setdefault("type", "Opaque")
    for key, text in obj.pop("stringData", {}).items():
        obj.setdefault("data", {})[key] = base64.b64encode(text.encode()).decode()


def _namespace(obj: Json) -> None:
    name = obj["metadata"]["name"]
    obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = name
    obj.setdefault("spec", {"finalizers": ["kubernetes"]})
    obj.setdefault("status", {"phase": "Active"})


def _endpoints(obj: Json) -> None:
    for subset in obj.get("subsets", ()):
        for port in subset.get("ports", ()):
            port.setdefault("protocol", "TCP")


def _endpoint_slice(obj: Json) -> None:
    obj.setdefault("endpoints", [])
    for port in obj.get("ports", ()):
        port.setdefault("name", "")
        port.setdefault("protocol", "TCP")


def _role_binding(obj: Json) -> None:
    role = obj.get("roleRef", {})
    role["apiGroup"] = role.get("apiGroup") or "rbac.authorization.k8s.io"
    for subject in obj.get("subjects", ()):
        if subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", "rbac.authorization.k8s.io")


def _with_status(set_defaults: Callable[[Json], None]) -> Callable[[Json], None]:
    def complete(obj: Json) -> None:
        set_defaults(obj)
        obj.setdefault("status", {})

    return complete


DEFAULTS: dict[str, Callable[[Json], None]] = {
    "pods": default_pod,
    "deployments": _with_status(_deployment),
    "replicasets": _with_status(_replica_set),
    "jobs": _with_status(_job),
    "services": _service,
    "secrets": _secret,
    "namespaces": _namespace,
    "endpoints": _endpoints,
    "endpointslices": _endpoint_slice,
    "rolebindings": _role_binding,
    "clusterrolebindings": _role_binding,
}
