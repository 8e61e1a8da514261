"""The tables of a run's report: SLIs, alerts, budgets, earlier runs, versions."""

from __future__ import annotations

from ..result import AlertOutcome, BudgetResult, SliResult, Verification
from ..words import show_tolerance, show_value
from .history import Comparison
from .page import card, pill, table
from .plots import TONES
from .svg.markup import Child, Markup, tag
from .svg.plot import spark
from .words import seconds

__all__ = [
    "alerts",
    "budgets",
    "comparisons",
    "show_comparison",
    "show_number",
    "show_usual",
    "slis",
    "versions",
]

ALERT_TONES = {
    AlertOutcome.FIRED: "good",
    AlertOutcome.SILENT: "good",
    AlertOutcome.LATE: "bad",
    AlertOutcome.AFTER_FAULT: "bad",
    AlertOutcome.NOT_FIRED: "bad",
    AlertOutcome.UNEXPECTED: "bad",
    AlertOutcome.NO_DATA: "warn",
    AlertOutcome.NOT_JUDGED: "none",
}


def slis(v: Verification) -> Markup:
    """Return every SLI before, at its worst and after."""
    if not v.slis:
        return card("Service level indicators", tag("p", "None was measured."))
    header = ("SLI", "Before", "During", "Worst", "After", "Tolerance", "Objective", "Expected", "Outcome")
    judged = sorted(v.slis, key=lambda sli: not sli.expected)
    note = (
        "Before: the baseline's mean. During: over the whole fault, as it had settled. Worst: the worst sample "
        f"from the fault on, each over {v.short_window_seconds} s. After: the last sample."
    )
    rows = [_sli(sli) for sli in judged]
    return card(
        "Service level indicators", table("SLIs through the run", header, rows, 4), note=note, long=True
    )


def _sli(sli: SliResult) -> list[Child]:
    values = (sli.baseline, sli.during, sli.worst, sli.recovered)
    objective = f"at most {sli.objective:g}" if sli.unit == "count" else show_value(sli.objective, sli.unit)
    return [
        sli.display_name,
        *(show_value(value, sli.unit) for value in values),
        show_tolerance(sli.tolerance, sli.unit),
        objective,
        sli.expected or "-",
        pill(sli.outcome, TONES[sli.outcome]),
    ]


def alerts(v: Verification) -> Markup:
    """Return every alert that was expected, to fire or to stay silent."""
    if not v.alerts:
        return card("Alerts", tag("p", "This experiment expects none, and asks for none."))
    rows: list[list[Child]] = [
        [
            alert.display_name,
            *(
                seconds(t)
                for t in (alert.pending_after_seconds, alert.firing_after_seconds, alert.within_seconds)
            ),
            ", ".join(f"{name}={value}" for name, value in alert.labels.items()) or "-",
            pill(alert.outcome, ALERT_TONES[alert.outcome]),
        ]
        for alert in v.alerts
    ]
    header = ("Alert", "Pending after", "Firing after", "Allowed", "Labels", "Outcome")
    return card("Alerts", table("Alerts, in seconds from the fault's landing", header, rows, 3))


def budgets(v: Verification) -> Markup:
    """Return the error budgets before, spent and left; those that were spent first."""
    if not v.budget:
        return card("Error budgets", tag("p", "Not counted."))
    header = ("SLO", "Left before", "Spent", "Left after", "Expected", "Of the whole")
    ordered = sorted(v.budget, key=lambda b: (b.spend_at_most is None, -(b.spent or 0) / b.size))
    rows: list[list[Child]] = [
        [
            b.slo,
            *(_count(n) for n in (b.before, b.spent, b.after)),
            b.expected or "-",
            tag("span", _bar(b), f"{b.size:.0f} {b.unit}"),
        ]
        for b in ordered
    ]
    return card(
        "Error budgets", table("Error budgets of the SLOs' period, in counts", header, rows, 3), long=True
    )


def _bar(b: BudgetResult) -> Markup | None:
    """Draw what is left and what this run spent, as shares of the whole."""
    if b.after is None or b.spent is None:
        return None
    left, spent = (min(max(n / b.size, 0.0), 1.0) for n in (b.after, b.spent))
    parts = [("left", left), ("spent", spent)]
    drawn = [tag("i", class_=kind, style=f"width:{share:.1%}") for kind, share in parts if share > 0]
    return tag(
        "span", drawn, class_="bar", role="img", aria_label=f"{left:.0%} left, {spent:.1%} spent by this run"
    )


def _count(number: float | None) -> str:
    return "-" if number is None else f"{number:.0f}"


def comparisons(found: list[Comparison]) -> Markup | None:
    """Return this run's numbers beside those of earlier runs; None when there is nothing to compare."""
    if not any(comparison.before for comparison in found):
        return None
    rows: list[list[Child]] = [
        [
            c.name,
            show_number(c.now, c.unit),
            show_usual(c) or "-",
            str(len(c.before)),
            spark(
                [*c.before, c.now],
                f"{c.name}: {len(c.before)} earlier runs and this one",
                1.0 if c.unit == "ratio" else None,
            ),
            pill(c.judged, {"as usual": "good", "worse than usual": "bad"}.get(c.judged, "none")),
        ]
        for c in found
    ]
    header = ("Number", "This run", "Usual", "Earlier runs", "Trend", "Judged")
    note = (
        "Usual: the median of earlier verified runs in this environment, and three standard deviations (by the "
        "median absolute deviation) on either side."
    )
    return card("Compared with earlier runs", table("Earlier runs", header, rows, 3), note=note, long=True)


def show_comparison(c: Comparison) -> str:
    """Say a number with its judgement, and what it is held against."""
    against = show_usual(c)
    return f"{c.name} is {show_number(c.now, c.unit)}, {c.judged}" + (
        f" ({against} in {len(c.before)} runs)" if against else ""
    )


def show_usual(c: Comparison) -> str:
    """Say between which bounds a number is usual, as far as there can be such numbers; "" when unknown."""
    if c.low is None or c.high is None:
        return ""
    least, most = max(c.low, 0.0), min(c.high, 1.0) if c.unit == "ratio" else c.high
    return f"{show_number(least, c.unit)} to {show_number(most, c.unit)}"


def show_number(value: float, unit: str) -> str:
    """Say a duration, a ratio or a count."""
    return seconds(value) if unit == "seconds" else show_value(value, unit)


def versions(v: Verification, link: str | None) -> Markup:
    """Return where the run took place, and with what."""
    compressed = ", compressed: far shorter than production's" if v.compressed_windows else ""
    facts: list[tuple[str, Child]] = [
        ("Run", v.run_id),
        ("Started", v.started),
        ("Environment", f"{v.environment}; short window {v.short_window_seconds} s{compressed}"),
    ]
    if v.about.grafana_url:
        at = f" (opens {v.about.grafana_url} over the time of the run)"
        facts.append(
            ("Grafana", [tag("a", "Services overview", href=link), at] if link else v.about.grafana_url)
        )
    facts.extend(v.about.versions.items())
    return card("Environment", table("Where, and with what", ("", ""), facts))
