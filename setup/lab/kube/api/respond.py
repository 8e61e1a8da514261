"""Answers: JSON, YAML, tables for kubectl, metadata only; and errors as Status objects."""

import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from typing import Any

import yaml
from aiohttp import web

from lab.kube.errors import ApiError
from lab.kube.store import Versioned

log = logging.getLogger(__name__)
_warnings: ContextVar[list[str]] = ContextVar("warnings")
_FORMS = ("Table", "PartialObjectMetadata", "PartialObjectMetadataList")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def encode(obj: dict[str, Any]) -> bytes:
    """Return an object's JSON; that of a stored object is made once."""
    if not isinstance(obj, Versioned):
        return _dump(obj)
    try:
        return obj.encoded
    except AttributeError:
        obj.encoded = _dump(obj)
        return obj.encoded


def _dump(obj: Any) -> bytes:
    return json.dumps(obj, separators=(",", ":"), ensure_ascii=False).encode()


def encode_list(kind: str, api_version: str, metadata: dict[str, Any], items: list[dict[str, Any]]) -> bytes:
    """Return the JSON of a list."""
    head = _dump({"kind": f"{kind}List", "apiVersion": api_version, "metadata": metadata})
    return head[:-1] + b',"items":[' + b",".join(map(encode, items)) + b"]}"


def wanted_form(request: web.Request) -> str:
    """Return Table, PartialObjectMetadata(List), yaml or json: the first that we can give."""
    accept = request.headers.get("Accept", "*/*")
    for choice in accept.split(","):
        kind, *parameters = (part.strip() for part in choice.split(";"))
        options = dict(parameter.partition("=")[::2] for parameter in parameters)
        if kind == "application/yaml":
            return "yaml"
        if kind not in ("application/json", "*/*", "application/*"):
            continue
        form = options.get("as", "json")
        is_ours = options.get("g") == "meta.k8s.io" and options.get("v") == "v1"
        if form == "json" or (is_ours and form in _FORMS):
            return form
    accepted = "application/json, application/yaml"
    raise ApiError(406, "NotAcceptable", f"only the following media types are accepted: {accepted}")


def answer(request: web.Request, body: bytes, status: int = 200) -> web.Response:
    """Answer with JSON, or the same as YAML if that is what the client wants."""
    if request.headers.get("Accept", "").startswith("application/yaml"):
        text = yaml.safe_dump(json.loads(body), sort_keys=False)
        return web.Response(text=text, status=status, content_type="application/yaml")
    return web.Response(body=body, status=status, content_type="application/json")


def answer_object(request: web.Request, obj: dict[str, Any], status: int = 200) -> web.Response:
    """Answer with one object, as it is."""
    return answer(request, encode(obj), status)


def warn(texts: Iterable[str]) -> None:
    """Send warnings along with the answer to the request that is being handled."""
    _warnings.get().extend(texts)


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn errors into Status objects, and warnings into headers."""
    said: list[str] = []
    _warnings.set(said)
    try:
        response = await handler(request)
    except ApiError as error:
        response = web.Response(
            body=_dump(error.to_status()), status=error.code, content_type="application/json"
        )
    except web.HTTPException as error:
        reason = {404: "NotFound", 405: "MethodNotAllowed"}.get(error.status, "")
        status = ApiError(error.status, reason, error.reason).to_status()
        response = web.Response(body=_dump(status), status=error.status, content_type="application/json")
    except Exception as error:
        log.exception("%s %s failed", request.method, request.path)
        status = ApiError(500, "InternalError", f"Internal error occurred: {error}").to_status()
        response = web.Response(body=_dump(status), status=500, content_type="application/json")
    if not response.prepared:
        for warning in said:
            text = warning.replace("\\", "\\\\").replace('"', '\\"')
            response.headers.add("Warning", f'299 - "{text}"')
    return response
