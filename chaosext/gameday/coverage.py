"""Which components experiments have tested, and when last."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..architecture import Architecture, load_architecture
from ..errors import ChaosextError
from ..report.history import every
from ..result import Verdict
from .day import DayRecord

__all__ = ["Coverage", "age_in_days", "architecture_of", "coverage"]

_JUDGED = {Verdict.VERIFIED, Verdict.SYSTEM_FAILED}


@dataclass(frozen=True)
class Coverage:
    """One component: the experiment that tested it last and when; `stale` when never, or too long ago."""

    component: str
    title: str
    experiment: str | None
    started: str | None
    stale: bool


def coverage(architecture: Architecture | None, reports: Path, record: DayRecord) -> list[Coverage]:
    """Return when each component was last tested, up to the day's end, in the day's environment.

    A component is tested by a run that gave a judgement, in which one of its SLIs was expected to leave its
    tolerance, or whose experiment has its name or names it by a tag. Users are none.
    """
    if architecture is None:
        return []
    until = record.ended or datetime.now(UTC).isoformat(timespec="seconds")
    tested: dict[str, tuple[str, str]] = {}
    for entry in every(reports):
        if entry.verdict in _JUDGED and entry.environment == record.environment and entry.started <= until:
            for name in entry.components:
                tested[name] = max(tested.get(name, ("", "")), (entry.started, entry.experiment))
    found = []
    for c in architecture.components:
        if c.kind == "users":
            continue
        started, experiment = tested.get(c.name, (None, None))
        age = None if started is None else age_in_days(started, until)
        found.append(
            Coverage(c.name, c.title, experiment, started, age is None or age > record.stale_after_days)
        )
    return found


def architecture_of(experiment: Path) -> Architecture | None:
    """Return the drawing that an experiment's runs are shown in; None when there is none that can be read."""
    try:
        configuration = json.loads(experiment.read_text(encoding="utf-8")).get("configuration") or {}
        file = str(configuration.get("architecture_file", "../manifests/architecture.yaml"))
        return load_architecture(experiment.parent / file)
    except (OSError, ValueError, AttributeError, ChaosextError):
        return None


def age_in_days(started: str, until: str) -> float | None:
    """Return the days between two times in ISO 8601; None when one of them is none."""
    try:
        return (datetime.fromisoformat(until) - datetime.fromisoformat(started)).total_seconds() / 86400
    except (ValueError, TypeError):
        return None
