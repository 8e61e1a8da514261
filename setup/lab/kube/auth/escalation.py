"""Nobody gives away what they do not have: who writes a role or a binding must hold what it grants.

As Kubernetes' "privilege escalation prevention and bootstrapping": whoever writes a role needs all that it
grants, or the verb `escalate` on it; whoever writes a binding needs all that its role grants, or `bind`.
"""

from collections.abc import Iterator
from typing import Any

from lab.kube.auth.attributes import Attributes
from lab.kube.auth.identity import MASTERS, User
from lab.kube.auth.rbac import GROUP, Rule, authorize, forbidden_object, role_rules, rules_for
from lab.kube.resources import Resource
from lab.kube.store import Store

_ROLES = ("roles", "clusterroles")
_BINDINGS = ("rolebindings", "clusterrolebindings")
_FIELDS = ("apiGroups", "resources", "nonResourceURLs", "resourceNames", "verbs")
_EVERYTHING: list[Rule] = [
    {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
    {"nonResourceURLs": ["*"], "verbs": ["*"]},
]


def check_grant(
    store: Store, user: User, resource: Resource, new: dict[str, Any], old: dict[str, Any] | None
) -> None:
    """Raise ApiError 403 when a role or binding would grant what its writer has not; others pass."""
    if MASTERS in user.groups or resource.group != GROUP:
        return
    if resource.plural in _ROLES:
        _check_role(store, user, resource, new, old)
    elif resource.plural in _BINDINGS:
        _check_binding(store, user, resource, new, old)


def _check_role(
    store: Store, user: User, resource: Resource, new: dict[str, Any], old: dict[str, Any] | None
) -> None:
    name, namespace = new["metadata"].get("name", ""), new["metadata"].get("namespace", "")
    before = old or {}
    aggregation = new.get("aggregationRule")
    is_same = new.get("rules") == before.get("rules") and aggregation == before.get("aggregationRule")
    ask = Attributes("escalate", "", GROUP, resource.plural, "", namespace, name)
    if (old and is_same) or authorize(store, user, ask).allowed:
        return
    if aggregation and _missing(store, user, "", _EVERYTHING):
        why = "must have cluster-admin privileges to use an aggregationRule"
        raise forbidden_object(resource.plural, GROUP, name, why)
    _confirm(store, user, resource, name, namespace, new.get("rules") or [])


def _check_binding(
    store: Store, user: User, resource: Resource, new: dict[str, Any], old: dict[str, Any] | None
) -> None:
    name, namespace = new["metadata"].get("name", ""), new["metadata"].get("namespace", "")
    if old and all(new.get(field) == old.get(field) for field in ("roleRef", "subjects")):
        return
    role = new.get("roleRef") or {}
    if role.get("kind") not in ("Role", "ClusterRole") or not role.get("name"):
        # Validation says it better.
        return
    plural = "roles" if role["kind"] == "Role" else "clusterroles"
    ask = Attributes("bind", "", GROUP, plural, "", namespace, role["name"])
    if authorize(store, user, ask).allowed:
        return
    errors: list[str] = []
    rules = role_rules(store, role, namespace, errors)
    if errors:
        # A role that does not exist yet may grant anything one day: only `bind` allows to refer to it.
        raise forbidden_object(resource.plural, GROUP, name, errors[0])
    _confirm(store, user, resource, name, namespace, rules)


def _confirm(
    store: Store, user: User, resource: Resource, name: str, namespace: str, rules: list[Rule]
) -> None:
    missing = _missing(store, user, namespace, rules)
    if not missing:
        return
    groups = " ".join(f'"{group}"' for group in user.groups)
    head = f'user "{user.name}" (groups=[{groups}]) is attempting to grant RBAC permissions not currently held:'
    raise forbidden_object(resource.plural, GROUP, name, "\n".join([head, *_described(missing)]))


def _missing(store: Store, user: User, namespace: str, rules: list[Rule]) -> list[Rule]:
    held = [rule for _, rule in rules_for(store, user, namespace, [])]
    return [part for rule in rules for part in _parts(rule) if not any(_contains(one, part) for one in held)]


def _parts(rule: Rule) -> Iterator[Rule]:
    """Yield a rule's smallest pieces: one verb on one resource (and name), or on one path."""
    verbs = rule.get("verbs") or ()
    for group in rule.get("apiGroups") or ():
        for kind in rule.get("resources") or ():
            for verb in verbs:
                piece = {"apiGroups": [group], "resources": [kind], "verbs": [verb]}
                names = rule.get("resourceNames") or ()
                yield from [piece | {"resourceNames": [name]} for name in names] or [piece]
    for url in rule.get("nonResourceURLs") or ():
        for verb in verbs:
            yield {"nonResourceURLs": [url], "verbs": [verb]}


def _contains(held: Rule, part: Rule) -> bool:
    """Tell whether a rule grants one piece."""
    if not _has_all(held, part, "verbs"):
        return False
    if "nonResourceURLs" in part:
        url = part["nonResourceURLs"][0]
        return any(
            one in ("*", url) or (one.endswith("*") and url.startswith(one.rstrip("*")))
            for one in held.get("nonResourceURLs") or ()
        )
    names = held.get("resourceNames") or ()
    kind = part["resources"][0]
    _, slash, below = kind.partition("/")
    granted = ("*", kind, f"*/{below}") if slash else ("*", kind)
    return (
        _has_all(held, part, "apiGroups")
        and any(one in granted for one in held.get("resources") or ())
        and (not names or (part.get("resourceNames") or [None])[0] in names)
    )


def _has_all(held: Rule, part: Rule, field: str) -> bool:
    values = held.get(field) or ()
    return "*" in values or part[field][0] in values


def _described(parts: list[Rule]) -> list[str]:
    """Write pieces as Kubernetes does, those that differ in the verb only as one."""
    merged: dict[str, Rule] = {}
    for part in parts:
        key = repr({field: part.get(field) for field in _FIELDS[:-1]})
        present = merged.setdefault(key, part | {"verbs": []})
        present["verbs"] += [verb for verb in part["verbs"] if verb not in present["verbs"]]
    return sorted("{" + ", ".join(_fields(rule)) + "}" for rule in merged.values())


def _fields(rule: Rule) -> Iterator[str]:
    for field in _FIELDS:
        if rule.get(field):
            values = " ".join(f'"{value}"' for value in rule[field])
            title = "APIGroups" if field == "apiGroups" else field[0].upper() + field[1:]
            yield f"{title}:[{values}]"
