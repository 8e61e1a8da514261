"""report.md: a verification for a CI job's summary or a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from ..kubernetes.aftermath import Healed
from ..result import AlertResult, Phase, SliResult, Verification
from ..words import show_tolerance, show_value
from .advice import advice
from .events import events
from .history import Comparison
from .links import overview_link
from .markdown_evidence import evidence_section
from .markdown_parts import markdown_table, markdown_text
from .rollback import rollback_section
from .svg.markup import clean
from .svg.scale import clock
from .tables import show_number, show_usual
from .words import seconds, why

__all__ = ["markdown_table", "markdown_text", "render_markdown"]

_BARS = "▁▂▃▄▅▆▇█"
_SPARK_COLUMNS = 48


def render_markdown(
    verification: Verification, compared: Sequence[Comparison] = (), healed: Healed | None = None
) -> str:
    """Return the report as Markdown, with a comparison with earlier runs where there are any.

    `healed` is what a watchdog did for the run.
    """
    v = verification
    parts = [
        f"# {markdown_text(v.title)}",
        f"**{v.verdict}**: {markdown_text(why(v))}.",
        _next(v),
        _facts(v),
        "## Service level indicators",
        _sli_table(v),
        _timeline(v),
        _events(v),
        "## Alerts",
        _alert_table(v),
        evidence_section(v),
        "## Error budgets",
        _budget_table(v),
        "## Rollback",
        rollback_section(v, healed),
        _earlier(compared),
        _versions(v),
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
        ("Fault applied", _since(v.fault_applied_seconds)),
        ("Fault landed", _since(v.fault_landed_seconds)),
        ("Rollback began", _since(v.phases.get(Phase.RECOVERY))),
        ("Time to detect", seconds(v.time_to_detect_seconds)),
        (
            "Time to recover",
            f"{seconds(v.time_to_recover_seconds)} (allowed: {seconds(v.recover_within_seconds)})",
        ),
    ]
    return markdown_table(("", ""), rows)


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
    return markdown_table(header, [_sli_row(sli) for sli in v.slis])


def _sli_row(sli: SliResult) -> tuple[str, ...]:
    events = "" if sli.during_events is None else f" of {sli.during_events:.0f}"
    return (
        sli.display_name,
        f"at most {sli.objective:g}" if sli.unit == "count" else show_value(sli.objective, sli.unit),
        show_tolerance(sli.tolerance, sli.unit),
        show_value(sli.baseline, sli.unit),
        f"{show_value(sli.during, sli.unit)}{events}",
        show_value(sli.worst, sli.unit),
        show_value(sli.recovered, sli.unit),
        sli.expected or "-",
        f"**{sli.outcome}**",
    )


def _alert_table(v: Verification) -> str:
    if not v.alerts:
        return "None was expected."
    header = ("Alert", "Labels", "Pending after", "Firing after", "Allowed", "Outcome")
    return markdown_table(header, [_alert_row(alert) for alert in v.alerts]) + (
        "\n\nTimes count from the fault's landing."
    )


def _alert_row(alert: AlertResult) -> tuple[str, ...]:
    labels = ", ".join(f"{name}={value}" for name, value in alert.labels.items())
    times = (alert.pending_after_seconds, alert.firing_after_seconds, alert.within_seconds)
    return (alert.display_name, labels or "-", *(seconds(time) for time in times), f"**{alert.outcome}**")


def _timeline(v: Verification) -> str:
    """Draw each SLI over the run, one character a moment: the worst value of that moment."""
    if not v.samples or not v.slis:
        return ""
    span = max(v.samples[-1].at, 1.0)
    columns = min(_SPARK_COLUMNS, len(v.samples))
    # Within a block of code only the marks that would end it are not text.
    names = [" ".join(clean(sli.display_name).split()).replace("`", "'") for sli in v.slis]
    width = max(len(name) for name in names)
    lines = [
        f"{name.ljust(width)}  {_spark(v, sli, columns)}  {show_value(sli.worst, sli.unit)}"
        for name, sli in zip(names, v.slis, strict=True)
    ]
    marks = [" "] * columns
    for phase, mark in ((Phase.FAULT, "F"), (Phase.RECOVERY, "R")):
        if phase in v.phases:
            marks[min(int(v.phases[phase] / span * columns), columns - 1)] = mark
    legend = (
        f"{' ' * width}  {''.join(marks).rstrip()}\n\n"
        f"Time runs from 0 to {span:.0f} s; a bar's height is between 0% and 100%, or 0 and a count's "
        "greatest value; a blank is no data. "
        "F: the fault begins. R: the rollback begins. The last column is the worst value from the fault on."
    )
    return "```\n" + "\n".join([*lines, legend]) + "\n```"


def _spark(v: Verification, sli: SliResult, columns: int) -> str:
    counted = sli.unit == "count"
    worse = max if counted else min
    cells: list[float | None] = [None] * columns
    for index, sample in enumerate(v.samples):
        column = index * columns // len(v.samples)
        value, seen = sample.values.get(sli.name), cells[column]
        if value is not None:
            cells[column] = value if seen is None else worse(seen, value)
    top = max([1.0, *(cell for cell in cells if cell is not None)]) if counted else 1.0
    return "".join(" " if c is None else _BARS[round(c / top * (len(_BARS) - 1))] for c in cells)


def _budget_table(v: Verification) -> str:
    if not v.budget:
        return "Not counted."
    header = ("SLO", "Unit", "Budget", "Left before", "Spent by this run", "Left after", "Expected")
    rows = []
    for b in v.budget:
        counts = ("-" if n is None else f"{n:.0f}" for n in (b.before, b.spent, b.after))
        rows.append((b.slo, b.unit, f"{b.size:.0f}", *counts, b.expected or "-"))
    return markdown_table(header, rows)


def _next(v: Verification) -> str:
    return "\n".join(f"{n}. {markdown_text(text)}" for n, text in enumerate(advice(v), start=1))


def _events(v: Verification) -> str:
    return "\n".join(f"- {clock(event.at)} {markdown_text(event.text)}" for event in events(v))


def _earlier(compared: Sequence[Comparison]) -> str:
    if not any(c.before for c in compared):
        return ""
    rows = []
    for c in compared:
        usual = show_usual(c) or "-"
        rows.append((c.name, show_number(c.now, c.unit), usual, str(len(c.before)), f"**{c.judged}**"))
    header = ("Number", "This run", "Usual", "Earlier runs", "Judged")
    return "## Compared with earlier runs\n\n" + markdown_table(header, rows)


def _versions(v: Verification) -> str:
    link = overview_link(v)
    rows = [*v.about.versions.items(), *([("Grafana", link)] if link else [])]
    return "## Versions\n\n" + markdown_table(("", ""), rows) if rows else ""
