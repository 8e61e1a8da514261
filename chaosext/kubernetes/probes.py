"""Probes of a cluster."""

from __future__ import annotations

import logging

from ..run import resolve
from .cluster import Cluster
from .manifests import load_manifest
from .proof import differences

__all__ = ["manifest_is_live"]

logger = logging.getLogger("chaostoolkit")


def manifest_is_live(
    path: str,
) -> bool:
    """Tell whether every field of a manifest is equal in the live objects, with no extra entry in its lists.

    `path` starts at the experiment's folder. Differences are logged. Raises BadInput, KubernetesError.
    """
    found = differences(Cluster(), load_manifest(resolve(path)))
    for difference in found:
        logger.warning(difference)
    return not found
