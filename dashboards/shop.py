"""The shop as its own files describe it: components from architecture.yaml, SLIs from slo.yaml."""

from __future__ import annotations

from pathlib import Path

from chaosext.architecture import Architecture, Component, load_architecture
from chaosext.slo.load import load_slos
from chaosext.slo.model import Slo, in_window

ROOT = Path(__file__).resolve().parents[1]
NAMESPACE = "ecommerce"
# What services (logfmt), PostgreSQL and Redis (# marks a warning) mark as errors; "failures=0" is none, nor is
# Redis' advice at its start.
ERRORS = "level=(error|critical)|(ERROR|FATAL|PANIC): |Traceback| # [^W]"
# So many times as fast as it lasts: the slower of the two rates that page somebody (windows.yaml).
PAGE_BURN_RATE = 6.0


def architecture() -> Architecture:
    """Return the components and who calls whom."""
    return load_architecture(ROOT / "manifests" / "architecture.yaml")


def slos() -> dict[str, Slo]:
    """Return every SLO by name."""
    return load_slos(ROOT / "manifests" / "slo.yaml")


def remaining(slo: str) -> str:
    """Return PromQL for what is left of an SLO's error budget, in its unit."""
    return f'slo:period_error_budget_remaining:count{{slo="{slo}"}}'


def health(component: Component, known: dict[str, Slo]) -> str:
    """Return PromQL for how a component does: its worst burn rate, or how many lines of its log are errors.

    The window of a count is Grafana's $__rate_interval, four scrapes, as no environment's own is known here.
    """
    if counts := [query for name in component.slis if (query := known[name].count)]:
        return " + ".join(in_window(query, "$__rate_interval") for query in counts)
    return f'max(slo:current_burn_rate:ratio{{slo=~"{"|".join(component.slis)}"}})'
