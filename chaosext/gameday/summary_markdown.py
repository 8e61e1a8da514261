"""summary.md: a game day for a CI job's summary."""

from __future__ import annotations

from ..report.markdown import markdown_table, markdown_text
from ..report.tables import show_comparison
from ..report.words import seconds, why
from ..result import Verdict
from .score import HOW
from .summary import DayResult

__all__ = ["render_summary"]

_SIGNS = {
    Verdict.VERIFIED: "✅",
    Verdict.SYSTEM_FAILED: "❌",
    Verdict.TOOL_ERROR: "🛠️",
    Verdict.FAULT_NOT_LANDED: "⚠️",
    Verdict.NO_DATA: "⚠️",
    Verdict.NOT_RUN: "⏸️",
}


def render_summary(day: DayResult) -> str:
    """Return a day as Markdown."""
    parts = [
        f"# {markdown_text(day.record.title)}",
        f"**{day.verdict}**: {markdown_text(day.headline())}.",
        f"{day.record.environment}, {day.record.started} to {day.record.ended or 'now'}"
        + (f", which took {day.took}." if day.took else "."),
        _experiments(day),
        _regressions(day),
        _stale(day),
        f"Resilience score: {HOW}{_left_out(day)}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _experiments(day: DayResult) -> str:
    header = ("", "Experiment", "Verdict", "Took", "Detected after", "Recovered after", "Why")
    rows = [
        (
            _SIGNS[v.verdict],
            v.experiment,
            f"**{v.verdict}**",
            seconds(v.duration_seconds),
            seconds(v.time_to_detect_seconds),
            seconds(v.time_to_recover_seconds),
            "" if v.verdict is Verdict.VERIFIED else why(v)[:300],
        )
        for v in (run.verification for run in day.runs)
    ]
    rows += [
        (_SIGNS[verdict], name, f"**{verdict}**", "-", "-", "-", reason)
        for name, verdict, reason in day.not_run
    ]
    return markdown_table(header, rows)


def _regressions(day: DayResult) -> str:
    lines = [
        f"- {markdown_text(run.verification.experiment)}: {markdown_text(show_comparison(c))}"
        for run in day.runs
        for c in run.regressions
    ]
    return "\n".join(["## Worse than usual\n", *lines]) if lines else ""


def _stale(day: DayResult) -> str:
    stale = [c.title if c.started is None else f"{c.title} (last {c.started})" for c in day.coverage if c.stale]
    if not stale:
        return ""
    return f"Not tested for {day.record.stale_after_days} days, or never: {markdown_text(', '.join(stale))}."


def _left_out(day: DayResult) -> str:
    names = day.score.not_judged
    return f" Not judged today: {markdown_text(', '.join(names))}." if names else ""
