"""What a report says of a run beside its numbers: the hypothesis in words, versions, where Grafana is."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ..architecture import Architecture, load_architecture
from ..errors import ChaosextError
from ..grafana.client import Grafana
from ..kubernetes.cluster import Cluster
from ..result import About
from ..run import resolve

__all__ = ["describe_run"]

_PACKAGES = (
    "chaostoolkit-gameday",
    "chaostoolkit",
    "chaostoolkit-lib",
    "chaostoolkit-kubernetes",
    "kubernetes",
)
_ARCHITECTURE = "../manifests/architecture.yaml"


def describe_run(
    experiment: dict[str, Any],
    configuration: dict[str, Any] | None,
    grafana: Grafana | None,
    cluster: Cluster | None,
) -> About:
    """Return what is known; nothing that cannot be found out fails a run. None: it was never reached."""
    return About(
        description=str(experiment.get("description") or ""),
        hypothesis=str((experiment.get("steady-state-hypothesis") or {}).get("title") or ""),
        tags=[str(t) for t in experiment.get("tags") or []],
        grafana_url=grafana.url if grafana else None,
        versions=_versions(grafana, cluster),
        architecture=_architecture(configuration or {}),
    )


def _versions(grafana: Grafana | None, cluster: Cluster | None) -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    found["Python"] = platform.python_version()
    found["System"] = platform.platform(terse=True)
    if cluster is not None:
        found["Kubernetes server"] = cluster.version()
    if grafana is not None:
        try:
            found["Grafana"] = str(grafana.health().get("version", "not said"))
        except ChaosextError as error:
            found["Grafana"] = f"not known: {error}"
    return found


def _architecture(configuration: dict[str, Any]) -> Architecture | None:
    """Return the drawing of the system, which is optional."""
    try:
        return load_architecture(resolve(str(configuration.get("architecture_file", _ARCHITECTURE))))
    except ChaosextError:
        return None
