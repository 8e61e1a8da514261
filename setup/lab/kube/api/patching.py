"""PATCH: merge, JSON, strategic merge, and server-side apply."""

from typing import Any

from aiohttp import web

from lab.kube.api.auth import check_write, require_verb
from lab.kube.api.read import shaped
from lab.kube.api.request import (
    Target,
    check_fields,
    check_identity,
    is_dry_run,
    manager_name,
    parse_body,
    unknown_fields,
)
from lab.kube.api.respond import answer
from lab.kube.codec import Decoder, copy
from lab.kube.errors import ApiError, Cause, bad_request, conflict, invalid
from lab.kube.patch.apply import apply
from lab.kube.patch.managed import tracker
from lab.kube.patch.merge import json_patch, merge_patch
from lab.kube.patch.strategic import strategic_merge
from lab.kube.schema import Field
from lab.kube.store import Store

APPLY = "application/apply-patch+yaml"
_FORMS = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    APPLY,
)


async def read_patch(request: web.Request) -> tuple[str, Any]:
    """Return a patch's media type and content; raises ApiError 415 for another type than the four."""
    form = request.headers.get("Content-Type", "").partition(";")[0].strip()
    if form not in _FORMS:
        accepted = ", ".join(_FORMS)
        message = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
        raise ApiError(415, "UnsupportedMediaType", message)
    return form, parse_body(await request.read(), form)


def patched(form: str, live: dict[str, Any], body: Any, schema: Field) -> dict[str, Any]:
    """Return live with a patch of this media type applied; raises ApiError 400, 422."""
    if form == "application/json-patch+json":
        return json_patch(copy(live), body)
    if not isinstance(body, dict):
        raise bad_request("json: cannot unmarshal array into Go value of type map[string]interface {}")
    if form == "application/merge-patch+json":
        result: dict[str, Any] = merge_patch(live, body)
        return result
    return strategic_merge(live, body, schema)


async def patch(request: web.Request, store: Store, target: Target) -> web.Response:
    """Patch an object or its status; server-side apply may create it."""
    form, body = await read_patch(request)
    if form == APPLY:
        return _apply(request, store, target, body)
    resource = target.resource
    live = store.get(resource.plural, target.namespace, target.name or "")
    changed = patched(form, live, body, resource.schema)
    try:
        new = check_identity(target, changed)
        check_fields(request, resource, new)
    except ApiError as error:
        text = error.message.partition(f"cannot be handled as a {resource.kind}: ")[2]
        if not text:
            raise
        raise invalid("", "", "", [Cause("patch", f"Invalid value: {body}: {text}")]) from None
    check_write(store, resource, new, live)
    track = tracker(resource, manager_name(request), target.subresource or "")
    updated = store.replace(resource.plural, new, target.subresource, track=track, dry_run=is_dry_run(request))
    return answer(request, shaped(request, resource, updated))


def apply_options(request: web.Request, target: Target) -> dict[str, Any]:
    """Return apply's manager, force and subresource; raises ApiError 422 without a manager."""
    name = request.query.get("fieldManager", "")
    if not name:
        cause = Cause("fieldManager", "Required value: is required for apply patch", "FieldValueRequired")
        raise invalid("PatchOptions", "meta.k8s.io", "", [cause])
    force = request.query.get("force", "") in ("1", "true", "True")
    return {"name": name, "force": force, "subresource": target.subresource or ""}


def _apply(request: web.Request, store: Store, target: Target, body: Any) -> web.Response:
    resource = target.resource
    options = apply_options(request, target)
    if not isinstance(body, dict) or not body.get("kind") or not body.get("apiVersion"):
        raise bad_request("Object 'Kind' or 'apiVersion' is missing in the applied configuration")
    config = check_identity(target, body)
    if config["metadata"].get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    unknown = unknown_fields(resource, config)
    if unknown:
        field = unknown[0].partition('"')[2].rstrip('"')
        where = f"{target.namespace or ''}/{target.name}; {resource.api_version}, Kind={resource.kind}"
        raise ApiError(
            500, "", f"failed to create typed patch object ({where}): .{field}: field not declared in schema"
        )
    config = Decoder(keep_empty=True).decode(config, resource.schema)
    live = store.find(resource.plural, target.namespace if resource.namespaced else None, target.name or "")
    if live is None and target.subresource:
        store.get(resource.plural, target.namespace, target.name or "")
    _check_versions(target, config, live)
    if live is None:
        # The patch makes the object: as in Kubernetes, that needs both verbs.
        require_verb(store, "create")
    new = apply(resource, live, config, **options)
    check_write(store, resource, new, live)
    dry_run = is_dry_run(request)
    if live is None:
        created = store.create(resource.plural, new, dry_run=dry_run)
        return answer(request, shaped(request, resource, created), 201)
    updated = store.replace(resource.plural, new, target.subresource, dry_run=dry_run)
    return answer(request, shaped(request, resource, updated))


def _check_versions(target: Target, config: dict[str, Any], live: dict[str, Any] | None) -> None:
    for field in ("resourceVersion", "uid"):
        wanted = config["metadata"].get(field)
        if wanted and (live is None or wanted != live["metadata"][field]):
            why = f"the object's {field} is not {wanted}; please apply your changes to the latest version"
            raise conflict(target.resource.plural, target.resource.group, target.name or "", why)
