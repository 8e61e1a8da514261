"""Judges a run: an outcome for each SLI, a verdict, and the reasons in words."""

from __future__ import annotations

from statistics import fmean

from ..result import WORST_FIRST, AlertResult, Outcome, Phase, Sample, SliResult, Tolerance, Verdict
from ..slo.model import Slo
from ..words import show_tolerance, show_value
from .detection import alert_findings
from .evidence_findings import evidence_findings
from .expectations import Expectation
from .record import Record

__all__ = ["judge", "sli_results"]

_VERDICT_OF = {
    Outcome.UNEXPECTED: Verdict.SYSTEM_FAILED,
    Outcome.TOO_FAR: Verdict.SYSTEM_FAILED,
    Outcome.NOT_RECOVERED: Verdict.SYSTEM_FAILED,
    Outcome.NOT_DEVIATED: Verdict.FAULT_NOT_LANDED,
    Outcome.NO_DATA: Verdict.NO_DATA,
}

Finding = tuple[Verdict, str]


def judge(record: Record, slis: list[SliResult], alerts: list[AlertResult]) -> tuple[Verdict, list[str]]:
    """Return the verdict and its reasons, the worst first; a verified run has none.

    A run that did not reach its fault is judged by that alone: what it would have shown is not known.
    """
    findings = _tool_findings(record) + _not_run_findings(record)
    if not findings:
        findings = [
            *_landing_findings(record),
            *(f for sli in slis if (f := _sli_finding(record, sli)) is not None),
            *alert_findings(alerts),
            *_recovery_findings(record),
            *_budget_findings(record),
            *evidence_findings(record),
        ]
    # Whatever else happened, a system that was touched must have been restored.
    if Phase.FAULT in record.phases and not record.rollback.proved:
        what = "; ".join(record.rollback.differences) or "no proof was made"
        findings.append((Verdict.SYSTEM_FAILED, f"the rollback is not proved: {what}"))
        if record.left is not None:
            findings.append((Verdict.SYSTEM_FAILED, record.left))
    findings.sort(key=lambda finding: WORST_FIRST.index(finding[0]))
    verdict = findings[0][0] if findings else Verdict.VERIFIED
    return verdict, list(dict.fromkeys(text for _, text in findings))


def sli_results(record: Record) -> list[SliResult]:
    """Return what became of every SLI."""
    expected = {e.sli: e for e in record.expectations.expect} if record.expectations else {}
    return [_sli_result(record, slo, expected.get(name)) for name, slo in record.slos.items()]


def _sli_result(record: Record, slo: Slo, expectation: Expectation | None) -> SliResult:
    name = slo.name
    tolerance = record.tolerances.get(name)
    before = _values(record.samples, name, Phase.BASELINE)
    touched = [s for s in record.samples if s.phase is not Phase.BASELINE]
    after = [value for s in touched if (value := s.values.get(name)) is not None]
    settled = record.settled.get(name)
    result = SliResult(
        name=name,
        display_name=slo.metadata.display_name or name,
        unit="count" if slo.is_count else "ratio",
        objective=slo.objective.target if slo.objective.value is None else slo.objective.value,
        tolerance=tolerance,
        baseline=fmean(before) if before else None,
        worst=(max if slo.is_count else min)(after) if after else None,
        during=settled.value if settled else None,
        during_events=None if settled is None or settled.total is None else round(settled.total, 1),
        recovered=record.samples[-1].values.get(name) if record.samples else None,
        expected=expectation.words("count" if slo.is_count else "ratio") if expectation else "",
        outcome=Outcome.NOT_JUDGED,
        deviated_after_seconds=_deviated_after(record, name, tolerance),
        missing=next((s.missing[name] for s in reversed(record.samples) if name in s.missing), None),
    )
    if expectation is not None and tolerance is not None and Phase.FAULT in record.phases:
        result.outcome = _outcome(record, result, expectation, tolerance)
    return result


