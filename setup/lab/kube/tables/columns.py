"""The columns of each kind, as `kubectl get` shows them; those with a priority only with -o wide."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.kube import meta
from lab.kube.tables import pods
from lab.kube.tables.text import age, created, human_duration, labels_text, selector_text

Json = dict[str, Any]
_SHOWN_ENDPOINTS = 3


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, and what it says of an object."""

    name: str
    cell: Callable[[Json], Any]
    priority: int = 0
    type: str = "string"


def _wide(name: str, cell: Callable[[Json], Any]) -> Column:
    return Column(name, cell, 1)


def _field(*path: str, absent: Any = "<none>") -> Callable[[Json], Any]:
    def cell(obj: Json) -> Any:
        value: Any = obj
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        return absent if value in (None, "") else value

    return cell


def _count(*path: str) -> Callable[[Json], int]:
    return _field(*path, absent=0)


def _containers(field: str) -> Callable[[Json], str]:
    return lambda obj: ",".join(one.get(field, "") for one in obj["spec"]["template"]["spec"]["containers"])


def _ports(service: Json) -> str:
    texts = []
    for port in service["spec"].get("ports", []):
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        texts.append(f"{port['port']}{node}/{port['protocol']}")
    return ",".join(texts) or "<none>"


def _external(service: Json) -> str:
    spec = service["spec"]
    if spec["type"] == "ExternalName":
        return str(spec["externalName"])
    if spec.get("externalIPs"):
        return ",".join(spec["externalIPs"])
    return "<pending>" if spec["type"] == "LoadBalancer" else "<none>"


def _node_status(node: Json) -> str:
    condition = meta.condition_of(node, "Ready")
    text = "Unknown" if condition is None else "Ready" if condition["status"] == "True" else "NotReady"
    return text + (",SchedulingDisabled" if node.get("spec", {}).get("unschedulable") else "")


def _node_roles(node: Json) -> str:
    prefix = "node-role.kubernetes.io/"
    roles = [key.removeprefix(prefix) for key in meta.labels_of(node) if key.startswith(prefix)]
    return ",".join(sorted(role for role in roles if role)) or "<none>"


def _node_address(kind: str) -> Callable[[Json], str]:
    def cell(node: Json) -> str:
        addresses = node.get("status", {}).get("addresses", [])
        return next((one["address"] for one in addresses if one["type"] == kind), "<none>")

    return cell


def _last_seen(event: Json) -> str:
    return age(event.get("lastTimestamp") or event.get("eventTime") or event.get("firstTimestamp"))


def _event_object(event: Json) -> str:
    involved = event.get("involvedObject", {})
    return f"{involved.get('kind', '').lower()}/{involved.get('name', '')}"


def _event_source(event: Json) -> str:
    source = event.get("source", {})
    component = source.get("component") or event.get("reportingComponent", "")
    return f"{component}, {source['host']}" if source.get("host") else component


def _job_status(job: Json) -> str:
    for kind, text in (("Complete", "Complete"), ("Failed", "Failed"), ("Suspended", "Suspended")):
        condition = meta.condition_of(job, kind)
        if condition and condition["status"] == "True":
            return text
    return "Terminating" if meta.is_deleting(job) else "Running"


def _completions(job: Json) -> str:
    done = job.get("status", {}).get("succeeded", 0)
    spec = job["spec"]
    if "completions" in spec:
        return f"{done}/{spec['completions']}"
    return f"{done}/1 of {spec['parallelism']}" if spec["parallelism"] > 1 else f"{done}/1"


def _job_duration(job: Json) -> str:
    status = job.get("status", {})
    if "startTime" not in status:
        return ""
    seconds = meta.age_seconds(status["startTime"])
    if "completionTime" in status:
        seconds -= meta.age_seconds(status["completionTime"])
    return human_duration(seconds)


def _endpoints(obj: Json) -> str:
    texts = []
    for subset in obj.get("subsets", []):
        for port in subset.get("ports", [None]):
            suffix = f":{port['port']}" if port else ""
            texts += [f"{one['ip']}{suffix}" for one in subset.get("addresses", [])]
    return _shortened(texts)


def _slice_endpoints(obj: Json) -> str:
    return _shortened([address for one in obj["endpoints"] for address in one["addresses"]])


def _shortened(texts: list[str]) -> str:
    more = f" + {len(texts) - _SHOWN_ENDPOINTS} more..." if len(texts) > _SHOWN_ENDPOINTS else ""
    return ",".join(texts[:_SHOWN_ENDPOINTS]) + more or "<none>"


def _slice_ports(obj: Json) -> str:
    return ",".join(str(port.get("port", "*")) for port in obj.get("ports", [])) or "<unset>"


def _subjects(kind: str) -> Callable[[Json], str]:
    def cell(binding: Json) -> str:
        subjects = [one for one in binding.get("subjects", []) if one.get("kind") == kind]
        return ", ".join("/".join(filter(None, (one.get("namespace"), one["name"]))) for one in subjects)

    return cell


