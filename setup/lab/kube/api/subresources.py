"""The parts of objects that have a life of their own: scale, binding, eviction, finalize."""

from typing import Any

from aiohttp import web

from lab.kube import meta
from lab.kube.api.patching import APPLY, apply_options, patched, read_patch
from lab.kube.api.request import Target, check_identity, is_dry_run, manager_name, read_object, unknown_fields
from lab.kube.api.respond import answer_object
from lab.kube.errors import bad_request
from lab.kube.patch.apply import apply
from lab.kube.patch.managed import tracker
from lab.kube.schema import root
from lab.kube.store import Store

_SCALE = root("autoscaling", "v1", "Scale")


def scale_of(obj: dict[str, Any]) -> dict[str, Any]:
    """Return the Scale of a Deployment or ReplicaSet."""
    metadata = obj["metadata"]
    labels = obj["spec"]["selector"].get("matchLabels", {})
    status: dict[str, Any] = {"replicas": obj.get("status", {}).get("replicas", 0)}
    if labels:
        status["selector"] = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    names = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: metadata[name] for name in names if name in metadata},
        "spec": {"replicas": obj["spec"]["replicas"]},
        "status": status,
    }


async def scale(request: web.Request, store: Store, target: Target) -> web.Response:
    """Answer GET, PUT and PATCH of a Scale."""
    plural, resource = target.resource.plural, target.resource
    if request.method == "GET":
        return answer_object(request, scale_of(store.get(plural, target.namespace, target.name or "")))
    if request.method == "PUT":
        form, body = "", await read_object(request)
    else:
        form, body = await read_patch(request)
    live = store.get(plural, target.namespace, target.name or "")
    wanted = body if form in ("", APPLY) else patched(form, scale_of(live), body, _SCALE)
    version = wanted.get("metadata", {}).get("resourceVersion")
    unknown_fields(resource, wanted, _SCALE)
    replicas = wanted.get("spec", {}).get("replicas", 0)
    if form == APPLY:
        config = {"apiVersion": resource.api_version, "kind": resource.kind, "spec": {"replicas": replicas}}
        new = apply(resource, live, check_identity(target, config), **apply_options(request, target))
        track = None
    else:
        new = live | {"spec": live["spec"] | {"replicas": replicas}}
        track = tracker(resource, manager_name(request), "scale")
    if version:
        new = new | {"metadata": new["metadata"] | {"resourceVersion": version}}
    updated = store.replace(plural, new, track=track, dry_run=is_dry_run(request))
    return answer_object(request, scale_of(updated))


def bind(store: Store, namespace: str, name: str, node: str) -> None:
    """Say on which node a pod runs; raises ApiError 404."""

    def change(pod: dict[str, Any]) -> None:
        pod["spec"]["nodeName"] = node
        conditions = [one for one in pod["status"].get("conditions", []) if one["type"] != "PodScheduled"]
        scheduled = {
            "type": "PodScheduled",
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": meta.now(),
        }
        pod["status"]["conditions"] = [*conditions, scheduled]

    store.mutate("pods", namespace, name, change, "binding")


async def binding(request: web.Request, store: Store, target: Target) -> web.Response:
    """Bind a pod to a node."""
    body = await read_object(request)
    node = (body.get("target") or {}).get("name")
    if not node:
        raise bad_request("target.name: Required value")
    bind(store, target.namespace or "", target.name or "", node)
    return answer_object(
        request, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}, 201
    )


async def eviction(request: web.Request, store: Store, target: Target) -> web.Response:
    """Evict a pod: there are no disruption budgets here, so it is deleted."""
    body = await read_object(request)
    options = body.get("deleteOptions") or {}
    store.delete(
        "pods",
        target.namespace,
        target.name or "",
        grace_period_seconds=options.get("gracePeriodSeconds"),
        dry_run=is_dry_run(request) or "All" in (options.get("dryRun") or ()),
    )
    return answer_object(
        request, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}, 201
    )
