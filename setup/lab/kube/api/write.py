"""POST, PUT and DELETE."""

from typing import Any

from aiohttp import web

from lab.kube.api.auth import check_write
from lab.kube.api.read import shaped
from lab.kube.api.request import (
    Target,
    check_fields,
    check_identity,
    is_dry_run,
    manager_name,
    no_such_method,
    parse_body,
    read_object,
    wrong_option,
)
from lab.kube.api.respond import answer, encode, encode_list, warn
from lab.kube.errors import bad_request, not_supported
from lab.kube.patch.managed import tracker
from lab.kube.resources import Resource
from lab.kube.selectors import compile_selectors
from lab.kube.store import Store

# Kinds whose deletion is answered with the object; for others it is a Status.
_RETURNED = frozenset({"pods", "services", "serviceaccounts"})
_ORPHANS = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them"
    " or set propagationPolicy=Orphan to suppress this warning"
)


async def create(request: web.Request, store: Store, target: Target) -> web.Response:
    """Store a new object."""
    resource = target.resource
    body = await read_object(request)
    check_fields(request, resource, body)
    obj = check_identity(target, body)
    check_write(store, resource, obj)
    obj["metadata"].pop("managedFields", None)
    track = tracker(resource, manager_name(request))
    created = store.create(resource.plural, obj, track=track, dry_run=is_dry_run(request))
    return answer(request, shaped(request, resource, created), 201)


async def update(request: web.Request, store: Store, target: Target) -> web.Response:
    """Replace an object, or its status."""
    resource = target.resource
    body = await read_object(request)
    check_fields(request, resource, body)
    obj = check_identity(target, body)
    check_write(store, resource, obj, store.find(resource.plural, target.namespace, target.name or ""))
    track = tracker(resource, manager_name(request), target.subresource or "")
    updated = store.replace(resource.plural, obj, target.subresource, track=track, dry_run=is_dry_run(request))
    return answer(request, shaped(request, resource, updated))


async def delete_options(request: web.Request) -> dict[str, Any]:
    """Return Store.delete's options, from the body or the query; raises ApiError 400, 415, 422."""
    text = await request.read()
    body = parse_body(text, request.headers.get("Content-Type", "")) if text else {}
    if not isinstance(body, dict):
        raise bad_request("the body of the request must be an object")
    query = request.query
    grace = body.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
    propagation = body.get("propagationPolicy") or query.get("propagationPolicy")
    orphan = body.get("orphanDependents")
    if propagation is None and orphan is not None:
        propagation = "Orphan" if orphan else "Background"
    if propagation not in (None, "Background", "Foreground", "Orphan"):
        supported = ("Foreground", "Background", "Orphan", "nil")
        raise wrong_option(request, not_supported("propagationPolicy", propagation, supported))
    preconditions = body.get("preconditions") or {}
    try:
        seconds = None if grace is None else int(grace)
    except (TypeError, ValueError):
        raise bad_request(f"gracePeriodSeconds: Invalid value: {grace!r}: must be a number") from None
    return {
        "grace_period_seconds": seconds,
        "propagation": propagation,
        "uid": preconditions.get("uid"),
        "resource_version": preconditions.get("resourceVersion"),
        "dry_run": is_dry_run(request) or "All" in (body.get("dryRun") or ()),
    }


async def delete(request: web.Request, store: Store, target: Target) -> web.Response:
    """Delete an object, or begin to."""
    options = await delete_options(request)
    plural, name = target.resource.plural, target.name or ""
    if plural == "jobs" and options["propagation"] is None:
        warn([_ORPHANS])
    last = store.delete(plural, target.namespace, name, **options)
    if plural in _RETURNED or store.find(plural, target.namespace, name) is last:
        return answer(request, shaped(request, target.resource, last))
    return answer(request, encode(deleted_status(target.resource, last)))


def deleted_status(resource: Resource, obj: dict[str, Any]) -> dict[str, Any]:
    """Return the Status that says that an object is gone."""
    details = {"name": obj["metadata"]["name"], "kind": resource.plural, "uid": obj["metadata"]["uid"]}
    if resource.group:
        details["group"] = resource.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


async def delete_collection(request: web.Request, store: Store, target: Target) -> web.Response:
    """Delete all objects that match; the answer lists them."""
    resource, query = target.resource, request.query
    if "deletecollection" not in resource.verbs:
        raise no_such_method()
    options = await delete_options(request)
    fields = query.get("fieldSelector", "")
    matches = compile_selectors(resource.plural, target.namespace, query.get("labelSelector", ""), fields)
    deleted = []
    for obj in [obj for obj in store.list(resource.plural) if matches(obj)]:
        metadata = obj["metadata"]
        deleted.append(store.delete(resource.plural, metadata.get("namespace"), metadata["name"], **options))
    listed = encode_list(resource.kind, resource.api_version, {"resourceVersion": str(store.version)}, deleted)
    return answer(request, listed)
