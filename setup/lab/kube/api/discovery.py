"""Discovery: versions, groups, and what can be done with each resource."""

import platform
from typing import Any

from aiohttp import web

from lab.kube.api.request import no_such_path
from lab.kube.api.respond import answer_object
from lab.kube.resources import DISCOVERED, GROUP_VERSIONS, Resource

VERSION = "1.37"
_SCALE = {"group": "autoscaling", "version": "v1", "kind": "Scale"}
_SUBRESOURCE_KINDS: dict[str, dict[str, str]] = {
    "scale": _SCALE,
    "binding": {"kind": "Binding"},
    "token": {"group": "authentication.k8s.io", "version": "v1", "kind": "TokenRequest"},
    "eviction": {"group": "policy", "version": "v1", "kind": "Eviction"},
}
_SUBRESOURCE_VERBS = {
    "log": ["get"],
    "binding": ["create"],
    "eviction": ["create"],
    "finalize": ["update"],
    "token": ["create"],
}


async def version(request: web.Request) -> web.Response:
    """Answer with the version of Kubernetes whose behaviour this is."""
    major, minor = VERSION.split(".")
    answer = {
        "major": major,
        "minor": minor,
        "gitVersion": f"v{VERSION}.0+lab",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": platform.python_implementation(),
        "platform": f"linux/{platform.machine()}",
    }
    return answer_object(request, answer)


async def health(_request: web.Request) -> web.Response:
    """Answer that the server is up."""
    return web.Response(text="ok")


async def core_versions(request: web.Request) -> web.Response:
    """Answer with the versions of the core group."""
    address = {"clientCIDR": "0.0.0.0/0", "serverAddress": request.host}
    return answer_object(
        request, {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [address]}
    )


async def groups(request: web.Request) -> web.Response:
    """Answer with all named groups."""
    named = [_group(name, number) for name, number in GROUP_VERSIONS if name]
    return answer_object(request, {"kind": "APIGroupList", "apiVersion": "v1", "groups": named})


async def group(request: web.Request) -> web.Response:
    """Answer with one group."""
    for name, number in GROUP_VERSIONS:
        if name and name == request.match_info["group"]:
            return answer_object(request, {"kind": "APIGroup", "apiVersion": "v1", **_group(name, number)})
    raise no_such_path()


async def resources(request: web.Request) -> web.Response:
    """Answer with the resources of a group and version."""
    wanted = request.match_info.get("group", ""), request.match_info.get("version", "v1")
    if wanted not in GROUP_VERSIONS:
        raise no_such_path()
    group_version = "/".join(filter(None, wanted))
    entries = [
        entry
        for resource in DISCOVERED
        if (resource.group, resource.version) == wanted
        for entry in _entries(resource)
    ]
    document = {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": entries,
    }
    return answer_object(request, document)


def _group(name: str, number: str) -> dict[str, Any]:
    entry = {"groupVersion": f"{name}/{number}", "version": number}
    return {"name": name, "versions": [entry], "preferredVersion": entry}


def _entries(resource: Resource) -> list[dict[str, Any]]:
    main: dict[str, Any] = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        main["shortNames"] = list(resource.short_names)
    if resource.categories:
        main["categories"] = list(resource.categories)
    return [main] + [_part(resource, name) for name in resource.subresources]


def _part(resource: Resource, name: str) -> dict[str, Any]:
    kind = _SUBRESOURCE_KINDS.get(name, {"kind": resource.kind})
    verbs = _SUBRESOURCE_VERBS.get(name, ["get", "patch", "update"])
    return {
        "name": f"{resource.plural}/{name}",
        "singularName": "",
        "namespaced": resource.namespaced,
        **kind,
        "verbs": verbs,
    }