def _outcome(record: Record, sli: SliResult, expectation: Expectation, tolerance: Tolerance) -> Outcome:
    if Phase.RECOVERY in record.phases:
        if sli.recovered is None:
            return Outcome.NO_DATA
        if not tolerance.holds(sli.recovered):
            return Outcome.NOT_RECOVERED
    if expectation.outcome == "deviates":
        return _deviation(sli, expectation, tolerance)
    if expectation.outcome == "starved":
        return _starvation(record, sli, expectation, tolerance)
    if sli.worst is None or _longest_gap(record, sli.name) > record.window_seconds:
        return Outcome.NO_DATA
    return Outcome.HELD if tolerance.holds(sli.worst) else Outcome.UNEXPECTED


def _starvation(record: Record, sli: SliResult, expectation: Expectation, tolerance: Tolerance) -> Outcome:
    """Ask for too few events over the settled fault; what was measured must hold, or lie above the bound.

    One sample without enough of them is no famine, and a query that failed is no lack of traffic.
    """
    low = tolerance.low if expectation.at_least is None else min(expectation.at_least, tolerance.low)
    if sli.worst is not None and not low <= sli.worst <= tolerance.high:
        return Outcome.UNEXPECTED
    settled = record.settled.get(sli.name)
    if settled is None or settled.failed:
        return Outcome.NO_DATA
    return Outcome.STARVED if settled.value is None else Outcome.NOT_DEVIATED


def _deviation(sli: SliResult, expectation: Expectation, tolerance: Tolerance) -> Outcome:
    if sli.during is None:
        return Outcome.NO_DATA
    high = expectation.at_most is not None and sli.during > expectation.at_most
    low = expectation.at_least is not None and sli.during < expectation.at_least
    if not high and not low:
        return Outcome.DEVIATED
    # Between the tolerance and the stated bound it has not deviated enough, beyond the other bound too much.
    return Outcome.NOT_DEVIATED if high == expectation.falls(tolerance) else Outcome.TOO_FAR


def _longest_gap(record: Record, name: str) -> float:
    """Return the longest time from the fault on, in seconds, that no sample of an SLI speaks for.

    A sample speaks for the window before it: one missed sample hides nothing, a window of them does.
    """
    last = record.phases[Phase.FAULT]
    longest = 0.0
    for sample in record.samples:
        if sample.at >= last and sample.values.get(name) is not None:
            longest, last = max(longest, sample.at - last), sample.at
    end = record.samples[-1].at if record.samples else last
    return max(longest, end - last)


def _deviated_after(record: Record, name: str, tolerance: Tolerance | None) -> float | None:
    start = record.phases.get(Phase.FAULT)
    if start is None or tolerance is None:
        return None
    for sample in record.samples:
        value = sample.values.get(name)
        if sample.at >= start and value is not None and not tolerance.holds(value):
            return round(max(0.0, sample.at - (record.applied or start)), 2)
    return None


def _values(samples: list[Sample], name: str, phase: Phase) -> list[float]:
    return [v for s in samples if s.phase is phase and (v := s.values.get(name)) is not None]


def _tool_findings(record: Record) -> list[Finding]:
    texts = [record.bad_input] if record.bad_input else []
    return [(Verdict.TOOL_ERROR, text) for text in [*texts, *record.tool_errors]]


def _not_run_findings(record: Record) -> list[Finding]:
    """Return why the run did not come to its end, by the first thing that stopped it."""
    if record.bad_input is not None:
        return []
    unmeasured = record.steady is False and _never_measured(record)
    why = f": the hypothesis's probe {record.last_probe}" if record.last_probe else ""
    stopped = (
        (record.refusal is not None, Verdict.NOT_RUN, str(record.refusal)),
        (
            record.steady is False,
            Verdict.NO_DATA if unmeasured else Verdict.NOT_RUN,
            f"no steady baseline, so no fault was applied: {record.unsteady}",
        ),
        (record.aborted is not None, Verdict.SYSTEM_FAILED, str(record.aborted)),
        (record.interrupted, Verdict.NOT_RUN, "the run was interrupted"),
        (Phase.FAULT not in record.phases, Verdict.NOT_RUN, f"the method did not run{why}"),
    )
    return next(([(verdict, text)] for holds, verdict, text in stopped if holds), [])


