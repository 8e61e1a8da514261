"""The opt-in: a namespace is touched only if it says so itself."""

from __future__ import annotations

from ..errors import Refused
from .cluster import Cluster

__all__ = ["OPT_IN_LABEL", "check_opt_in"]

OPT_IN_LABEL = "chaos.enabled"


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
