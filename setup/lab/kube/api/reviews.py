"""Questions about who somebody is and what they may do: objects that are answered and never stored."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from lab.kube.api.auth import current_user
from lab.kube.api.request import Target, check_fields, check_identity, read_object
from lab.kube.api.respond import answer_object
from lab.kube.auth.attributes import Attributes
from lab.kube.auth.authenticator import Authenticator
from lab.kube.auth.identity import User
from lab.kube.auth.rbac import Rule, authorize, one_text, rules_for
from lab.kube.auth.tokens import AUDIENCE
from lab.kube.errors import Cause, bad_request, invalid, required
from lab.kube.resources import REVIEWS, Resource
from lab.kube.store import Store

Json = dict[str, Any]
Answer = Callable[[User, Json, str], Json]
_ATTRIBUTES = ("verb", "group", "resource", "subresource", "namespace", "name")
_RESOURCE_FIELDS = ("verbs", "apiGroups", "resources", "resourceNames")
_PATH_FIELDS = ("verbs", "nonResourceURLs")


def routes(store: Store, authenticator: Authenticator) -> list[web.RouteDef]:
    """Return the routes of all reviews."""
    answers: dict[str, Answer] = {
        "SelfSubjectAccessReview": lambda user, spec, _: _access(store, user, "SelfSubjectAccessReview", spec),
        "SubjectAccessReview": lambda _user, spec, _: _access(store, None, "SubjectAccessReview", spec),
        "LocalSubjectAccessReview": lambda _user, spec, place: _local_access(store, spec, place),
        "SelfSubjectRulesReview": lambda user, spec, _: _rules(store, user, spec),
        "SelfSubjectReview": lambda user, _spec, _: {"userInfo": user.to_info()},
        "TokenReview": lambda _user, spec, _: _token(authenticator, spec),
    }
    return [_route(resource, answers[resource.kind]) for resource in REVIEWS]


def _route(resource: Resource, find: Answer) -> web.RouteDef:
    async def review(request: web.Request) -> web.Response:
        body = await read_object(request)
        check_fields(request, resource, body)
        namespace = request.match_info.get("namespace", "")
        obj = check_identity(Target(resource, namespace or None, None, None), body)
        spec = obj.get("spec") or {}
        given = {"spec": spec} if "spec" in obj else {}
        head = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": obj["metadata"]}
        return answer_object(request, head | given | {"status": find(current_user(), spec, namespace)}, 201)

    place = "namespaces/{namespace}/" if resource.namespaced else ""
    return web.post(f"/apis/{resource.api_version}/{place}{resource.plural}", review)


def _access(store: Store, user: User | None, kind: str, spec: Json) -> Json:
    on_resource, on_path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    causes = []
    if (on_resource is None) == (on_path is None):
        text = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        causes.append(Cause("spec.resourceAttributes", f"Invalid value: null: {text}"))
    if user is None and not spec.get("user") and not spec.get("groups"):
        causes.append(required("spec.user", "at least one of user or group must be specified"))
    if causes:
        raise invalid(kind, "authorization.k8s.io", "", causes)
    asked = on_resource or {}
    attributes = Attributes(**{field: asked.get(field, "") for field in _ATTRIBUTES})
    if on_path is not None:
        attributes = Attributes(on_path.get("verb", ""), on_path.get("path", ""))
    subject = user or User(spec.get("user", ""), spec.get("uid", ""), tuple(spec.get("groups", ())))
    decision = authorize(store, subject, attributes)
    return {"allowed": decision.allowed} | ({"reason": decision.reason} if decision.reason else {})


def _local_access(store: Store, spec: Json, namespace: str) -> Json:
    if (spec.get("resourceAttributes") or {}).get("namespace") != namespace:
        text = "spec.resourceAttributes.namespace must match namespace"
        raise bad_request(f"{text}: {namespace}")
    return _access(store, None, "LocalSubjectAccessReview", spec)


def _rules(store: Store, user: User, spec: Json) -> Json:
    if not spec.get("namespace"):
        raise bad_request("no namespace on request")
    errors: list[str] = []
    rules = [rule for _, rule in rules_for(store, user, spec["namespace"], errors)]
    status: Json = {
        "resourceRules": [_kept(rule, _RESOURCE_FIELDS) for rule in rules if rule.get("resources")],
        "nonResourceRules": [_kept(rule, _PATH_FIELDS) for rule in rules if rule.get("nonResourceURLs")],
        "incomplete": bool(errors),
    }
    return status | ({"evaluationError": one_text(errors)} if errors else {})


def _kept(rule: Rule, fields: tuple[str, ...]) -> Json:
    return {field: rule[field] for field in fields if rule.get(field)}


def _token(authenticator: Authenticator, spec: Json) -> Json:
    audiences = tuple(spec.get("audiences") or (AUDIENCE,))
    user = authenticator.user_of(spec.get("token", ""), audiences)
    if user is None:
        return {"user": {}, "error": "invalid bearer token"}
    return {"authenticated": True, "user": user.to_info(), "audiences": list(audiences)}
