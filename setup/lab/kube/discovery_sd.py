"""Prometheus' HTTP service discovery, with the labels of its kubernetes_sd roles pod and service.

https://prometheus.io/docs/prometheus/latest/configuration/configuration/#kubernetes_sd_config
Debian builds Prometheus without Kubernetes discovery; with these targets the same relabelling does.
"""

import re
from typing import Any

from aiohttp import web

from lab.kube import meta
from lab.kube.store import Store

Json = dict[str, Any]
_PREFIX = "__meta_kubernetes_"


def routes(store: Store) -> list[web.RouteDef]:
    """Return the routes /sd/pods and /sd/services, for an application on loopback."""

    async def pods(_request: web.Request) -> web.Response:
        return web.json_response([target for pod in store.list("pods") for target in pod_targets(store, pod)])

    async def services(_request: web.Request) -> web.Response:
        return web.json_response(
            [one for service in store.list("services") for one in service_targets(service)]
        )

    return [web.get("/sd/pods", pods), web.get("/sd/services", services)]


def pod_targets(store: Store, pod: Json) -> list[Json]:
    """Return one target a container port, and one without a port for a container that declares none."""
    address = pod["status"].get("podIP")
    if not address:
        return []
    common = _pod_labels(store, pod)
    targets = []
    for field, is_init in (("containers", False), ("initContainers", True)):
        statuses = pod["status"].get("containerStatuses" if not is_init else "initContainerStatuses", [])
        for container in pod["spec"].get(field, []):
            status = next((one for one in statuses if one["name"] == container["name"]), {})
            labels = common | {
                f"{_PREFIX}pod_container_name": container["name"],
                f"{_PREFIX}pod_container_image": container["image"],
                f"{_PREFIX}pod_container_id": status.get("containerID", ""),
                f"{_PREFIX}pod_container_init": str(is_init).lower(),
            }
            targets += [_container_target(address, labels, port) for port in container.get("ports") or [None]]
    return targets


def _container_target(address: str, labels: dict[str, str], port: Json | None) -> Json:
    if port is None:
        return {"targets": [address], "labels": labels}
    described = {
        f"{_PREFIX}pod_container_port_name": port.get("name", ""),
        f"{_PREFIX}pod_container_port_number": str(port["containerPort"]),
        f"{_PREFIX}pod_container_port_protocol": port["protocol"],
    }
    return {"targets": [f"{address}:{port['containerPort']}"], "labels": labels | described}


def _pod_labels(store: Store, pod: Json) -> dict[str, str]:
    metadata, spec, status = pod["metadata"], pod["spec"], pod["status"]
    condition = meta.condition_of(pod, "Ready")
    labels = {
        "namespace": metadata["namespace"],
        "pod_name": metadata["name"],
        "pod_ip": status["podIP"],
        "pod_ready": condition["status"].lower() if condition else "unknown",
        "pod_phase": status.get("phase", ""),
        "pod_node_name": spec.get("nodeName", ""),
        "pod_host_ip": status.get("hostIP", ""),
        "pod_uid": metadata["uid"],
    }
    controller = meta.controller_of(pod)
    if controller:
        labels |= {"pod_controller_kind": controller["kind"], "pod_controller_name": controller["name"]}
        owner = meta.controller_of(store.by_uid(controller["uid"]) or {"metadata": {}})
        if owner and owner["kind"] == "Deployment":
            labels["pod_deployment_name"] = owner["name"]
    return {f"{_PREFIX}{name}": value for name, value in labels.items()} | _metadata_labels("pod", metadata)


def service_targets(service: Json) -> list[Json]:
    """Return one target a port of the Service."""
    metadata, spec = service["metadata"], service["spec"]
    host = f"{metadata['name']}.{metadata['namespace']}.svc"
    common = {
        "namespace": metadata["namespace"],
        "service_name": metadata["name"],
        "service_type": spec["type"],
    }
    if spec["type"] == "ExternalName":
        common["service_external_name"] = spec["externalName"]
    else:
        common["service_cluster_ip"] = spec["clusterIP"]
    labels = {f"{_PREFIX}{name}": value for name, value in common.items()} | _metadata_labels(
        "service", metadata
    )
    targets = []
    for port in spec.get("ports", []):
        described = {
            f"{_PREFIX}service_port_name": port.get("name", ""),
            f"{_PREFIX}service_port_number": str(port["port"]),
            f"{_PREFIX}service_port_protocol": port["protocol"],
        }
        targets.append({"targets": [f"{host}:{port['port']}"], "labels": labels | described})
    return targets


def _metadata_labels(role: str, metadata: Json) -> dict[str, str]:
    """Return an object's labels and annotations, each with the label that says that it is there."""
    found = {}
    for field, name in (("labels", "label"), ("annotations", "annotation")):
        for key, value in metadata.get(field, {}).items():
            clean = re.sub(r"[^a-zA-Z0-9_]", "_", key)
            found[f"{_PREFIX}{role}_{name}_{clean}"] = value
            found[f"{_PREFIX}{role}_{name}present_{clean}"] = "true"
    return found
