"""What roles and bindings must be, as k8s.io/kubernetes' pkg/apis/rbac/validation says."""

from typing import Any

from lab.kube.errors import Cause, invalid_value, not_supported, required

Json = dict[str, Any]
_GROUP = "rbac.authorization.k8s.io"


def check_role(new: Json, _old: Json | None) -> list[Cause]:
    """Return what is wrong with a Role or ClusterRole."""
    is_namespaced = new["kind"] == "Role"
    return [
        cause
        for index, rule in enumerate(new.get("rules") or ())
        for cause in _check_rule(rule, f"rules[{index}]", is_namespaced)
    ]


def _check_rule(rule: Json, path: str, is_namespaced: bool) -> list[Cause]:
    causes = []
    if not rule.get("verbs"):
        causes.append(required(f"{path}.verbs", "verbs must contain at least one value"))
    urls = rule.get("nonResourceURLs")
    if urls:
        if is_namespaced:
            why = "namespaced rules cannot apply to non-resource URLs"
            causes.append(invalid_value(f"{path}.nonResourceURLs", urls, why))
        if any(rule.get(field) for field in ("apiGroups", "resources", "resourceNames")):
            why = "rules cannot apply to both regular resources and non-resource URLs"
            causes.append(invalid_value(f"{path}.nonResourceURLs", urls, why))
        return causes
    if not rule.get("apiGroups"):
        causes.append(required(f"{path}.apiGroups", "resource rules must supply at least one api group"))
    if not rule.get("resources"):
        causes.append(required(f"{path}.resources", "resource rules must supply at least one resource"))
    return causes


def check_role_binding(new: Json, old: Json | None) -> list[Cause]:
    """Return what is wrong with a RoleBinding or ClusterRoleBinding."""
    is_namespaced = new["kind"] == "RoleBinding"
    role = new.get("roleRef") or {}
    kinds = ("Role", "ClusterRole") if is_namespaced else ("ClusterRole",)
    causes = []
    if role.get("apiGroup") != _GROUP:
        causes.append(not_supported("roleRef.apiGroup", role.get("apiGroup", ""), (_GROUP,)))
    if role.get("kind") not in kinds:
        causes.append(not_supported("roleRef.kind", role.get("kind", ""), kinds))
    if not role.get("name"):
        causes.append(required("roleRef.name"))
    if old and role != old.get("roleRef"):
        causes.append(invalid_value("roleRef", role, "cannot change roleRef"))
    for index, subject in enumerate(new.get("subjects") or ()):
        causes += _check_subject(subject, f"subjects[{index}]", is_namespaced)
    return causes


def _check_subject(subject: Json, path: str, is_namespaced: bool) -> list[Cause]:
    kind, group = subject.get("kind", ""), subject.get("apiGroup", "")
    causes = [] if subject.get("name") else [required(f"{path}.name")]
    if kind == "ServiceAccount":
        if group:
            causes.append(not_supported(f"{path}.apiGroup", group, ("",)))
        if not is_namespaced and not subject.get("namespace"):
            causes.append(required(f"{path}.namespace"))
    elif kind in ("User", "Group"):
        if group != _GROUP:
            causes.append(not_supported(f"{path}.apiGroup", group, (_GROUP,)))
    else:
        causes.append(not_supported(f"{path}.kind", kind, ("ServiceAccount", "User", "Group")))
    return causes
