"""What became of the expected alerts, and how soon the failure was detected."""

from __future__ import annotations

import math

from ..result import AlertOutcome, AlertResult, Phase, Verdict
from .expectations import AlertExpectation
from .record import Record

__all__ = ["alert_findings", "alert_results", "time_to_detect"]

_VERDICT_OF = {
    AlertOutcome.LATE: Verdict.SYSTEM_FAILED,
    AlertOutcome.AFTER_FAULT: Verdict.SYSTEM_FAILED,
    AlertOutcome.NOT_FIRED: Verdict.SYSTEM_FAILED,
    AlertOutcome.UNEXPECTED: Verdict.SYSTEM_FAILED,
    AlertOutcome.NO_DATA: Verdict.NO_DATA,
}

Finding = tuple[Verdict, str]


def alert_results(record: Record) -> list[AlertResult]:
    """Return what became of every expected alert; its times count from the fault's landing."""
    expected = record.expectations.alerts if record.expectations else []
    return [_result(record, index, expectation) for index, expectation in enumerate(expected)]


def time_to_detect(alerts: list[AlertResult]) -> float | None:
    """Return the seconds from the fault's landing until the first expected alert fired; None: none did."""
    fired = [a.firing_after_seconds for a in alerts if a.within_seconds is not None]
    return min((seconds for seconds in fired if seconds is not None), default=None)


def alert_findings(alerts: list[AlertResult]) -> list[Finding]:
    """Return what stands against a run in its alerts."""
    return [
        (_VERDICT_OF[a.outcome], f"alert {a.display_name} {_text(a)}")
        for a in alerts
        if a.outcome in _VERDICT_OF
    ]


def _text(alert: AlertResult) -> str:
    if alert.outcome is AlertOutcome.UNEXPECTED:
        return "fired, and was expected to stay silent"
    if alert.outcome is AlertOutcome.AFTER_FAULT:
        return "fired only when the rollback had begun"
    if alert.within_seconds is None or alert.outcome is AlertOutcome.NO_DATA:
        return str(alert.outcome)
    after = "" if alert.firing_after_seconds is None else f" after {alert.firing_after_seconds:.1f} s"
    return f"{alert.outcome}{after}, where {alert.within_seconds:g} s were allowed"


def _result(record: Record, index: int, expectation: AlertExpectation) -> AlertResult:
    pending, firing = record.alerts.pending[index], record.alerts.firing[index]
    within = expectation.within_windows
    result = AlertResult(
        name=expectation.alert,
        labels=expectation.labels,
        fired=record.alerts.fired[index],
        pending_after_seconds=_after(record, pending),
        firing_after_seconds=_after(record, firing),
        within_seconds=None if within is None else within * record.window_seconds,
        outcome=AlertOutcome.NOT_JUDGED,
    )
    if Phase.FAULT in record.phases:
        result.outcome = _outcome(record, result, firing)
    return result


def _outcome(record: Record, alert: AlertResult, firing: float | None) -> AlertOutcome:
    fired, within = alert.firing_after_seconds, alert.within_seconds
    if within is not None and record.applied is not None and record.landed is None:
        return AlertOutcome.NOT_JUDGED  # what never landed cannot be detected
    if fired is None and record.alerts.error is not None:
        return AlertOutcome.NO_DATA
    if within is None:
        return AlertOutcome.SILENT if fired is None else AlertOutcome.UNEXPECTED
    if fired is None:
        return AlertOutcome.NOT_FIRED
    if firing is not None and firing >= record.phases.get(Phase.RECOVERY, math.inf):
        return AlertOutcome.AFTER_FAULT
    return AlertOutcome.FIRED if fired <= within else AlertOutcome.LATE


def _after(record: Record, moment: float | None) -> float | None:
    """Return the seconds from the fault's landing to a moment.

    A fault whose landing was not seen counts from its action's end. An alert may be quicker than the sampling.
    """
    start = record.landed
    start = record.applied if start is None else start
    start = record.phases.get(Phase.FAULT) if start is None else start
    return None if moment is None or start is None else round(max(0.0, moment - start), 2)
