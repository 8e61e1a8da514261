"""Counts error budgets: what a run spent, and what is left of the SLO's period."""

from __future__ import annotations

from ..errors import ChaosextError
from ..result import BudgetResult
from ..slo.budget import Budget, by_period, spent
from ..slo.model import Slo
from ..slo.sli import Measurement, measure
from .settings import Settings

__all__ = ["count_budgets"]


def count_budgets(settings: Settings, run_seconds: float | None) -> list[BudgetResult]:
    """Return every SLO's budget after a run whose fault began `run_seconds` ago (None: it had none).

    What has no data, or could not be asked, is None.
    """
    slos = {name: slo for name, slo in settings.slos.items() if not slo.is_count}
    limits = {limit.slo: limit for limit in settings.expectations.budget}
    in_run = {} if run_seconds is None else _asked(settings, list(slos.values()), run_seconds)
    in_period: dict[str, Measurement] = {}
    for seconds, same in by_period(slos.values()).items():
        in_period.update(_asked(settings, same, seconds))
    found = [
        _result(slo, in_run.get(name), in_period[name], settings.windows.scrape_interval_seconds)
        for name, slo in slos.items()
    ]
    for budget in found:
        if (limit := limits.get(budget.slo)) is not None:
            budget.spend_at_least = settings.windows.seconds(limit.spend_at_least_per_window_second) or None
            budget.spend_at_most = settings.windows.seconds(limit.spend_at_most_per_window_second)
    return found


def _asked(settings: Settings, slos: list[Slo], seconds: float) -> dict[str, Measurement]:
    try:
        return measure(settings.grafana, slos, seconds)
    except ChaosextError as error:
        return {slo.name: Measurement(no_data=str(error)) for slo in slos}


def _result(slo: Slo, in_run: Measurement | None, in_period: Measurement, scrape: float) -> BudgetResult:
    budget = Budget.of(slo)
    run = _spent(slo, in_run, scrape)
    period = _spent(slo, in_period, scrape)
    after = None if period is None else round(budget.size - period, 1)
    return BudgetResult(
        slo=slo.name,
        unit=budget.unit,
        size=budget.size,
        before=None if after is None or run is None else round(after + run, 1),
        spent=run,
        after=after,
    )


def _spent(slo: Slo, measured: Measurement | None, scrape: float) -> float | None:
    if measured is None or measured.value is None:
        return None
    return round(spent(slo, measured, scrape), 1)
