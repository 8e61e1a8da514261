"""`chaos slo status`: how each SLO stands now, from Grafana."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..environment import Windows
from ..grafana.client import Grafana
from ..words import show_value, text_table
from .budget import Budget, by_period, spent
from .model import Slo
from .sli import Measurement, measure

__all__ = ["Status", "status", "status_lines"]

_HEADINGS = ("SLO", "objective", "SLI now", "burn rate", "budget left")


@dataclass(frozen=True)
class Status:
    """One SLO: its SLI over the short window, how fast it burns its budget, and the budget left of its period.

    `burn_rate` is 1 when the period's budget would be used up just at its end. Counts have neither.
    """

    name: str
    unit: str
    objective: float
    value: float | None
    no_data: str | None
    burn_rate: float | None = None
    budget_size: int | None = None
    budget_left: float | None = None
    budget_unit: str = ""

    @property
    def met(self) -> bool:
        """Whether the objective is met now; without data it is not."""
        if self.value is None:
            return False
        return self.value <= self.objective if self.unit == "count" else self.value >= self.objective


def status(grafana: Grafana, slos: Mapping[str, Slo], windows: Windows) -> list[Status]:
    """Return every SLO's status, by one request for the SLIs and one for each period's budgets.

    Raises GrafanaError when Grafana cannot answer.
    """
    now = measure(grafana, slos.values(), windows.short_window_seconds)
    in_period: dict[str, Measurement] = {}
    for seconds, same in by_period(slo for slo in slos.values() if not slo.is_count).items():
        in_period |= measure(grafana, same, seconds)
    return [
        _counted(slo, now[name])
        if slo.is_count
        else _budgeted(slo, now[name], in_period[name], windows.scrape_interval_seconds)
        for name, slo in slos.items()
    ]


def status_lines(found: list[Status]) -> list[str]:
    """Return a table of the statuses, and why there is no data where there is none."""
    table = text_table([_HEADINGS, *(_row(s) for s in found)])
    return [*table, *(f"{s.name} has no data: {s.no_data}" for s in found if s.no_data)]


def _counted(slo: Slo, now: Measurement) -> Status:
    return Status(slo.name, "count", slo.objective.value or 0.0, now.value, now.no_data)


def _budgeted(slo: Slo, now: Measurement, period: Measurement, scrape_interval_seconds: float) -> Status:
    objective, budget = slo.objective.target, Budget.of(slo)
    used = None if period.value is None else spent(slo, period, scrape_interval_seconds)
    return Status(
        name=slo.name,
        unit="ratio",
        objective=objective,
        value=now.value,
        no_data=now.no_data,
        burn_rate=None if now.value is None else round((1 - now.value) / (1 - objective), 2),
        budget_size=budget.size,
        budget_left=None if used is None else round(budget.size - used, 1),
        budget_unit=budget.unit,
    )


def _row(s: Status) -> tuple[str, ...]:
    objective = f"at most {s.objective:g}" if s.unit == "count" else show_value(s.objective, s.unit)
    left = "-"
    if s.budget_size is not None:
        known = "no data" if s.budget_left is None else f"{s.budget_left:.0f}"
        left = f"{known} of {s.budget_size} {s.budget_unit}"
    burn = "-" if s.burn_rate is None else f"{s.burn_rate:g}"
    return (s.name, objective, show_value(s.value, s.unit), burn, left)
