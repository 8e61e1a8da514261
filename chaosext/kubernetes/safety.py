"""The opt-in: a namespace is touched only if it says so itself."""

from __future__ import annotations

from typing import Any

from ..errors import BadInput, Refused
from ..run import RUN_ID_LABEL, activities
from .cluster import Cluster, describe
from .manifests import namespaces
from .proof import CREATED_KINDS

__all__ = ["OPT_IN_LABEL", "check_opt_in", "check_restorable", "foreign_namespaces"]

OPT_IN_LABEL = "chaos.enabled"
_FOREIGN = "chaosk8s."
_BEYOND_NAMESPACES = (
    "chaosk8s.node.",
    "chaosk8s.namespace.",
    "chaosk8s.crd.",
    "chaosk8s.actions",
    "chaosk8s.chaosmesh.",
)


def check_opt_in(cluster: Cluster, namespaces: list[str]) -> None:
    """Raise Refused, with context, cluster and namespace, unless each namespace carries chaos.enabled=true."""
    for name in namespaces:
        document = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        live = cluster.get(document)
        if live is None:
            raise Refused(
                f"refused: {cluster} has no namespace {name!r}: is KUBECONFIG the cluster you mean? "
                "Nothing was changed"
            )
        if (live["metadata"].get("labels") or {}).get(OPT_IN_LABEL) != "true":
            raise Refused(
                f"refused: namespace {name!r} of {cluster} does not carry the label {OPT_IN_LABEL}=true. "
                f"Nothing was changed. If chaos is welcome: kubectl label namespace {name} {OPT_IN_LABEL}=true"
            )


def foreign_namespaces(experiment: dict[str, Any]) -> list[str]:
    """Return the namespaces that the actions of chaosk8s work in, each once: they do not ask for the opt-in.

    Raises Refused for one that reaches beyond a namespace, such as those on nodes.
    """
    found: dict[str, None] = {}
    for activity in activities(experiment):
        provider = activity.get("provider") or {}
        module = str(provider.get("module", ""))
        if activity.get("type") != "action" or not module.startswith(_FOREIGN):
            continue
        if module.startswith(_BEYOND_NAMESPACES):
            raise Refused(
                f"refused: {activity.get('name')!r} uses {module}, which reaches beyond the namespaces that "
                "opted in. Nothing was changed"
            )
        arguments = provider.get("arguments") or {}
        found[str(arguments.get("ns") or arguments.get("namespace") or "default")] = None
    return list(found)


def check_restorable(cluster: Cluster, applied: list[dict[str, Any]], manifest: list[dict[str, Any]]) -> None:
    """Raise BadInput for a document to be applied that restoring the manifest could not undo.

    It can undo a change of an object that the manifest has, and it can remove a new object of the kinds that
    it looks for, in the manifest's namespaces.
    """
    known = {_identity(document) for document in manifest}
    for document in applied:
        if _identity(document) in known:
            continue
        name, namespace = describe(document), document["metadata"].get("namespace")
        if (document["apiVersion"], document["kind"]) not in CREATED_KINDS or namespace not in namespaces(
            manifest
        ):
            raise BadInput(f"{name} in {namespace}: the rollback's manifest lacks it, and would not remove it")
        live = cluster.get(document)
        # What a run that died has created is removed before this one's fault, and by its rollback in any case.
        if live is not None and RUN_ID_LABEL not in (live["metadata"].get("labels") or {}):
            raise BadInput(
                f"{name} in {namespace}: it exists, and the rollback's manifest could not restore it"
            )


def _identity(document: dict[str, Any]) -> tuple[str, str | None, str]:
    metadata = document["metadata"]
    return document["kind"], metadata.get("namespace"), metadata["name"]
