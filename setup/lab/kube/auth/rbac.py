"""Role-based access control, as Kubernetes' RBAC authorizer decides: what no rule allows is forbidden."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lab.kube.auth.attributes import Attributes
from lab.kube.auth.identity import MASTERS, User, account_name
from lab.kube.errors import ApiError, forbidden, qualified
from lab.kube.store import Store

GROUP = "rbac.authorization.k8s.io"
Rule = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether somebody may do something, and which binding says so, or what stood in the way of knowing."""

    allowed: bool
    reason: str = ""


def authorize(store: Store, user: User, attributes: Attributes) -> Decision:
    """Decide about one request."""
    if MASTERS in user.groups:
        return Decision(True)
    errors: list[str] = []
    for source, rule in rules_for(store, user, attributes.namespace, errors):
        if allows(rule, attributes):
            return Decision(True, f"RBAC: allowed by {source}")
    return Decision(False, f"RBAC: {one_text(errors)}" if errors else "")


def require(store: Store, user: User, attributes: Attributes) -> None:
    """Raise ApiError 403, in Kubernetes' words, unless the user may do this."""
    decision = authorize(store, user, attributes)
    if not decision.allowed:
        raise refusal(user, attributes, decision.reason)


def one_text(errors: list[str]) -> str:
    """Write several errors as Go's aggregate does."""
    different = list(dict.fromkeys(errors))
    return different[0] if len(different) == 1 else f"[{', '.join(different)}]"


def rules_for(store: Store, user: User, namespace: str, errors: list[str]) -> Iterator[tuple[str, Rule]]:
    """Yield each rule that applies to a user in a namespace (empty: cluster-wide), after who grants it.

    Bindings to roles that do not exist are noted in errors.
    """
    bindings = store.list("clusterrolebindings")
    if namespace:
        bindings = bindings + store.list("rolebindings", namespace)
    for binding in bindings:
        place = binding["metadata"].get("namespace", "")
        subject = next((one for one in binding.get("subjects", ()) if _is_meant(one, user, place)), None)
        if subject is None:
            continue
        role = binding["roleRef"]
        rules = role_rules(store, role, place, errors)
        source = _describe(binding, role, subject, place)
        for rule in rules:
            yield source, rule


def role_rules(store: Store, reference: dict[str, Any], namespace: str, errors: list[str]) -> list[Rule]:
    """Return the rules of the role that a binding of a namespace refers to; notes that it does not exist."""
    kind, name = reference["kind"], reference["name"]
    plural, place = ("roles", namespace) if kind == "Role" else ("clusterroles", None)
    found = store.find(plural, place, name)
    if found is None:
        errors.append(f'{kind.lower()}.{GROUP} "{name}" not found')
        return []
    return found.get("rules") or []


def _is_meant(subject: dict[str, Any], user: User, namespace: str) -> bool:
    kind, name = subject.get("kind"), subject["name"]
    if kind == "ServiceAccount":
        place = subject.get("namespace") or namespace
        return bool(place) and user.name == account_name(place, name)
    return (kind == "User" and name == user.name) or (kind == "Group" and name in user.groups)


def _describe(binding: dict[str, Any], role: dict[str, Any], subject: dict[str, Any], place: str) -> str:
    name = subject["name"]
    if subject["kind"] == "ServiceAccount":
        name = f"{name}/{subject.get('namespace') or place}"
    kind = "RoleBinding" if place else "ClusterRoleBinding"
    title = binding["metadata"]["name"] + (f"/{place}" if place else "")
    return f'{kind} "{title}" of {role["kind"]} "{role["name"]}" to {subject["kind"]} "{name}"'


def allows(rule: Rule, attributes: Attributes) -> bool:
    """Tell whether a rule allows a request."""
    if not _has(rule, "verbs", attributes.verb):
        return False
    if not attributes.resource:
        return any(_covers_path(url, attributes.path) for url in rule.get("nonResourceURLs") or ())
    names = rule.get("resourceNames") or ()
    return (
        _has(rule, "apiGroups", attributes.group)
        and any(_covers_resource(one, attributes) for one in rule.get("resources") or ())
        and (not names or attributes.name in names)
    )


def _has(rule: Rule, field: str, wanted: str) -> bool:
    values = rule.get(field) or ()
    return "*" in values or wanted in values


def _covers_resource(granted: str, attributes: Attributes) -> bool:
    """Tell whether a rule means a resource: by its name, as resource/part, as */part, or as *."""
    part = attributes.subresource
    whole = f"{attributes.resource}/{part}" if part else attributes.resource
    return granted in ("*", whole) or (bool(part) and granted == f"*/{part}")


def _covers_path(granted: str, path: str) -> bool:
    return granted in ("*", path) or (granted.endswith("*") and path.startswith(granted.rstrip("*")))


def refusal(user: User, attributes: Attributes, why: str = "") -> ApiError:
    """Make the answer to somebody who may not do this."""
    who = f'User "{_escaped(user.name)}" cannot {_escaped(attributes.verb)}'
    suffix = f": {why}" if why else ""
    if not attributes.resource:
        return forbidden(f'forbidden: {who} path "{_escaped(attributes.path)}"{suffix}')
    part = f"/{attributes.subresource}" if attributes.subresource else ""
    what = f'resource "{_escaped(attributes.resource + part)}" in API group "{_escaped(attributes.group)}"'
    place = f'in the namespace "{_escaped(attributes.namespace)}"' if attributes.namespace else ""
    text = f"{who} {what} {place or 'at the cluster scope'}{suffix}"
    return forbidden_object(attributes.resource, attributes.group, attributes.name, text)


def _escaped(text: str) -> str:
    # A browser that shows the answer must not take what was asked for as markup.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def forbidden_object(plural: str, group: str, name: str, why: str) -> ApiError:
    """Make the answer 403 about an object or a kind of object."""
    what = qualified(plural, group) + (f' "{name}"' if name else "")
    details = {key: value for key, value in (("name", name), ("group", group), ("kind", plural)) if value}
    return forbidden(f"{what} is forbidden: {why}", details)
