"""Numbers in words, the same in every form of the report."""

from __future__ import annotations

from ..result import Verdict, Verification

__all__ = ["VERDICT_WORDS", "seconds", "why"]

VERDICT_WORDS = {
    Verdict.VERIFIED: "every expectation was met, and the rollback is proved",
    Verdict.SYSTEM_FAILED: "the system did not behave as expected",
    Verdict.TOOL_ERROR: "the suite itself could not do its work",
    Verdict.FAULT_NOT_LANDED: "the fault's effect never showed",
    Verdict.NO_DATA: "SLIs could not be measured",
    Verdict.NOT_RUN: "the experiment did not run",
}


def seconds(value: float | None) -> str:
    """Say a duration; a dash for None."""
    return "-" if value is None else f"{value:.1f} s"


def why(verification: Verification) -> str:
    """Say in one line why the verdict is what it is."""
    return "; ".join(verification.reasons) or VERDICT_WORDS[verification.verdict]
