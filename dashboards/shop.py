"""The shop as its own files describe it: components, SLIs, their objectives, rates that page somebody."""

from __future__ import annotations

import re
from pathlib import Path

from chaosext.architecture import Architecture, Component, load_architecture
from chaosext.environment import environments, load_windows
from chaosext.errors import BadInput
from chaosext.slo.load import load_slos
from chaosext.slo.model import TYPE, Slo, in_window

ROOT = Path(__file__).resolve().parents[1]
NAMESPACE = "ecommerce"
# What services (logfmt), PostgreSQL and Redis (# marks a warning) mark as errors; "failures=0" is none, nor is
# Redis' advice at its start.
ERRORS = "level=(error|critical)|(ERROR|FATAL|PANIC): |Traceback| # [^W]"
_LIMIT = re.compile(r'\ble="([0-9.]+)"')
_DIGITS = 9  # beyond them, 1 - 0.99 is not 0.01


def architecture() -> Architecture:
    """Return the components and who calls whom."""
    return load_architecture(ROOT / "manifests" / "architecture.yaml")


def slos() -> dict[str, Slo]:
    """Return every SLO by name."""
    return load_slos(ROOT / "manifests" / "slo.yaml")


def remaining(slo: str) -> str:
    """Return PromQL for what is left of an SLO's error budget, in its unit."""
    return f'slo:period_error_budget_remaining:count{{slo="{slo}"}}'


def page_burn_rate() -> float:
    """Return from how many times as fast as it lasts the spending of a budget pages somebody, at the least.

    The lowest of all environments, as the dashboards are the same files everywhere.
    """
    table = ROOT / "manifests" / "windows.yaml"
    rates = [load_windows(table, name).burn_rates["page"] for name in environments(table)]
    return min(one.burn_rate for rows in rates for one in rows)


def spending(slo: Slo) -> float:
    """Return the share of bad events at which an SLO's budget is spent as fast as it lasts."""
    return round(1 - slo.objective.target, _DIGITS)


def paging(slo: Slo) -> float:
    """Return the share of bad events from which on an SLO's budget is spent so fast that it pages somebody."""
    return round(min(spending(slo) * page_burn_rate(), 1.0), _DIGITS)


def seconds(slo: Slo) -> float:
    """Return within how many seconds a latency SLO wants an answer; raises BadInput when it does not say."""
    found = _LIMIT.search(slo.good or "")
    if found is None:
        raise BadInput(f'{slo.name}: its query of good events has no bucket (le="...")')
    return float(found[1])


def strictest(kind: str) -> Slo:
    """Return the SLO of a type (ratio, latency) whose objective is the hardest to meet."""
    known = [slo for slo in slos().values() if slo.metadata.annotations[TYPE] == kind]
    return min(known, key=lambda slo: (seconds(slo) if kind == "latency" else 0.0, spending(slo)))


def percentile(slo: Slo) -> str:
    """Return what the quantile of a latency SLO's target is called: "95th percentile"."""
    return f"{slo.objective.target * 100:g}th percentile"


def health(component: Component, known: dict[str, Slo]) -> str:
    """Return PromQL for how a component does: its worst burn rate, or how many lines of its log are errors.

    The window of a count is Grafana's $__rate_interval, four scrapes, as no environment's own is known here.
    """
    if counts := [query for name in component.slis if (query := known[name].count)]:
        return " + ".join(in_window(query, "$__rate_interval") for query in counts)
    return f'max(slo:current_burn_rate:ratio{{slo=~"{"|".join(component.slis)}"}})'
