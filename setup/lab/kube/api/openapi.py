"""OpenAPI v3, as far as kubectl reads it: the kinds, and that writes take dryRun and fieldValidation."""

import hashlib
from typing import Any

from aiohttp import web

from lab.kube.api.request import no_such_path
from lab.kube.api.respond import answer_object, encode
from lab.kube.resources import GROUP_VERSIONS, RESOURCES, Resource

_STRING = {"type": "string", "uniqueItems": True}
_WRITE_PARAMETERS = [
    {"name": name, "in": "query", "schema": _STRING} for name in ("dryRun", "fieldManager", "fieldValidation")
]
_FORCE = {"name": "force", "in": "query", "schema": {"type": "boolean", "uniqueItems": True}}
_PATCH_TYPES = (
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)


async def index(request: web.Request) -> web.Response:
    """Answer with where each group's document lies."""
    paths = {}
    for group, version in GROUP_VERSIONS:
        path = _path(group, version)
        digest = hashlib.sha256(encode(_document(group, version))).hexdigest()
        paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={digest}"}
    return answer_object(request, {"paths": paths})


async def document(request: web.Request) -> web.Response:
    """Answer with the document of one group and version."""
    for group, version in GROUP_VERSIONS:
        if _path(group, version) == request.match_info["path"]:
            return answer_object(request, _document(group, version))
    raise no_such_path()


async def version_2(request: web.Request) -> web.Response:
    """Answer with an OpenAPI v2 document without definitions: clients then leave validation to the server.

    kubectl asks for it, as protobuf only (gnostic's openapi.v2.Document), when it is given a List.
    """
    title, number = b"Kubernetes", b"v1.37.0"
    if "protobuf" in request.headers.get("Accept", ""):
        info = b"\x0a%c%b\x12%c%b" % (len(title), title, len(number), number)
        body = b"\x0a\x032.0\x12%c%b" % (len(info), info)
        return web.Response(
            body=body, content_type="application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
        )
    described = {"title": title.decode(), "version": number.decode()}
    return answer_object(request, {"swagger": "2.0", "info": described, "paths": {}, "definitions": {}})


def _path(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"


def _document(group: str, version: str) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for resource in RESOURCES:
        if (resource.group, resource.version) == (group, version):
            paths |= _resource_paths(resource)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.37.0"},
        "paths": paths,
        "components": {"schemas": {}},
    }


def _resource_paths(resource: Resource) -> dict[str, Any]:
    base = f"/{_path(resource.group, resource.version)}"
    if resource.namespaced:
        base += "/namespaces/{namespace}"
    collection = f"{base}/{resource.plural}"
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    return {
        collection: {
            "get": _operation("list", kind, []),
            "post": _operation("post", kind, _WRITE_PARAMETERS),
        },
        f"{collection}/{{name}}": {
            "get": _operation("get", kind, []),
            "put": _operation("put", kind, _WRITE_PARAMETERS),
            "patch": _operation("patch", kind, [*_WRITE_PARAMETERS, _FORCE])
            | {"requestBody": {"content": {form: {"schema": {}} for form in _PATCH_TYPES}}},
            "delete": _operation("delete", kind, _WRITE_PARAMETERS[:1]),
        },
    }


def _operation(action: str, kind: dict[str, str], parameters: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": kind,
        "parameters": parameters,
        "responses": {"200": {"description": "OK"}},
    }
