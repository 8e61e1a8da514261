"""chaosext: Chaos Toolkit activities and controls that verify an experiment by SLIs read from Grafana."""

from __future__ import annotations

import importlib
import pkgutil
from importlib.metadata import PackageNotFoundError, version

from chaoslib.discovery.discover import (
    discover_actions,
    discover_activities,
    discover_probes,
    initialize_discovery_result,
)
from chaoslib.types import DiscoveredActivities, Discovery

__all__ = ["__version__", "discover"]

try:
    __version__ = version("chaostoolkit-gameday")
except PackageNotFoundError:  # run from a source tree that was not installed
    __version__ = "0+unknown"

_KINDS = {"actions": discover_actions, "probes": discover_probes}


def discover(discover_system: bool = True) -> Discovery:  # noqa: ARG001 - the signature is Chaos Toolkit's
    """Return what this extension offers, found by its modules' names, for `chaos discover`."""
    discovery = initialize_discovery_result("chaostoolkit-gameday", __version__, "grafana")
    discovery["activities"].extend(_activities())
    return discovery


def _activities() -> list[DiscoveredActivities]:
    found: list[DiscoveredActivities] = []
    for module in pkgutil.walk_packages(__path__, prefix=f"{__name__}."):
        kind = module.name.rpartition(".")[2]
        if kind in _KINDS:
            found.extend(_KINDS[kind](module.name))
        elif kind == "control" and getattr(importlib.import_module(module.name), "__all__", None):
            found.extend(discover_activities(module.name, "control"))
    return found
