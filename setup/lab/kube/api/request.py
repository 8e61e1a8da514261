"""What a request asks for: its target, its body, its options."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from aiohttp import web

from lab.kube.api.absent import check_served
from lab.kube.api.respond import warn
from lab.kube.codec import Decoder, TypeMismatchError
from lab.kube.errors import ApiError, Cause, bad_request, invalid, not_supported
from lab.kube.resources import BY_PLURAL, Resource
from lab.kube.schema import Field, protobuf

_VALIDATIONS = ("Ignore", "Strict", "Warn")
_MANAGER_LENGTH = 128
PROTOBUF = "application/vnd.kubernetes.protobuf"


@dataclass(frozen=True, slots=True)
class Target:
    """What a path names: a collection, or an object, or a part of one."""

    resource: Resource
    namespace: str | None
    name: str | None
    subresource: str | None


def no_such_path() -> ApiError:
    """Make the answer to a path that leads nowhere."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def no_such_method() -> ApiError:
    """Make the answer to a method that the resource does not have."""
    return ApiError(
        405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {}
    )


def parse_target(group: str, version: str, rest: str) -> Target:
    """Read the path below /api/v1 or /apis/group/version; raises ApiError 404, 501 (see absent.py)."""
    parts = [part for part in rest.split("/") if part]
    namespace = None
    if len(parts) > 2 and parts[0] == "namespaces" and parts[2] not in BY_PLURAL["namespaces"].subresources:  # noqa: PLR2004 - namespaces/NAME/plural
        namespace = parts[1]
        parts = parts[2:]
    resource = BY_PLURAL.get(parts[0]) if parts else None
    if len(parts) > 2:  # noqa: PLR2004 - plural/name/subresource
        check_served(parts[0], parts[2])
    name, subresource, *more = [*parts[1:], None, None][:3] if len(parts) <= 3 else [None, None, "more"]  # noqa: PLR2004 - plural/name/subresource
    if not resource or (resource.group, resource.version) != (group, version) or any(more):
        raise no_such_path()
    if (namespace and not resource.namespaced) or (subresource and subresource not in resource.subresources):
        raise no_such_path()
    return Target(resource, namespace, name, subresource)


def parse_body(text: bytes, content_type: str) -> Any:
    """Read JSON, YAML or protobuf; raises ApiError 415 for another form, 400 for what is not well formed."""
    kind = content_type.partition(";")[0].strip()
    try:
        if kind in ("application/yaml", "application/apply-patch+yaml"):
            return yaml.load(text, Loader=_YamlLoader)  # noqa: S506 - a SafeLoader that leaves times as text
        if kind in ("", "application/json", "*/*") or kind.endswith("+json"):
            return json.loads(text, object_pairs_hook=_object)
        if kind == PROTOBUF:
            return protobuf.decode(text)
    except (ValueError, yaml.YAMLError) as error:
        raise bad_request(f"the object provided is not well formed: {error}") from None
    accepted = f"application/json, application/yaml, {PROTOBUF}"
    message = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
    raise ApiError(415, "UnsupportedMediaType", message)


class _YamlLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as Kubernetes reads it: a time is text."""


_YamlLoader.yaml_implicit_resolvers = {
    sign: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for sign, resolvers in _YamlLoader.yaml_implicit_resolvers.items()
}


class _Ambiguous(dict[str, Any]):
    """A JSON object that has fields more than once: the last counts, unless the client is strict."""

    twice: tuple[str, ...] = ()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    names = [name for name, _ in pairs]
    ambiguous = _Ambiguous(found)
    ambiguous.twice = tuple(name for name in found if names.count(name) > 1)
    return ambiguous


def _duplicates(value: Any, path: str = "") -> Iterator[str]:
    """Yield the path of every field that a JSON body has more than once."""
    if isinstance(value, dict):
        inner = f"{path}." if path else ""
        if isinstance(value, _Ambiguous):
            yield from (f"{inner}{name}" for name in value.twice)
        for name, item in value.items():
            yield from _duplicates(item, f"{inner}{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _duplicates(item, f"{path}[{index}]")


async def read_object(request: web.Request) -> dict[str, Any]:
    """Return the request's body, which must be an object; raises ApiError 400, 415."""
    body = parse_body(await request.read(), request.headers.get("Content-Type", ""))
    if not isinstance(body, dict):
        raise bad_request("the body of the request must be an object")
    return body


