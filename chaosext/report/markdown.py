"""report.md: a verification for a CI job's summary or a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from ..result import Phase, SliResult, Verification
from .words import percent, seconds, why

__all__ = ["render_markdown"]

_BARS = "▁▂▃▄▅▆▇█"
_SPARK_COLUMNS = 48


def render_markdown(verification: Verification) -> str:
    """Return the report as Markdown."""
    v = verification
    parts = [
        f"# {_text(v.title)}",
        f"**{v.verdict}**: {_text(why(v))}.",
        _facts(v),
        "## Service level indicators",
        _sli_table(v),
        _timeline(v),
        "## Error budgets",
        _budget_table(v),
        "## Rollback",
        _rollback(v),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _facts(v: Verification) -> str:
    compressed = ", compressed" if v.compressed_windows else ""
    rows = [
        ("Experiment", v.experiment),
        ("Run", v.run_id),
        ("Started", v.started),
        ("Duration", seconds(v.duration_seconds)),
        ("Environment", f"{v.environment} (short window {v.short_window_seconds} s{compressed})"),
        ("Fault applied", _since(v.fault_landed_seconds)),
        ("Rollback began", _since(v.phases.get(Phase.RECOVERY))),
        (
            "Time to recover",
            f"{seconds(v.time_to_recover_seconds)} (allowed: {seconds(v.recover_within_seconds)})",
        ),
    ]
    return _table(("", ""), rows)


def _since(at: float | None) -> str:
    return "-" if at is None else f"{at:.1f} s after the start"


def _sli_table(v: Verification) -> str:
    if not v.slis:
        return "None was measured."
    header = (
        "SLI",
        "Objective",
        "Tolerance",
        "Before",
        "During the fault",
        "Worst",
        "After",
        "Expected",
        "Outcome",
    )
    return _table(header, [_sli_row(sli) for sli in v.slis])


def _sli_row(sli: SliResult) -> tuple[str, ...]:
    events = "" if sli.during_events is None else f" of {sli.during_events:.0f}"
    tolerance = "-" if sli.tolerance is None else f"at least {percent(sli.tolerance.low)}"
    return (
        sli.display_name,
        percent(sli.objective),
        tolerance,
        percent(sli.baseline),
        f"{percent(sli.during)}{events}",
        percent(sli.worst),
        percent(sli.recovered),
        sli.expected or "-",
        f"**{sli.outcome}**",
    )


def _timeline(v: Verification) -> str:
    """Draw each SLI over the run, one character a moment, scaled between its worst value and 100%."""
    if not v.samples:
        return ""
    span = max(v.samples[-1].at, 1.0)
    columns = min(_SPARK_COLUMNS, len(v.samples))
    width = max(len(sli.display_name) for sli in v.slis)
    lines = [
        f"{sli.display_name.ljust(width)}  {_spark(v, sli.name, columns)}  {percent(sli.worst)}"
        for sli in v.slis
    ]
    marks = [" "] * columns
    for phase, mark in ((Phase.FAULT, "F"), (Phase.RECOVERY, "R")):
        if phase in v.phases:
            marks[min(int(v.phases[phase] / span * columns), columns - 1)] = mark
    legend = (
        f"{' ' * width}  {''.join(marks).rstrip()}\n\n"
        f"Time runs from 0 to {span:.0f} s; a bar's height is between 0% and 100%, a blank is no data. "
        "F: the fault begins. R: the rollback begins. The last column is the worst value from the fault on."
    )
    return "```\n" + "\n".join([*lines, legend]) + "\n```"


def _spark(v: Verification, name: str, columns: int) -> str:
    lowest: list[float | None] = [None] * columns
    for index, sample in enumerate(v.samples):
        column = index * columns // len(v.samples)
        ratio, seen = sample.ratios.get(name), lowest[column]
        if ratio is not None:
            lowest[column] = ratio if seen is None else min(seen, ratio)
    return "".join(" " if r is None else _BARS[round(r * (len(_BARS) - 1))] for r in lowest)


def _budget_table(v: Verification) -> str:
    if not v.budget:
        return "Not counted."
    header = ("SLO", "Unit", "Budget", "Left before", "Spent by this run", "Expected at most", "Left after")
    rows = []
    for b in v.budget:
        counts = (b.before, b.spent, b.spend_at_most, b.after)
        rows.append((b.slo, b.unit, f"{b.size:.0f}", *("-" if n is None else f"{n:.0f}" for n in counts)))
    return _table(header, rows)


def _rollback(v: Verification) -> str:
    if v.rollback.proved:
        return (
            "Proved: every field of the manifest is equal in the live objects, every rollout is complete, and "
            "nothing that the run created is left."
        )
    return "Not proved:\n\n" + "\n".join(f"- {_text(difference)}" for difference in v.rollback.differences)


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(_text(cell) for cell in line) + " |" for line in lines)


def _text(text: str) -> str:
    """Keep what came from outside from being Markdown, on one line."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
