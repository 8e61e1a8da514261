"""POST serviceaccounts/NAME/token: a token for a ServiceAccount, signed and not stored."""

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from lab.kube import meta
from lab.kube.api.request import Target, check_fields, is_dry_run, read_object
from lab.kube.api.respond import answer_object
from lab.kube.auth.tokens import AUDIENCE, TokenKey, account_claims
from lab.kube.errors import bad_request, conflict, invalid, invalid_value
from lab.kube.schema import root
from lab.kube.store import Store

TOKEN_KEY: web.AppKey[TokenKey] = web.AppKey("token_key", TokenKey)
_API = "authentication.k8s.io/v1"
_SCHEMA = root("authentication.k8s.io", "v1", "TokenRequest")
_DEFAULT_SECONDS, _SHORTEST_SECONDS, _LONGEST_SECONDS = 3600, 600, 1 << 32
_BINDABLE = {"Pod": "pods", "Secret": "secrets", "Node": "nodes"}


async def token_request(request: web.Request, store: Store, target: Target) -> web.Response:
    """Answer with a token; raises ApiError 400, 404, 409 for an object of another uid, 422."""
    body = await read_object(request)
    check_fields(request, target.resource, body, _SCHEMA)
    account = store.get("serviceaccounts", target.namespace, target.name or "")
    spec = body.get("spec") or {}
    seconds = spec.get("expirationSeconds")
    seconds = _DEFAULT_SECONDS if seconds is None else int(seconds)
    _check_seconds(seconds)
    audiences = spec.get("audiences") or [AUDIENCE]
    bound = _bound(store, target.namespace or "", spec.get("boundObjectRef"))
    claims = account_claims(account, audiences, seconds, bound)
    token = "" if is_dry_run(request) else request.app[TOKEN_KEY].sign(claims)
    expires = datetime.fromtimestamp(claims["exp"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    created = {
        "kind": "TokenRequest",
        "apiVersion": _API,
        "metadata": {"name": target.name, "namespace": target.namespace, "creationTimestamp": meta.now()},
        "spec": {
            "audiences": audiences,
            "expirationSeconds": seconds,
            "boundObjectRef": spec.get("boundObjectRef"),
        },
        "status": {"token": token, "expirationTimestamp": expires},
    }
    return answer_object(request, created, 201)


def _check_seconds(seconds: int) -> None:
    why = ""
    if seconds < _SHORTEST_SECONDS:
        why = "may not specify a duration less than 10 minutes"
    elif seconds > _LONGEST_SECONDS:
        why = "may not specify a duration larger than 2^32 seconds"
    if why:
        causes = [invalid_value("spec.expirationSeconds", seconds, why)]
        raise invalid("TokenRequest", "authentication.k8s.io", "", causes)


def _bound(store: Store, namespace: str, reference: dict[str, Any] | None) -> tuple[str, dict[str, Any]] | None:
    """Return the kind and the object that the token shall not outlive."""
    if not reference:
        return None
    kind, version, name = reference.get("kind", ""), reference.get("apiVersion"), reference.get("name", "")
    plural = _BINDABLE.get(kind)
    if plural is None or version != "v1":
        raise bad_request(f"cannot bind token for serviceaccount to object {version}, Kind={kind}")
    obj = store.get(plural, None if kind == "Node" else namespace, name)
    uid = obj["metadata"]["uid"]
    if reference.get("uid", uid) != uid:
        text = f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record"
        why = f"{text}. The object might have been deleted and then recreated"
        raise conflict(plural, "", name, why)
    return kind, obj
