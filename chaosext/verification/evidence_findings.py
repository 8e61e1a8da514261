"""Judges the evidence: expected lines that are missing, and another root cause than the one expected."""

from __future__ import annotations

from ..result import Verdict
from .expectations import EvidenceExpectation
from .record import Record

__all__ = ["evidence_findings"]

Finding = tuple[Verdict, str]


def evidence_findings(record: Record) -> list[Finding]:
    """Return what speaks against the expected evidence.

    An SLI may have moved for another reason, so that without its evidence a fault has not landed; but where the
    experiment's own activity showed that it did, the system behaved in another way than expected. What could
    not be asked is no data.
    """
    expected = record.expectations.evidence if record.expectations else EvidenceExpectation()
    missing = Verdict.FAULT_NOT_LANDED if record.shown is None else Verdict.SYSTEM_FAILED
    return [*_log_findings(record, expected, missing), *_cause_findings(record, expected, missing)]


def _log_findings(record: Record, expected: EvidenceExpectation, missing: Verdict) -> list[Finding]:
    asked = {log.name: log for log in record.evidence.logs}
    whole = record.evidence.not_collected.get("logs")
    found: list[Finding] = []
    for want in expected.logs:
        log = asked.get(want.name)
        if log is None or log.count is None:
            why = whole or (log.missing if log else None) or "the run ended before"
            found.append((Verdict.NO_DATA, f"the lines of {want.name!r} could not be asked for: {why}"))
        elif not log.found:
            lines = f"{log.count} of at least {want.at_least} lines of {want.name!r} came ({want.query})"
            found.append((missing, f"expected evidence is missing: {lines}"))
    return found


def _cause_findings(record: Record, expected: EvidenceExpectation, missing: Verdict) -> list[Finding]:
    if expected.root_cause is None:
        return []
    cause = record.evidence.root_cause
    if cause is None:
        why = record.evidence.not_collected.get("traces", "the run ended before")
        return [(Verdict.NO_DATA, f"the root cause could not be asked for: {why}")]
    if expected.root_cause.met_by(cause):
        return []
    named = (
        f"traces blame {cause.service} ({cause.words})"
        if cause.service
        else f"traces blame nobody ({cause.words})"
    )
    return [(missing, f"the root cause is not {expected.root_cause}: {named}")]
