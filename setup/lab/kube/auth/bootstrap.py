"""The roles and bindings that every cluster begins with, for the resources that this one has.

Names, labels and what each is for are those of Kubernetes' default roles ("User-facing roles" and "API
discovery roles" of its RBAC documentation).
"""

from typing import Any

from lab.kube.auth.identity import AUTHENTICATED, MASTERS
from lab.kube.auth.rbac import GROUP
from lab.kube.store import Store

Json = dict[str, Any]
_READ = ["get", "list", "watch"]
_WRITE = ["create", "delete", "deletecollection", "patch", "update"]
_HEALTH = ["/healthz", "/livez", "/readyz"]
_DISCOVERY = ["/api", "/api/*", "/apis", "/apis/*", *_HEALTH, "/openapi", "/openapi/*", "/version", "/version/"]
_AUTHORIZATION, _AUTHENTICATION = "authorization.k8s.io", "authentication.k8s.io"


def _rule(group: str, resources: list[str], verbs: list[str]) -> Json:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}


def _paths(urls: list[str]) -> Json:
    return {"nonResourceURLs": urls, "verbs": ["get"]}


_VIEW = [
    _rule("", ["configmaps", "endpoints", "pods", "serviceaccounts", "services"], _READ),
    _rule("", ["events", "namespaces", "namespaces/status"], _READ),
    _rule("", ["pods/log", "pods/status", "services/status"], _READ),
    _rule("apps", ["deployments", "deployments/scale", "deployments/status"], _READ),
    _rule("apps", ["replicasets", "replicasets/scale", "replicasets/status"], _READ),
    _rule("batch", ["jobs", "jobs/status"], _READ),
    _rule("discovery.k8s.io", ["endpointslices"], _READ),
]
_EDIT = [
    _rule("", ["secrets"], _READ),
    _rule("", ["configmaps", "events", "pods", "secrets", "serviceaccounts", "services"], _WRITE),
    _rule("", ["pods/eviction", "serviceaccounts/token"], ["create"]),
    _rule("", ["serviceaccounts"], ["impersonate"]),
    _rule("apps", ["deployments", "deployments/scale", "replicasets", "replicasets/scale"], _WRITE),
    _rule("batch", ["jobs"], _WRITE),
    _rule("coordination.k8s.io", ["leases"], [*_READ, *_WRITE]),
]
_ADMIN = [
    _rule(_AUTHORIZATION, ["localsubjectaccessreviews"], ["create"]),
    _rule(GROUP, ["rolebindings", "roles"], [*_READ, *_WRITE]),
]
_REVIEWS = ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]
_RULES: dict[str, list[Json]] = {
    "cluster-admin": [_rule("*", ["*"], ["*"]), {"nonResourceURLs": ["*"], "verbs": ["*"]}],
    "system:aggregate-to-view": _VIEW,
    "system:aggregate-to-edit": _EDIT,
    "system:aggregate-to-admin": _ADMIN,
    "system:auth-delegator": [
        _rule(_AUTHENTICATION, ["tokenreviews"], ["create"]),
        _rule(_AUTHORIZATION, ["subjectaccessreviews"], ["create"]),
    ],
    "system:basic-user": [
        _rule(_AUTHORIZATION, _REVIEWS, ["create"]),
        _rule(_AUTHENTICATION, ["selfsubjectreviews"], ["create"]),
    ],
    "system:discovery": [_paths(_DISCOVERY)],
    "system:monitoring": [_paths([*_HEALTH, "/metrics"])],
    "system:public-info-viewer": [_paths([*_HEALTH, "/version", "/version/"])],
}
_AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"
_AGGREGATED = ("view", "edit", "admin")
# edit holds what view does, and admin what edit does: they carry each other's labels.
_PART_OF = {
    "system:aggregate-to-view": "view",
    "system:aggregate-to-edit": "edit",
    "system:aggregate-to-admin": "admin",
    "view": "edit",
    "edit": "admin",
}
_BINDINGS = {
    "cluster-admin": MASTERS,
    "system:basic-user": AUTHENTICATED,
    "system:discovery": AUTHENTICATED,
    "system:monitoring": "system:monitoring",
    "system:public-info-viewer": AUTHENTICATED,
}


def bootstrap(store: Store) -> None:
    """Make the default roles and bindings that are missing."""
    for name, rules in _RULES.items():
        _make(store, "clusterroles", _metadata(name), {"rules": rules})
    for name in _AGGREGATED:
        selector = {"matchLabels": {f"{_AGGREGATE}{name}": "true"}}
        body = {"aggregationRule": {"clusterRoleSelectors": [selector]}, "rules": []}
        _make(store, "clusterroles", _metadata(name), body)
    for name, group in _BINDINGS.items():
        role = {"apiGroup": GROUP, "kind": "ClusterRole", "name": name}
        subject = {"apiGroup": GROUP, "kind": "Group", "name": group}
        _make(store, "clusterrolebindings", _metadata(name), {"roleRef": role, "subjects": [subject]})


def _metadata(name: str) -> Json:
    labels = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    if name in _PART_OF:
        labels[f"{_AGGREGATE}{_PART_OF[name]}"] = "true"
    return {
        "name": name,
        "labels": labels,
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
    }


def _make(store: Store, plural: str, metadata: Json, body: Json) -> None:
    if store.find(plural, None, metadata["name"]) is None:
        store.create(plural, {"metadata": metadata, **body})