def _role(binding: Json) -> str:
    return f"{binding['roleRef']['kind']}/{binding['roleRef']['name']}"


def _data_count(obj: Json) -> int:
    return len(obj.get("data", {})) + len(obj.get("binaryData", {}))


_NAME = Column("Name", _field("metadata", "name"))
_AGE = Column("Age", created)
_WORKLOAD = (
    _wide("Containers", _containers("name")),
    _wide("Images", _containers("image")),
    _wide("Selector", lambda obj: selector_text(obj["spec"].get("selector"))),
)
_CREATED_AT = Column("Created At", _field("metadata", "creationTimestamp"))
_BINDING = (
    _NAME,
    Column("Role", _role),
    _AGE,
    _wide("Users", _subjects("User")),
    _wide("Groups", _subjects("Group")),
    _wide("ServiceAccounts", _subjects("ServiceAccount")),
)
DEFAULT = (_NAME, _AGE)

COLUMNS: dict[str, tuple[Column, ...]] = {
    "pods": (
        _NAME,
        Column("Ready", pods.ready_containers),
        Column("Status", pods.status),
        Column("Restarts", pods.restarts),
        _AGE,
        _wide("IP", _field("status", "podIP")),
        _wide("Node", _field("spec", "nodeName")),
        _wide("Nominated Node", _field("status", "nominatedNodeName")),
        _wide("Readiness Gates", pods.readiness_gates),
    ),
    "deployments": (
        _NAME,
        Column("Ready", lambda obj: f"{_count('status', 'readyReplicas')(obj)}/{obj['spec']['replicas']}"),
        Column("Up-to-date", _count("status", "updatedReplicas"), type="integer"),
        Column("Available", _count("status", "availableReplicas"), type="integer"),
        _AGE,
        *_WORKLOAD,
    ),
    "replicasets": (
        _NAME,
        Column("Desired", _count("spec", "replicas"), type="integer"),
        Column("Current", _count("status", "replicas"), type="integer"),
        Column("Ready", _count("status", "readyReplicas"), type="integer"),
        _AGE,
        *_WORKLOAD,
    ),
    "jobs": (
        _NAME,
        Column("Status", _job_status),
        Column("Completions", _completions),
        Column("Duration", _job_duration),
        _AGE,
        *_WORKLOAD,
    ),
    "services": (
        _NAME,
        Column("Type", _field("spec", "type")),
        Column("Cluster-IP", _field("spec", "clusterIP")),
        Column("External-IP", _external),
        Column("Port(s)", _ports),
        _AGE,
        _wide("Selector", lambda obj: labels_text(obj["spec"].get("selector"))),
    ),
    "nodes": (
        _NAME,
        Column("Status", _node_status),
        Column("Roles", _node_roles),
        _AGE,
        Column("Version", _field("status", "nodeInfo", "kubeletVersion", absent="")),
        _wide("Internal-IP", _node_address("InternalIP")),
        _wide("External-IP", _node_address("ExternalIP")),
        _wide("OS-Image", _field("status", "nodeInfo", "osImage", absent="<unknown>")),
        _wide("Kernel-Version", _field("status", "nodeInfo", "kernelVersion", absent="<unknown>")),
        _wide("Container-Runtime", _field("status", "nodeInfo", "containerRuntimeVersion", absent="<unknown>")),
    ),
    "events": (
        Column("Last Seen", _last_seen),
        Column("Type", _field("type", absent="")),
        Column("Reason", _field("reason", absent="")),
        Column("Object", _event_object),
        _wide("Subobject", _field("involvedObject", "fieldPath", absent="")),
        _wide("Source", _event_source),
        Column("Message", lambda obj: str(obj.get("message", "")).strip()),
        _wide("First Seen", lambda obj: age(obj.get("firstTimestamp") or obj.get("eventTime"))),
        _wide("Count", _field("count", absent=1)),
        _wide("Name", _field("metadata", "name")),
    ),
    "namespaces": (_NAME, Column("Status", _field("status", "phase", absent="")), _AGE),
    "configmaps": (_NAME, Column("Data", _data_count, type="integer"), _AGE),
    "secrets": (_NAME, Column("Type", _field("type")), Column("Data", _data_count, type="integer"), _AGE),
    "serviceaccounts": (
        _NAME,
        Column("Secrets", lambda obj: len(obj.get("secrets", [])), type="integer"),
        _AGE,
    ),
    "endpoints": (_NAME, Column("Endpoints", _endpoints), _AGE),
    "endpointslices": (
        _NAME,
        Column("AddressType", _field("addressType")),
        Column("Ports", _slice_ports),
        Column("Endpoints", _slice_endpoints),
        _AGE,
    ),
    "leases": (_NAME, Column("Holder", _field("spec", "holderIdentity", absent="")), _AGE),
    "roles": (_NAME, _CREATED_AT),
    "clusterroles": (_NAME, _CREATED_AT),
    "rolebindings": _BINDING,
    "clusterrolebindings": _BINDING,
}
