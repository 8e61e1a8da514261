"""`chaos gameday list`: what breaks in each experiment, what is expected, and how it went last."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import BadInput, ChaosextError
from ..report.history import Entry, latest
from ..report.words import seconds
from ..slo.load import load_slos
from ..slo.model import Slo
from ..verification.expectations import Expectations, parse_expectations
from .coverage import age_in_days
from .plan import plan_of

__all__ = ["CatalogueEntry", "entries", "lines"]

_WIDTH, _INDENT = 100, "    "


@dataclass(frozen=True)
class CatalogueEntry:
    """One experiment: its hypothesis, its fault, what is expected of it in words, its latest run."""

    name: str
    title: str
    fault: str
    expected: tuple[str, ...]
    last: Entry | None


def entries(given: tuple[Path, ...], reports: Path) -> list[CatalogueEntry]:
    """Return the experiments of a plan, or those given. Raises BadInput for a file that is wrong."""
    return [_entry(path, reports) for path in plan_of(given).experiments]


def _entry(path: Path, reports: Path) -> CatalogueEntry:
    try:
        experiment = json.loads(path.read_text(encoding="utf-8"))
        slos = load_slos(path.parent / (experiment.get("configuration") or {}).get("slo_file", ""))
        expectations = parse_expectations(experiment, slos)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from error
    except (ValueError, AttributeError, TypeError) as error:
        raise BadInput(f"{path}: not an experiment: {error}") from error
    except ChaosextError as error:
        raise BadInput(f"{path}: {error}") from error
    return CatalogueEntry(
        name=path.stem,
        title=str(experiment.get("title", "")),
        fault=_fault(experiment),
        expected=tuple(_expected(expectations, slos)),
        last=latest(reports, path.stem),
    )


def _fault(experiment: dict[str, Any]) -> str:
    """Name the first action of the method that does more than watch, with its arguments."""
    for activity in experiment.get("method") or []:
        provider = activity.get("provider") or {}
        if activity.get("type") == "action" and not str(provider.get("module")).startswith(
            "chaosext.verification"
        ):
            arguments = ", ".join(f"{k}={v}" for k, v in (provider.get("arguments") or {}).items())
            return f"{provider.get('func', provider.get('path', ''))}({arguments})"
    return "none"


def _expected(expectations: Expectations, slos: dict[str, Slo]) -> list[str]:
    moved = [e for e in expectations.expect if e.outcome != "holds"]
    found = [f"{e.sli} {e.words('count' if slos[e.sli].is_count else 'ratio')}" for e in moved]
    if holding := len(expectations.expect) - len(moved):
        found.append(f"{holding} {'other ' if moved else ''}SLIs hold")
    for alert in expectations.alerts:
        when = (
            "stays silent" if alert.within_windows is None else f"fires within {alert.within_windows:g} windows"
        )
        found.append(f"{alert} {when}")
    found.append(f"back within {expectations.recover_within_windows:g} windows")
    return found


def lines(found: Sequence[CatalogueEntry]) -> list[str]:
    """Return the catalogue for a terminal."""
    out: list[str] = []
    for entry in found:
        out.append(f"{entry.name}  ({_last(entry.last)})")
        out.extend(_wrapped("", entry.title))
        out.extend(_wrapped("fault: ", entry.fault))
        out.extend(_wrapped("expected: ", "; ".join(entry.expected)))
        out.append("")
    return out[:-1]


def _wrapped(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        label + text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT + " " * len(label)
    )


def _last(entry: Entry | None) -> str:
    if entry is None:
        return "never run"
    age = age_in_days(entry.started, datetime.now(UTC).isoformat())
    when = entry.started if age is None else "today" if age < 1 else f"{age:.0f} days ago"
    times = (
        ""
        if entry.time_to_recover_seconds is None
        else f", recovered after {seconds(entry.time_to_recover_seconds)}"
    )
    return f"last: {entry.verdict}, {when}, on {entry.environment}{times}"
