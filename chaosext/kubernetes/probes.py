"""Probes of a cluster."""

from __future__ import annotations

import logging
from typing import Any

from chaoslib.types import Configuration

from ..environment import load_windows
from ..errors import KubernetesError
from ..polling import poll
from ..run import configured_file, resolve
from .cluster import Cluster
from .manifests import load_manifest
from .proof import differences

__all__ = ["manifest_is_live", "pods_are_ready"]

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


def pods_are_ready(
    selector: str,
    namespace: str,
    at_least: int = 1,
    within_windows: float = 1,
    configuration: Configuration = None,
) -> bool:
    """Wait until so many pods of a label selector are ready, and return True.

    They are looked at for `within_windows` short windows of the environment. Raises KubernetesError when the
    time is over, with how many were ready then; BadInput for a wrong window table.
    """
    seconds = load_windows(configured_file(configuration, "windows_file")).seconds(within_windows)
    cluster = Cluster()

    def missing() -> str | None:
        ready = sum(_ready(pod) for pod in cluster.list("v1", "Pod", namespace, selector))
        return None if ready >= at_least else f"{ready} of {at_least} pods with {selector} are ready"

    if (left := poll(missing, seconds)) is not None:
        raise KubernetesError(f"not within {seconds:g} s: {left}")
    return True


def _ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions") or []
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return ready and not pod["metadata"].get("deletionTimestamp")