def is_dry_run(request: web.Request) -> bool:
    """Tell whether nothing is to be stored; raises ApiError 422 for another value than All."""
    values = request.query.getall("dryRun", [])
    if set(values) - {"All", ""}:
        raise wrong_option(request, not_supported("dryRun", values, ("All",)))
    return "All" in values


def wrong_option(request: web.Request, cause: Cause) -> ApiError:
    """Make the answer to an option that a write does not have, in the form of CreateOptions and its like."""
    names = {"POST": "Create", "PUT": "Update", "PATCH": "Patch", "DELETE": "Delete"}
    return invalid(f"{names[request.method]}Options", "meta.k8s.io", "", [cause])


def whole_number(request: web.Request, name: str) -> int | None:
    """Return a number from the query, None when it is not given; raises ApiError 400 for what is none."""
    text = request.query.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise bad_request(f"{name}: Invalid value: {text!r}: must be a number greater than or equal to 0")
    return int(text)


def manager_name(request: web.Request) -> str:
    """Return who writes: the fieldManager asked for, or the first word of the User-Agent."""
    agent = request.headers.get("User-Agent", "unknown").partition("/")[0]
    return (request.query.get("fieldManager") or agent)[:_MANAGER_LENGTH]


def check_fields(
    request: web.Request, resource: Resource, obj: dict[str, Any], schema: Field | None = None
) -> None:
    """Check types and unknown fields, as fieldValidation asks: raises ApiError 400, 422, or notes warnings."""
    level = request.query.get("fieldValidation") or "Warn"
    if level not in _VALIDATIONS:
        raise wrong_option(request, not_supported("fieldValidation", level, _VALIDATIONS))
    problems = unknown_fields(resource, obj, schema)
    problems += [f'duplicate field "{path}"' for path in _duplicates(obj)]
    if not problems:
        return
    if level == "Strict":
        raise not_decodable(resource, f"strict decoding error: {', '.join(problems)}")
    if level == "Warn":
        warn(problems)


def unknown_fields(resource: Resource, obj: dict[str, Any], schema: Field | None = None) -> list[str]:
    """Return what to say of fields that the kind does not have; raises ApiError 400 for a wrong type."""
    decoder = Decoder()
    try:
        decoder.decode(obj, schema or resource.schema)
    except TypeMismatchError as error:
        raise not_decodable(resource, str(error)) from None
    return [f'unknown field "{path}"' for path in decoder.unknown]


def not_decodable(resource: Resource, why: str) -> ApiError:
    """Make the answer to a body that is no object of the kind."""
    return bad_request(
        f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {why}'
    )


def check_identity(target: Target, obj: dict[str, Any]) -> dict[str, Any]:
    """Return obj with the namespace of the request; raises ApiError 400 when the two disagree."""
    resource = target.resource
    version, kind = obj.get("apiVersion", resource.api_version), obj.get("kind", resource.kind)
    if (version, kind) != (resource.api_version, resource.kind):
        number = str(version).rpartition("/")[2]
        raise bad_request(
            f'{kind} in version "{number}" cannot be handled as a {resource.kind}: it is {version}, Kind={kind}'
        )
    metadata = obj.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise bad_request("metadata must be an object")
    namespace = metadata.get("namespace")
    if resource.namespaced and namespace not in (None, "", target.namespace):
        if target.name:
            raise bad_request(
                f"the namespace of the object ({namespace}) does not match the namespace on the request"
                f" ({target.namespace})"
            )
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if target.name and metadata.get("name") not in (None, target.name):
        name = metadata["name"]
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({target.name})")
    placed = {"namespace": target.namespace} if resource.namespaced else {}
    named = {"name": target.name} if target.name else {}
    return obj | {"metadata": {**metadata, **placed, **named}}
