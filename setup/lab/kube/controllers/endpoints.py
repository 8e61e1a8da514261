"""Endpoints and EndpointSlices: the addresses of the pods behind each Service."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from lab.kube import meta
from lab.kube.controllers.loop import Loop, controller_named, itself
from lab.kube.meta import Key
from lab.kube.store import Store
from lab.kube.watch import Change

Json = dict[str, Any]
_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
_SERVICE_NAME = "kubernetes.io/service-name"
_CONTROLLER = "endpointslice-controller.k8s.io"


async def run(store: Store) -> None:
    """Run until cancelled."""

    def services_of(change: Change) -> Iterable[Key]:
        pods = [pod for pod in (change.obj, change.old) if pod]
        if change.old and change.type == "MODIFIED" and _essence(change.obj) == _essence(change.old):
            return
        for service in store.list("services", change.obj["metadata"]["namespace"]):
            if any(_selects(service, pod) for pod in pods):
                yield meta.key_of(service)

    watches = {
        "services": itself,
        "pods": services_of,
        "endpoints": itself,
        "endpointslices": controller_named("Service"),
    }
    await Loop(store, partial(reconcile, store), watches).run()


def _essence(pod: Json) -> tuple[Any, ...]:
    status = pod["status"]
    node = pod["spec"].get("nodeName")
    return (
        meta.labels_of(pod),
        status.get("podIP"),
        status.get("phase"),
        node,
        meta.is_pod_ready(pod),
        meta.is_deleting(pod),
    )


def _selects(service: Json, pod: Json) -> bool:
    selector = service["spec"].get("selector")
    return bool(selector) and selector.items() <= meta.labels_of(pod).items()


def reconcile(store: Store, key: Key) -> None:
    """Write a Service's addresses; those of a Service without a selector are somebody else's."""
    service = store.find("services", *key)
    if service is None:
        # The EndpointSlice goes with its owner; Endpoints have none.
        present = store.find("endpoints", *key)
        if (
            present
            and _MANAGED_BY not in meta.labels_of(present)
            and "endpoints.kubernetes.io/managed-by" in meta.labels_of(present)
        ):
            store.delete("endpoints", *key)
        return
    if not service["spec"].get("selector") or meta.is_deleting(service):
        return
    pods = [
        pod
        for pod in store.list("pods", key[0])
        if _selects(service, pod) and pod["status"].get("podIP") and not meta.is_pod_finished(pod)
    ]
    _write_endpoints(store, service, pods)
    _write_slice(store, service, pods)


def _target(pod: Json) -> Json:
    metadata = pod["metadata"]
    return {"kind": "Pod", "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]}


def _ports(service: Json, pod: Json) -> list[Json]:
    """Return a Service's ports as a pod offers them: a target named by a container port is a number here."""
    ports = []
    for port in service["spec"].get("ports", []):
        number = _port_number(pod, port["targetPort"], port["protocol"])
        if number is not None:
            named = {"name": port["name"]} if port.get("name") else {}
            ports.append({**named, "port": number, "protocol": port["protocol"]})
    return ports


def _port_number(pod: Json, target: int | str, protocol: str) -> int | None:
    if isinstance(target, int):
        return target
    for container in pod["spec"]["containers"]:
        for port in container.get("ports", []):
            if port.get("name") == target and port["protocol"] == protocol:
                return int(port["containerPort"])
    return None


def _write_endpoints(store: Store, service: Json, pods: list[Json]) -> None:
    subsets: dict[str, Json] = {}
    is_published = service["spec"].get("publishNotReadyAddresses", False)
    for pod in pods:
        if meta.is_deleting(pod) and not is_published:
            continue
        ports = _ports(service, pod)
        subset = subsets.setdefault(repr(ports), {"ports": ports})
        field = "addresses" if is_published or meta.is_pod_ready(pod) else "notReadyAddresses"
        address = {"ip": pod["status"]["podIP"], "targetRef": _target(pod)}
        if pod["spec"].get("nodeName"):
            address["nodeName"] = pod["spec"]["nodeName"]
        subset.setdefault(field, []).append(address)
    metadata = service["metadata"]
    labels = meta.labels_of(service) | {"endpoints.kubernetes.io/managed-by": "endpoint-controller"}
    wanted = {
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "labels": labels},
        "subsets": [{field: value for field, value in one.items() if value} for one in subsets.values()],
    }
    if store.find("endpoints", *meta.key_of(service)) is None:
        store.create("endpoints", wanted)
        return

    def change(new: Json) -> None:
        new["metadata"]["labels"] = labels
        new["subsets"] = wanted["subsets"]

    store.mutate("endpoints", *meta.key_of(service), change)


def _write_slice(store: Store, service: Json, pods: list[Json]) -> None:
    metadata = service["metadata"]
    is_published = service["spec"].get("publishNotReadyAddresses", False)
    labels = meta.labels_of(service) | {_SERVICE_NAME: metadata["name"], _MANAGED_BY: _CONTROLLER}
    wanted = {
        "endpoints": [_endpoint(pod, is_published) for pod in pods],
        "ports": [{"name": "", **port} for port in _ports(service, pods[0])] if pods else [],
    }
    selector = f"{_SERVICE_NAME}={metadata['name']},{_MANAGED_BY}={_CONTROLLER}"
    present = [
        one
        for one in store.list("endpointslices", metadata["namespace"], selector)
        if meta.is_controlled_by(one, service)
    ]
    if not present:
        made = {
            "metadata": {
                "generateName": f"{metadata['name']}-",
                "namespace": metadata["namespace"],
                "labels": labels,
                "ownerReferences": [meta.owner_reference(service)],
            },
            "addressType": "IPv4",
        }
        store.create("endpointslices", made | wanted)
        return

    def change(new: Json) -> None:
        new["metadata"]["labels"] = labels
        new.update(wanted)

    store.mutate("endpointslices", *meta.key_of(present[0]), change)


def _endpoint(pod: Json, is_published: bool) -> Json:
    is_ready, is_going = meta.is_pod_ready(pod), meta.is_deleting(pod)
    endpoint: Json = {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {
            "ready": is_published or (is_ready and not is_going),
            "serving": is_ready,
            "terminating": is_going,
        },
        "targetRef": _target(pod),
    }
    if pod["spec"].get("nodeName"):
        endpoint["nodeName"] = pod["spec"]["nodeName"]
    return endpoint
