"""Addresses and node ports of Services: given once, and kept."""

from collections.abc import Iterable
from ipaddress import IPv4Network
from typing import Any

from lab.kube.errors import ApiError, invalid, invalid_value

SERVICE_NETWORK = IPv4Network("10.96.0.0/16")
NODE_PORTS = range(30000, 32768)


def allocate(new: dict[str, Any], old: dict[str, Any] | None, services: Iterable[dict[str, Any]]) -> None:
    """Give the Service the cluster address and node ports that it needs and does not have, in place.

    Raises ApiError 422 for a node port that another Service holds.
    """
    spec = new["spec"]
    if spec["type"] == "ExternalName":
        for name in ("clusterIP", "clusterIPs"):
            spec.pop(name, None)
        return
    before = old["spec"] if old else {}
    others = [service["spec"] for service in services if service["metadata"]["uid"] != new["metadata"]["uid"]]
    if "clusterIP" not in spec:
        spec["clusterIP"] = before.get("clusterIP") or _free_address(others)
    spec["clusterIPs"] = [spec["clusterIP"]]
    if spec["type"] in ("NodePort", "LoadBalancer"):
        _allocate_node_ports(new["metadata"]["name"], spec, before, others)
    else:
        for port in spec.get("ports", ()):
            port.pop("nodePort", None)


def _free_address(others: list[dict[str, Any]]) -> str:
    taken = {spec.get("clusterIP") for spec in others}
    for address in SERVICE_NETWORK.hosts():
        # The first is the API server's own.
        if str(address) not in taken and address != SERVICE_NETWORK[1]:
            return str(address)
    raise ApiError(500, "InternalError", "failed to allocate a serviceIP: range is full")


def _allocate_node_ports(
    name: str, spec: dict[str, Any], before: dict[str, Any], others: list[dict[str, Any]]
) -> None:
    taken = {port.get("nodePort") for other in others for port in other.get("ports", ())}
    known = {(port["port"], port["protocol"]): port.get("nodePort") for port in before.get("ports", ())}
    clashes = [
        invalid_value(f"spec.ports[{index}].nodePort", port["nodePort"], "provided port is already allocated")
        for index, port in enumerate(spec.get("ports", ()))
        if port.get("nodePort") in taken and "nodePort" in port
    ]
    if clashes:
        raise invalid("Service", "", name, clashes)
    taken |= {port.get("nodePort") for port in spec.get("ports", ())}
    for port in spec.get("ports", ()):
        if "nodePort" in port:
            continue
        kept = known.get((port["port"], port["protocol"]))
        chosen = (
            kept
            if kept and kept not in taken
            else next((free for free in NODE_PORTS if free not in taken), None)
        )
        if chosen is None:
            raise ApiError(500, "InternalError", "failed to allocate a nodePort: range is full")
        port["nodePort"] = chosen
        taken.add(chosen)
