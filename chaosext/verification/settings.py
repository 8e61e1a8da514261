"""What a verification needs to know before a run: files, clients, expectations. All bad input is met here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..environment import Windows, load_windows
from ..errors import BadInput
from ..grafana.client import Grafana, connect
from ..kubernetes.manifests import load_manifest
from ..kubernetes.restore import ROLLOUT_SECONDS
from ..kubernetes.safety import foreign_namespaces
from ..result import Tolerance
from ..run import activities, configured_file, resolve
from ..slo.load import load_slos
from ..slo.model import Slo
from .evidence import Sources
from .expectations import Expectations, parse_expectations
from .tolerances import parse_tolerances

__all__ = ["Settings", "load_settings"]

_ACTIONS = "chaosext.kubernetes.actions"
_SLACK_SECONDS = 60.0


@dataclass(frozen=True)
class Settings:
    """The checked inputs of a verification.

    `manifest` is what the rollback reapplies, `manifest_path` its file, `applied` every other document that an
    activity will apply, `foreign_namespaces` where chaosk8s's own actions work. A run that is not over after
    `deadline_seconds` hangs.
    """

    windows: Windows
    slos: dict[str, Slo]
    tolerances: dict[str, Tolerance]
    expectations: Expectations
    manifest: list[dict[str, Any]]
    manifest_path: Path
    applied: list[dict[str, Any]]
    foreign_namespaces: list[str]
    deadline_seconds: float
    grafana: Grafana
    sampling_grafana: Grafana
    evidence: Sources


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
    windows = load_windows(configured_file(configuration, "windows_file"))
    expectations = parse_expectations(experiment, slos)
    grafana = connect(configuration, secrets)
    return Settings(
        windows=windows,
        slos=slos,
        tolerances=parse_tolerances(experiment),
        expectations=expectations,
        manifest=load_manifest(app_manifest),
        manifest_path=app_manifest,
        applied=_applied(experiment, app_manifest),
        foreign_namespaces=foreign_namespaces(experiment),
        deadline_seconds=_deadline_seconds(experiment, windows, expectations),
        grafana=grafana,
        # requests.Session is not safe to share: the sampler's thread has a client of its own.
        sampling_grafana=connect(configuration, secrets),
        evidence=Sources(grafana, _uid(configuration, "loki_uid"), _uid(configuration, "tempo_uid")),
    )


def _deadline_seconds(experiment: dict[str, Any], windows: Windows, expectations: Expectations) -> float:
    """Return how long a run may take: what it states that it waits, rollouts for all activities, a minute."""
    done = activities(experiment)
    arguments = [(a.get("provider") or {}).get("arguments") or {} for a in done]
    pauses = [p for a in done for p in (a.get("pauses") or {}).values()]
    stated = [a[name] for a in arguments for name in ("windows", "within_windows") if name in a]
    waits = sum(w for w in stated if isinstance(w, int | float))
    waits += expectations.baseline_within_windows + expectations.recover_within_windows + 1
    rollouts = ROLLOUT_SECONDS * len(done)
    return (
        windows.seconds(waits)
        + sum(p for p in pauses if isinstance(p, int | float))
        + rollouts
        + _SLACK_SECONDS
    )


def _uid(configuration: dict[str, Any] | None, key: str) -> str | None:
    """Return the data source that the configuration names; None: the only or the default one of its type."""
    return str((configuration or {}).get(key) or "") or None


def _applied(experiment: dict[str, Any], app_manifest: Path) -> list[dict[str, Any]]:
    """Return the documents of every manifest that the experiment's activities will apply, but app_manifest's.

    Read now, so that a missing or wrong file is met before the baseline and not amid the fault.
    """
    paths: list[Path] = []
    for activity in activities(experiment):
        provider = activity.get("provider") or {}
        path = (provider.get("arguments") or {}).get("path")
        if provider.get("module") == _ACTIONS and path is not None:
            paths.append(resolve(str(path)))
    return [d for path in dict.fromkeys(paths) if path != app_manifest for d in load_manifest(path)]
