"""Validation of Services."""

from ipaddress import AddressValueError, IPv4Address
from typing import Any

from lab.kube.errors import Cause, duplicate, invalid_value, not_supported, required
from lab.kube.rules import names
from lab.kube.rules.pod_validation import check_port_number
from lab.kube.rules.services import NODE_PORTS

Json = dict[str, Any]
_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")


def check_service(new: Json, old: Json | None) -> list[Cause]:
    """Check a Service."""
    spec = new["spec"]
    if spec["type"] not in _TYPES:
        return [not_supported("spec.type", spec["type"], _TYPES)]
    causes = names.check_labels("spec.selector", spec.get("selector", {}))
    if spec["sessionAffinity"] not in ("ClientIP", "None"):
        causes.append(not_supported("spec.sessionAffinity", spec["sessionAffinity"], ("ClientIP", "None")))
    if spec["type"] == "ExternalName":
        return causes if spec.get("externalName") else [*causes, required("spec.externalName")]
    causes += _check_address(spec, old)
    return causes + _check_ports(spec)


def _check_address(spec: Json, old: Json | None) -> list[Cause]:
    address = spec["clusterIP"]
    before = old["spec"].get("clusterIP") if old else None
    if before and address != before and old and old["spec"]["type"] != "ExternalName":
        return [invalid_value("spec.clusterIPs[0]", [address], "may not change once set")]
    if address == "None":
        return []
    try:
        IPv4Address(address)
    except AddressValueError:
        why = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        return [invalid_value("spec.clusterIPs[0]", address, why)]
    return []


def _check_ports(spec: Json) -> list[Cause]:
    ports = spec.get("ports", [])
    if not ports and spec["clusterIP"] != "None":
        return [required("spec.ports")]
    causes = []
    seen_names: set[str] = set()
    seen_ports: set[tuple[int, str]] = set()
    for index, port in enumerate(ports):
        path = f"spec.ports[{index}]"
        name = port.get("name", "")
        if len(ports) > 1 and not name:
            causes.append(required(f"{path}.name"))
        elif name in seen_names:
            causes.append(duplicate(f"{path}.name", name))
        elif name:
            causes += names.check_label(f"{path}.name", name)
        seen_names.add(name)
        if not port.get("port"):
            causes.append(required(f"{path}.port"))
            continue
        causes += check_port_number(f"{path}.port", port["port"])
        identity = (port["port"], port["protocol"])
        if identity in seen_ports:
            causes.append(duplicate(path, {"port": port["port"], "protocol": port["protocol"]}))
        seen_ports.add(identity)
        causes += _check_targets(port, path)
    return causes


def _check_targets(port: Json, path: str) -> list[Cause]:
    causes = []
    if port["protocol"] not in ("SCTP", "TCP", "UDP"):
        causes.append(not_supported(f"{path}.protocol", port["protocol"], ("SCTP", "TCP", "UDP")))
    if isinstance(port["targetPort"], int):
        causes += check_port_number(f"{path}.targetPort", port["targetPort"])
    node_port = port.get("nodePort")
    if node_port is not None and node_port not in NODE_PORTS:
        span = f"{NODE_PORTS[0]}-{NODE_PORTS[-1]}"
        why = f"provided port is not in the valid range. The range of valid ports is {span}"
        causes.append(invalid_value(f"{path}.nodePort", node_port, why))
    return causes