def _never_measured(record: Record) -> bool:
    """Tell whether some SLI of the hypothesis had no data in the last sample."""
    last = record.samples[-1].values if record.samples else {}
    return any(last.get(name) is None for name in record.tolerances)


def _landing_findings(record: Record) -> list[Finding]:
    if record.not_shown is not None:
        return [(Verdict.FAULT_NOT_LANDED, record.not_shown)]
    wanted = record.expectations.landed_when if record.expectations else None
    if wanted is not None and record.shown is None:
        return [(Verdict.FAULT_NOT_LANDED, f"{wanted!r}, which shows that the fault landed, did not succeed")]
    return []


def _sli_finding(record: Record, sli: SliResult) -> Finding | None:
    if sli.outcome not in _VERDICT_OF:
        return None
    moved = "rose" if sli.unit == "count" else "fell"
    worst, during, recovered = (show_value(v, sli.unit) for v in (sli.worst, sli.during, sli.recovered))
    tolerance = show_tolerance(sli.tolerance, sli.unit)
    verdict, why = _VERDICT_OF[sli.outcome], "the fault never showed"
    if sli.outcome is Outcome.NOT_DEVIATED and record.shown is not None:
        # That the fault is there was proved otherwise: it is the system that behaved in another way.
        verdict, why = Verdict.SYSTEM_FAILED, "the fault landed, and did not show here"
    texts = {
        Outcome.UNEXPECTED: f"{moved} to {worst}, outside its tolerance of {tolerance}",
        Outcome.TOO_FAR: f"{moved} to {during}, further than expected ({sli.expected})",
        Outcome.NOT_RECOVERED: f"ended at {recovered}, outside its tolerance of {tolerance}",
        Outcome.NOT_DEVIATED: f"stayed at {during} ({sli.expected} was expected): {why}",
        Outcome.NO_DATA: f"could not be measured: {sli.missing or 'no sample was taken'}",
    }
    return verdict, f"{sli.display_name} {texts[sli.outcome]}"


def _recovery_findings(record: Record) -> list[Finding]:
    if Phase.RECOVERY not in record.phases:
        return [(Verdict.TOOL_ERROR, "no rollback ran: the experiment's runtime must say strategy 'always'")]
    if record.not_restored:
        return [(Verdict.SYSTEM_FAILED, text) for text in record.not_restored]
    limit, took = record.recover_within, record.time_to_recover
    if limit is None or (took is not None and took <= limit):
        return []
    if took is None and _never_measured(record):
        return []  # each SLI without data says so itself
    said = f"took {took:.1f} s" if took is not None else "was not seen"
    return [(Verdict.SYSTEM_FAILED, f"recovery of all SLIs {said}, where {limit:g} s were allowed")]


def _budget_findings(record: Record) -> list[Finding]:
    counted = {b.slo: b for b in record.budget}
    found = []
    for limit in record.expectations.budget if record.expectations else []:
        budget = counted.get(limit.slo)
        if budget is None or budget.spent is None:
            found.append(
                (Verdict.NO_DATA, f"what the run spent of the error budget of {limit.slo} is not known")
            )
        elif budget.as_expected is False:
            little = budget.spent < (budget.spend_at_least or 0)
            found.append(
                (
                    Verdict.FAULT_NOT_LANDED if little else Verdict.SYSTEM_FAILED,
                    f"the run spent {budget.spent:.0f} {budget.unit} of the error budget of {limit.slo}, where "
                    f"{budget.expected} were expected",
                )
            )
    return found
