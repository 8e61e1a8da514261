"""Error budgets: counts of failures or seconds, never ratios of what a young environment has seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .model import BUDGET, BUDGET_UNIT, Slo
from .sli import Measurement

__all__ = ["Budget", "by_period", "period_days", "period_seconds", "spent"]

_DAY_SECONDS = 86400


@dataclass(frozen=True)
class Budget:
    """A budget's size for the SLO's period, in its unit ("failures" or "seconds")."""

    size: int
    unit: str

    @classmethod
    def of(cls, slo: Slo) -> Budget:
        """Return an SLO's budget."""
        notes = slo.metadata.annotations
        return cls(int(notes[BUDGET]), notes[BUDGET_UNIT])


def period_days(slo: Slo) -> int:
    """Return the length of the SLO's rolling period in days."""
    return int(slo.spec.time_window[0].duration.removesuffix("d"))


def period_seconds(slo: Slo) -> int:
    """Return the length of the SLO's rolling period in seconds."""
    return period_days(slo) * _DAY_SECONDS


def by_period(slos: Iterable[Slo]) -> dict[int, list[Slo]]:
    """Return SLOs by the seconds of their period: those of one period are asked in one request."""
    found: dict[int, list[Slo]] = {}
    for slo in slos:
        found.setdefault(period_seconds(slo), []).append(slo)
    return found


def spent(slo: Slo, measured: Measurement, scrape_interval_seconds: float) -> float:
    """Return what bad events cost, in the budget's unit.

    A synthetic check that failed stands for one scrape interval of downtime.
    """
    if Budget.of(slo).unit == "seconds":
        return measured.bad * scrape_interval_seconds
    return measured.bad
