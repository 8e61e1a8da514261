"""A run as a list of checks: each expectation, and whether it was met. JUnit and the score count these."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..result import AlertOutcome, AlertResult, BudgetResult, Outcome, Phase, SliResult, Verification
from ..words import show_tolerance, show_value
from .words import seconds

__all__ = ["Check", "Met", "checks"]


class Met(StrEnum):
    """Whether an expectation was met; `unknown` is neither, and counts for nothing."""

    MET = "met"
    MISSED = "missed"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Check:
    """One expectation: what kind it is (sli, alert, recovery, budget, rollback), whose, and how it ended."""

    kind: str
    name: str
    met: Met
    detail: str


_SLI_MET = {Outcome.HELD, Outcome.DEVIATED, Outcome.STARVED}
_SLI_UNKNOWN = {Outcome.NO_DATA, Outcome.NOT_JUDGED}
_ALERT_MET = {AlertOutcome.FIRED, AlertOutcome.SILENT}
_ALERT_UNKNOWN = {AlertOutcome.NO_DATA, AlertOutcome.NOT_JUDGED}


def checks(v: Verification) -> list[Check]:
    """Return every expectation that the run was judged by, in the order of a report."""
    return [
        *(_sli(sli) for sli in v.slis if sli.expected),
        *(_alert(alert) for alert in v.alerts),
        *(_budget(b) for b in v.budget if b.spend_at_most is not None),
        *_recovery(v),
        *_rollback(v),
    ]


def _sli(sli: SliResult) -> Check:
    during = show_value(sli.during if sli.during is not None else sli.worst, sli.unit)
    detail = (
        f"{sli.outcome}: {sli.expected} was expected (tolerance: {show_tolerance(sli.tolerance, sli.unit)}); "
        f"before {show_value(sli.baseline, sli.unit)}, during {during}, after "
        f"{show_value(sli.recovered, sli.unit)}"
    )
    return Check("sli", sli.name, _met(sli.outcome, _SLI_MET, _SLI_UNKNOWN), detail)


def _alert(alert: AlertResult) -> Check:
    detail = str(alert.outcome)
    if alert.firing_after_seconds is not None:
        detail += f", after {seconds(alert.firing_after_seconds)}"
    if alert.within_seconds is not None:
        detail += f" (allowed: {seconds(alert.within_seconds)})"
    return Check("alert", alert.display_name, _met(alert.outcome, _ALERT_MET, _ALERT_UNKNOWN), detail)


def _budget(b: BudgetResult) -> Check:
    if b.spent is None or b.as_expected is None:
        return Check("budget", b.slo, Met.UNKNOWN, "what was spent is not known")
    met = Met.MET if b.as_expected else Met.MISSED
    return Check("budget", b.slo, met, f"{b.spent:.0f} {b.unit} spent (expected {b.expected})")


def _recovery(v: Verification) -> list[Check]:
    if v.recover_within_seconds is None or Phase.RECOVERY not in v.phases:
        return []
    took, limit = v.time_to_recover_seconds, v.recover_within_seconds
    if took is None and not _recovery_measured(v, v.phases[Phase.RECOVERY] + limit):
        return [Check("recovery", "all SLIs", Met.UNKNOWN, f"not measured for all of {seconds(limit)}")]
    if took is None:
        return [Check("recovery", "all SLIs", Met.MISSED, f"not seen within {seconds(limit)}")]
    met = Met.MET if took <= limit else Met.MISSED
    return [Check("recovery", "all SLIs", met, f"{seconds(took)} (allowed: {seconds(limit)})")]


def _recovery_measured(v: Verification, until: float) -> bool:
    """Tell whether samples reach to a time, and what they lack could not be why no recovery was seen."""
    outcomes = {sli.outcome for sli in v.slis if sli.expected}
    lacking = Outcome.NO_DATA in outcomes and Outcome.NOT_RECOVERED not in outcomes
    return bool(v.samples) and v.samples[-1].at >= until and not lacking


def _rollback(v: Verification) -> list[Check]:
    if Phase.FAULT not in v.phases:
        return []
    if v.rollback.proved:
        return [Check("rollback", "live state", Met.MET, "equal to the manifest in every field")]
    return [Check("rollback", "live state", Met.MISSED, "; ".join(v.rollback.differences) or "not proved")]


def _met(
    outcome: StrEnum, met: set[Outcome] | set[AlertOutcome], unknown: set[Outcome] | set[AlertOutcome]
) -> Met:
    if outcome in met:
        return Met.MET
    return Met.UNKNOWN if outcome in unknown else Met.MISSED
