"""What a verification needs to know before a run: files, clients, expectations. All bad input is met here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..environment import Windows, load_windows
from ..errors import BadInput
from ..grafana.client import Grafana, connect
from ..kubernetes.manifests import load_manifest
from ..result import Tolerance
from ..run import configured_file, resolve
from ..slo.load import load_slos
from ..slo.model import Slo
from .expectations import Expectations, parse_expectations
from .tolerances import parse_tolerances

__all__ = ["Settings", "load_settings"]

_ACTIONS = "chaosext.kubernetes.actions"


@dataclass(frozen=True)
class Settings:
    """The checked inputs of a verification.

    `manifest` is what the rollback reapplies, `applied` every other document that an
    activity will apply.
    """

    windows: Windows
    slos: dict[str, Slo]
    tolerances: dict[str, Tolerance]
    expectations: Expectations
    manifest: list[dict[str, Any]]
    applied: list[dict[str, Any]]
    grafana: Grafana
    sampling_grafana: Grafana


def load_settings(
    experiment: dict[str, Any], configuration: dict[str, Any] | None, secrets: dict[str, Any] | None
) -> Settings:
    """Load and check everything; raises BadInput with one line at the first thing that is wrong."""
    strategy = ((experiment.get("runtime") or {}).get("rollbacks") or {}).get("strategy")
    if strategy != "always" or not experiment.get("rollbacks"):
        count = len(experiment.get("rollbacks") or [])
        raise BadInput(
            f"runtime.rollbacks.strategy is {strategy!r}, with {count} rollbacks: it must be 'always', with at "
            "least one, or a failed run stays broken"
        )
    app_manifest = configured_file(configuration, "app_manifest")
    slos = load_slos(configured_file(configuration, "slo_file"))
    return Settings(
        windows=load_windows(configured_file(configuration, "windows_file")),
        slos=slos,
        tolerances=parse_tolerances(experiment),
        expectations=parse_expectations(experiment, slos),
        manifest=load_manifest(app_manifest),
        applied=_applied(experiment, app_manifest),
        grafana=connect(configuration, secrets),
        # requests.Session is not safe to share: the sampler's thread has a client of its own.
        sampling_grafana=connect(configuration, secrets),
    )


def _applied(experiment: dict[str, Any], app_manifest: Path) -> list[dict[str, Any]]:
    """Return the documents of every manifest that the experiment's activities will apply, but app_manifest's.

    Read now, so that a missing or wrong file is met before the baseline and not amid the fault.
    """
    paths: list[Path] = []
    for activity in [*(experiment.get("method") or []), *(experiment.get("rollbacks") or [])]:
        provider = activity.get("provider") or {}
        path = (provider.get("arguments") or {}).get("path")
        if provider.get("module") == _ACTIONS and path is not None:
            paths.append(resolve(str(path)))
    return [d for path in dict.fromkeys(paths) if path != app_manifest for d in load_manifest(path)]
