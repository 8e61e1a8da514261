"""The budget guard: refuse a run that the error budget cannot pay for, abort one that spends too much of it."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import Refused
from ..grafana.client import Grafana
from ..slo.budget import Budget, period_seconds, spent
from ..slo.model import Slo
from ..slo.sli import measure, measure_one

__all__ = ["ABORT_FACTOR", "Burn", "check_floor"]

ABORT_FACTOR = 2.0
"""A run is aborted when it has spent this many times what its experiment states."""


def check_floor(grafana: Grafana, slos: list[Slo], floor: float, scrape_interval_seconds: float) -> None:
    """Raise Refused when less than `floor` (a share) of some SLO's error budget is left; 0 asks nothing.

    Raises NoData when a budget cannot be counted: an unknown budget is none to spend.
    """
    for slo in slos if floor > 0 else []:
        found = measure_one(grafana, slo, period_seconds(slo))
        budget = Budget.of(slo)
        left = 1 - spent(slo, found, scrape_interval_seconds) / budget.size
        if left < floor:
            raise Refused(
                f"refused: {left:.0%} of the error budget of {slo.name} is left, where a run needs {floor:.0%} "
                "(budget_floor). Nothing was changed"
            )


class Burn:
    """Watches what a run spends of the error budgets that its experiment states."""

    def __init__(
        self, slos: Mapping[str, Slo], limits: Mapping[str, float], scrape_interval_seconds: float
    ) -> None:
        self._slos = {name: slos[name] for name in limits}
        self._limits = limits
        self._scrape = scrape_interval_seconds

    def excess(self, grafana: Grafana, seconds: float) -> str | None:
        """Say which SLO has spent ABORT_FACTOR times its limit in the last `seconds`; None: none has.

        Raises GrafanaError. What has no data has not spent.
        """
        if not self._slos or seconds <= 0:
            return None
        for name, found in measure(grafana, self._slos.values(), seconds).items():
            used = spent(self._slos[name], found, self._scrape)
            if used > ABORT_FACTOR * self._limits[name]:
                unit = Budget.of(self._slos[name]).unit
                return (
                    f"aborted on burn: the run spent {used:.0f} {unit} of the error budget of {name}, more "
                    f"than {ABORT_FACTOR:g} times the {self._limits[name]:g} that it states"
                )
        return None
