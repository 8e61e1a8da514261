"""report.html: a run for its readers, in one file that needs no network, no script and no server."""

from __future__ import annotations

from collections.abc import Sequence

from ..kubernetes.aftermath import Healed
from ..result import BudgetResult, Outcome, Phase, SliResult, Verdict, Verification
from ..words import show_value
from . import tables
from .advice import advice
from .drawing import architecture
from .history import Comparison
from .html_evidence import evidence_cards, root_cause_pill
from .links import overview_link
from .page import badge, card, page, tiles
from .plots import legend, sli_figures, timeline
from .rollback import rollback_card
from .svg.markup import Child, Markup, tag
from .words import seconds, why

__all__ = ["VERDICT_TONES", "render_html", "worst_sli"]

VERDICT_TONES = {
    Verdict.VERIFIED: "good",
    Verdict.SYSTEM_FAILED: "bad",
    Verdict.TOOL_ERROR: "bad",
    Verdict.FAULT_NOT_LANDED: "warn",
    Verdict.NO_DATA: "warn",
    Verdict.NOT_RUN: "warn",
}
_LONGEST_REASON = 600


def render_html(v: Verification, compared: Sequence[Comparison] = (), healed: Healed | None = None) -> str:
    """Return the report as a whole HTML document; `healed` is what a watchdog did for the run."""
    main = tag(
        "main",
        _head(v),
        _next(v),
        _numbers(v),
        _timeline(v),
        _plots(v),
        architecture(v),
        evidence_cards(v),
        tables.slis(v),
        tables.alerts(v),
        tables.budgets(v),
        rollback_card(v, healed),
        tables.comparisons(list(compared)),
        tables.versions(v, overview_link(v)),
    )
    footer = tag(
        "footer", tag("p", "Made from verification.json, which has every sample; journal.json is beside it.")
    )
    return page(f"{v.verdict}: {v.experiment}", main, footer)


def _head(v: Verification) -> Markup:
    tone = VERDICT_TONES[v.verdict]
    facts = [
        f"Experiment {v.experiment}",
        f"Started {v.started}",
        f"Took {seconds(v.duration_seconds)}",
        f"Environment {v.environment}",
    ]
    sentence = why(v)
    if len(sentence) > _LONGEST_REASON:
        sentence = f"{sentence[:_LONGEST_REASON]}… (all of it is in verification.json)"
    return tag(
        "header",
        tag("div", badge(v.verdict, tone), root_cause_pill(v), class_="said"),
        tag("h1", v.title),
        tag("p", f"{sentence[:1].upper()}{sentence[1:]}.", class_="lead"),
        tag("p", v.about.description, class_="soft") if v.about.description else None,
        _hypothesis(v),
        tag("ul", [tag("li", fact) for fact in facts], class_="facts"),
        class_=f"card head {tone}",
    )


def _hypothesis(v: Verification) -> Markup | None:
    if not v.about.hypothesis:
        return None
    return tag("p", tag("b", "Steady state: "), v.about.hypothesis, ".")


def _next(v: Verification) -> Markup | None:
    found = advice(v)
    return (
        card("What to do next", tag("ol", [tag("li", text) for text in found], class_="next"))
        if found
        else None
    )


def _numbers(v: Verification) -> Markup | None:
    """Return the numbers that are asked for first; None for a run that never came to its fault."""
    if Phase.FAULT not in v.phases:
        return None
    allowed = [a.within_seconds for a in v.alerts if a.within_seconds is not None]
    items: list[tuple[str, Child, str]] = [
        (
            "Time to detect",
            seconds(v.time_to_detect_seconds),
            f"allowed: {seconds(min(allowed))}" if allowed else "no alert is expected to fire",
        ),
        (
            "Time to recover",
            _recovery(v),
            f"allowed: {seconds(v.recover_within_seconds)}",
        ),
        _worst(v),
        *(_spent(b) for b in v.budget if b.spend_at_most is not None),
        ("Rollback", "proved" if v.rollback.proved else "not proved", "every field of the manifest compared"),
    ]
    return tiles(items)


def _recovery(v: Verification) -> str:
    if v.time_to_recover_seconds is None and Phase.RECOVERY in v.phases:
        return "not seen"
    return seconds(v.time_to_recover_seconds)


def worst_sli(v: Verification) -> SliResult | None:
    """Return the judged SLI that moved most: the lowest ratio, else a count; None when none moved."""
    calm = {Outcome.HELD, Outcome.NOT_JUDGED, Outcome.STARVED}
    moved = [s for s in v.slis if s.expected and s.outcome not in calm and s.worst is not None]
    return min(moved, key=lambda s: (s.unit == "count", s.worst), default=None)


def _worst(v: Verification) -> tuple[str, Child, str]:
    sli = worst_sli(v)
    if sli is None:
        return ("Worst SLI", "none moved", "of those that the hypothesis asks for")
    before = show_value(sli.baseline, sli.unit)
    return (sli.display_name, show_value(sli.worst, sli.unit), f"worst; before: {before}")


def _spent(b: BudgetResult) -> tuple[str, Child, str]:
    spent = "-" if b.spent is None else f"{b.spent:.0f} {b.unit}"
    return (f"Budget spent: {b.slo}", spent, f"expected {b.expected}; of {b.size:.0f}")


def _timeline(v: Verification) -> Markup | None:
    if not v.phases:
        return None
    return card("Timeline", timeline(v), note="Minutes and seconds since the start of the run.")


def _plots(v: Verification) -> Markup | None:
    if not v.samples:
        return None
    moved, held, rest = sli_figures(v)
    groups: list[Child] = [legend()]
    if moved:
        groups.append(tag("div", moved, class_="plots wide" if len(moved) == 1 else "plots"))
    if held:
        groups.append(tag("div", held, class_="plots"))
    if rest:
        groups.append(tag("h3", "Recorded, and no part of the hypothesis", class_="soft"))
        groups.append(tag("div", rest, class_="plots few"))
    note = (
        f"Each value is over the {v.short_window_seconds} s before it. Beside a name: before → worst → after."
    )
    return card("SLIs over time", *groups, note=note, long=True)
