"""What is asked before an experiment: whether the SLIs are steady again, and the error budget left."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaoslib.configuration import load_configuration
from chaoslib.secret import load_secrets

from ..environment import Windows, load_windows
from ..errors import BadInput, ChaosextError, Refused
from ..grafana.client import Grafana, connect
from ..polling import poll
from ..result import Tolerance
from ..slo.load import find, load_slos
from ..slo.model import Slo
from ..slo.sli import measure
from ..verification.burn import check_floor
from ..verification.sampler import with_enough_events
from ..verification.tolerances import parse_tolerances, unsteady
from .plan import Pause

__all__ = ["Gate", "budget_refusal", "open_gate", "wait_until_steady"]


@dataclass(frozen=True)
class Gate:
    """What an experiment measures, and where."""

    grafana: Grafana
    windows: Windows
    slos: dict[str, Slo]
    tolerances: dict[str, Tolerance]


def open_gate(path: Path) -> Gate:
    """Read from an experiment what it measures and where. Raises ChaosextError."""
    try:
        experiment: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        configuration = load_configuration(experiment.get("configuration") or {})
        secrets = load_secrets(experiment.get("secrets") or {}, configuration).get("grafana", {})
        tolerances = parse_tolerances(experiment)
    except ChaosextError:
        raise
    except Exception as error:
        # Chaos Toolkit raises errors of many kinds here; whatever it is, the file or the environment is wrong.
        raise BadInput(f"{path}: {type(error).__name__}: {error}") from error
    slos = load_slos(_beside(path, configuration, "slo_file", "../manifests/slo.yaml"))
    return Gate(
        grafana=connect(configuration, secrets),
        windows=load_windows(_beside(path, configuration, "windows_file", "../manifests/windows.yaml")),
        slos={name: find(slos, name) for name in tolerances},
        tolerances=tolerances,
    )


def _beside(path: Path, configuration: dict[str, Any], key: str, default: str) -> Path:
    return path.parent / str(configuration.get(key, default))


def wait_until_steady(gate: Gate, pause: Pause) -> str | None:
    """Wait until every SLI has been within its tolerance for long enough; return why not, None when so."""
    hold = gate.windows.seconds(pause.steady_windows)
    steady_since: float | None = None

    def missing() -> str | None:
        nonlocal steady_since
        said = _unsteady(gate)
        if said is not None:
            steady_since = None
            return said
        now = time.monotonic()
        steady_since = now if steady_since is None else steady_since
        held = now - steady_since
        return None if held >= hold else f"steady for {held:.0f} s of {hold:.0f} s"

    return poll(missing, gate.windows.seconds(pause.within_windows), gate.windows.sample_interval_seconds)


def _unsteady(gate: Gate) -> str | None:
    try:
        found = measure(gate.grafana, gate.slos.values(), gate.windows.short_window_seconds)
    except ChaosextError as error:
        return str(error)
    enough = with_enough_events(found, gate.tolerances)
    missing = {name: one.no_data for name, one in enough.items() if one.no_data is not None}
    return unsteady(gate.tolerances, {name: one.value for name, one in enough.items()}, missing)


def budget_refusal(gate: Gate, floor: float) -> str | None:
    """Say which SLO has less than `floor` (a share) of its error budget left; None: none, or 0 asks nothing."""
    budgeted = [slo for slo in gate.slos.values() if not slo.is_count]
    try:
        check_floor(gate.grafana, budgeted, floor, gate.windows.scrape_interval_seconds)
    except (Refused, ChaosextError) as error:
        return str(error)
    return None
