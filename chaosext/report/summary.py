"""The summary that a run prints at its end."""

from __future__ import annotations

from ..result import AlertResult, SliResult, Verdict, Verification
from ..words import show_value, text_table
from .words import VERDICT_WORDS, seconds, why

__all__ = ["last_line", "summary_lines"]

_HEADINGS = ("SLI", "before", "during", "after", "outcome")


def summary_lines(verification: Verification) -> list[str]:
    """Return the summary: SLIs before, during and after, times, budget, verdict."""
    judged = [sli for sli in verification.slis if sli.expected]
    lines = text_table([_HEADINGS, *(_row(sli) for sli in judged)]) if verification.phases else []
    lines.extend(_alert(alert) for alert in verification.alerts)
    if verification.time_to_detect_seconds is not None:
        lines.append(f"Time to detect: {seconds(verification.time_to_detect_seconds)}")
    if verification.time_to_recover_seconds is not None:
        allowed = seconds(verification.recover_within_seconds)
        lines.append(f"Time to recover: {seconds(verification.time_to_recover_seconds)} (allowed: {allowed})")
    lines.extend(
        f"Error budget of {b.slo}: {b.spent:.0f} of {b.size:.0f} {b.unit} spent, {b.after:.0f} left"
        for b in verification.budget
        if b.spent and b.after is not None and b.spent >= 1
    )
    if verification.phases:
        proved = "proved" if verification.rollback.proved else "not proved"
        lines.append(f"Rollback: {proved}")
    lines.append(f"Verdict: {verification.verdict}: {why(verification)}")
    return lines


def last_line(verification: Verification) -> str | None:
    """Explain Chaos Toolkit's exit code where it differs from the verdict's; None where it doesn't."""
    if verification.verdict is Verdict.VERIFIED and verification.deviated:
        return (
            f"Verified: {VERDICT_WORDS[Verdict.VERIFIED]}. `chaos run` still exits with 1, because the steady "
            "state deviated during the fault, as this experiment expects; `chaos gameday run` exits with 0."
        )
    return None


def _alert(alert: AlertResult) -> str:
    times = [f"pending after {seconds(alert.pending_after_seconds)}"] if alert.pending_after_seconds else []
    if alert.firing_after_seconds is not None:
        times.append(f"firing after {seconds(alert.firing_after_seconds)}")
    if alert.within_seconds is not None:
        times.append(f"allowed: {seconds(alert.within_seconds)}")
    return f"Alert {alert.display_name}: {alert.outcome}" + (f" ({', '.join(times)})" if times else "")


def _row(sli: SliResult) -> tuple[str, ...]:
    during = sli.during if sli.during is not None else sli.worst
    shown = (show_value(value, sli.unit) for value in (sli.baseline, during, sli.recovered))
    return (sli.display_name, *shown, str(sli.outcome))
