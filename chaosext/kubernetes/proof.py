"""Proof that the live state equals a manifest.

Every field of the manifest must be equal in the live object; fields that the manifest does not name
(defaults, status, other managers' annotations) may be there. In lists whose entries have an identity
(containers, env, ports, volumes, volumeMounts) an extra live entry is a difference too: that is what a fault
that was not undone leaves behind.
"""

from __future__ import annotations

import base64
from typing import Any

from kubernetes.utils.quantity import parse_quantity

from .cluster import Cluster, describe
from .manifests import namespaces
from .rollout import rollouts_missing

__all__ = ["CREATED_KINDS", "differences", "leftovers", "prove", "to_undo"]

_IDENTITY = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "ports": ("containerPort", "port", "protocol"),
}
CREATED_KINDS = (
    ("apps/v1", "Deployment"),
    ("batch/v1", "Job"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "Pod"),
)
"""What a fault may create, since a restore looks for these; `check_restorable` refuses others."""


def prove(cluster: Cluster, documents: list[dict[str, Any]], selector: str) -> list[str]:
    """Return what stands against a complete restore, in words; empty when it is proved.

    That is: a field that differs, an object that `selector` (the run's label) still finds, a rollout that is
    not complete. Raises KubernetesError.
    """
    return [
        *differences(cluster, documents),
        *(
            f"{describe(item)}: the run created it, and it is still there"
            for item in leftovers(cluster, documents, selector)
        ),
        *rollouts_missing(cluster, documents),
    ]


def to_undo(cluster: Cluster, documents: list[dict[str, Any]], selector: str) -> list[str]:
    """Return, in words, what a restore has to undo: what differs, and what `selector` says that runs created.

    Raises KubernetesError.
    """
    return [
        *differences(cluster, documents),
        *(f"{describe(item)}: a run created it" for item in leftovers(cluster, documents, selector)),
    ]


def differences(cluster: Cluster, documents: list[dict[str, Any]]) -> list[str]:
    """Return, in words, where the live state differs from the documents; empty when it equals them."""
    found: list[str] = []
    for document in documents:
        live = cluster.get(document)
        name = describe(document)
        if live is None:
            found.append(f"{name}: it does not exist")
        else:
            found.extend(f"{name}: {text}" for text in _compare(_stored_form(document), live, ""))
    return found


def leftovers(cluster: Cluster, documents: list[dict[str, Any]], selector: str) -> list[dict[str, Any]]:
    """Return what a label selector still finds in the documents' namespaces, of the kinds a run can create."""
    return [
        item
        for namespace in namespaces(documents)
        for api_version, kind in CREATED_KINDS
        for item in cluster.list(api_version, kind, namespace, selector)
        if not item["metadata"].get("deletionTimestamp")
    ]


def _stored_form(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document as the API server stores it: a Secret's stringData is write-only and lands in data."""
    if document["kind"] != "Secret" or "stringData" not in document:
        return document
    plain = {k: base64.b64encode(str(v).encode()).decode() for k, v in document["stringData"].items()}
    kept = {k: v for k, v in document.items() if k != "stringData"}
    return {**kept, "data": {**(document.get("data") or {}), **plain}}


def _compare(expected: Any, live: Any, path: str) -> list[str]:
    if isinstance(expected, dict):
        if not isinstance(live, dict):
            return [] if not expected and live is None else [f"{path} is {_show(live, path)}, not an object"]
        # A list of named entries that the manifest does not have must be empty: one more volume is a change.
        wanted = {**{key: [] for key in _IDENTITY if live.get(key) and _owns_lists(path)}, **expected}
        return [
            text
            for key, value in wanted.items()
            for text in _compare(value, live.get(key), f"{path}.{key}" if path else key)
        ]
    if isinstance(expected, list):
        return _compare_lists(expected, live, path)
    if expected == live or (".resources." in path and _same_quantity(expected, live)):
        return []
    return [f"{path} is {_show(live, path)}, not {_show(expected, path)}"]


def _compare_lists(expected: list[Any], live: Any, path: str) -> list[str]:
    actual = live if isinstance(live, list) else []
    keys = _IDENTITY.get(path.rpartition(".")[2])
    if keys is None or not all(isinstance(entry, dict) for entry in [*expected, *actual]):
        if len(expected) != len(actual):
            return [f"{path} is {_show(live, path)}, not {_show(expected, path)}"]
        return [
            text
            for index, (want, have) in enumerate(zip(expected, actual, strict=True))
            for text in _compare(want, have, f"{path}[{index}]")
        ]
    by_identity = {_identity(entry, keys): entry for entry in actual}
    found: list[str] = []
    for entry in expected:
        identity = _identity(entry, keys)
        place = f"{path}[{identity}]"
        have = by_identity.pop(identity, None)
        found.extend([f"{place} is missing"] if have is None else _compare(entry, have, place))
    return found + [f"{path}[{identity}] is extra" for identity in by_identity]


def _owns_lists(path: str) -> bool:
    """Tell whether a path is a pod's spec or a container, whose lists of entries nobody else fills."""
    return path.endswith("template.spec") or (
        path.rpartition(".")[2].startswith(("containers[", "initContainers["))
    )


def _identity(entry: dict[str, Any], keys: tuple[str, ...]) -> str:
    defaults = {"protocol": "TCP"} if "protocol" in keys else {}
    return "/".join(str({**defaults, **entry}[key]) for key in keys if key in {**defaults, **entry})


def _same_quantity(expected: Any, live: Any) -> bool:
    try:
        return bool(parse_quantity(expected) == parse_quantity(live))
    except ValueError:
        return False


def _show(value: Any, path: str) -> str:
    """Show a value in a difference; a Secret's data never."""
    if path.startswith("data."):
        return "another value"
    return "absent" if value is None else repr(value)
