"""The architecture, each component coloured as it was at the run's worst moment."""

from __future__ import annotations

from dataclasses import dataclass

from ..architecture import Component
from ..result import Sample, Verification
from .links import component_link
from .moment import Condition, component_state, worst_moment
from .page import card
from .svg.diagram import Box, diagram
from .svg.markup import Markup, tag
from .svg.scale import clock

__all__ = ["architecture"]

_CLASS = {
    Condition.UNKNOWN: "unknown",
    Condition.GOOD: "good",
    Condition.NO_DATA: "warn",
    Condition.OFF_OBJECTIVE: "warn",
    Condition.OUT_OF_TOLERANCE: "bad",
}
_WORDS = {
    Condition.UNKNOWN: "",
    Condition.GOOD: "✓ well",
    Condition.NO_DATA: "! no data",
    Condition.OFF_OBJECTIVE: "! misses its objective",
    Condition.OUT_OF_TOLERANCE: "✕ out of tolerance",
}
_LONGEST = 26
_NOTABLE = 0.01
"""A share of failed requests below this comes by itself, while pods are replaced."""


def architecture(v: Verification) -> Markup | None:
    """Return the drawing as a section; None when the run knew no architecture or took no sample."""
    system, worst = v.about.architecture, worst_moment(v)
    if system is None or worst is None:
        return None
    boxes, said = [], []
    for c in system.components:
        look = _look(v, c, worst)
        boxes.append(
            Box(
                name=c.name,
                title=c.title,
                column=c.column,
                row=c.row,
                shape=c.kind,
                state=look.state,
                lines=tuple(_short(line) for line in look.lines),
                href=component_link(v, c.name),
            )
        )
        if look.state in {"warn", "bad"}:
            said.append(f"{c.title}: {', '.join(line.lstrip('✕! ') for line in look.lines)}")
    edges = [(edge.source, edge.target) for edge in system.edges]
    label = f"The system at its worst moment. {'; '.join(said) or 'Every component is well'}."
    shades = (
        ("good", "every SLI within its tolerance; without one: no request failed"),
        ("bad", "out of tolerance, or the probable root cause"),
        ("warn", "no data, an objective missed that the hypothesis does not ask for, or requests failed"),
        ("none", "not measured"),
    )
    return card(
        "The system at its worst moment",
        tag(
            "div",
            tag("div", diagram(boxes, edges, label), class_="drawing"),
            class_="scroll",
            tabindex=0,
            role="region",
            aria_label="Drawing of the system",
        ),
        tag(
            "ul",
            [tag("li", tag("span", class_=f"box {kind}"), text) for kind, text in shades],
            class_="legend",
        ),
        note=(
            f"{clock(worst.at)} after the start, in the phase {worst.phase}. Arrows: who calls whom. Where no "
            "SLI says that something is wrong, the fault's traces may: the share of a service's requests that "
            "failed."
        ),
    )


@dataclass(frozen=True)
class _Look:
    """How a component is drawn: its CSS class, and the lines below its title."""

    state: str
    lines: tuple[str, ...]


def _look(v: Verification, c: Component, worst: Sample) -> _Look:
    """Return how its SLIs make a component look, or its traces where they say more."""
    state = component_state(v, c, worst)
    word = _WORDS[state.condition]
    look = _Look(_CLASS[state.condition], (word,) if word else ())
    if state.condition > Condition.GOOD:
        value = "" if state.condition is Condition.NO_DATA else f" {state.value}"
        look = _Look(look.state, (word, f"{state.sli}{value}"))
    elif (traced := _traced(v, c.name)) is not None and (traced.state == "warn" or not word):
        look = traced
    cause = v.evidence.root_cause
    if cause is not None and cause.service == c.name:
        return _Look("bad", ("✕ probable root cause", *look.lines[-1:]))
    return look


def _traced(v: Verification, component: str) -> _Look | None:
    """Return how the fault's traces make a component look; None when it answered no request in them."""
    found = next((s for s in v.evidence.services if s.service == component and s.requests), None)
    if found is None:
        return None
    if found.rate < _NOTABLE:
        return _Look("good", ("✓ no request failed" if not found.failed else "✓ hardly a request failed",))
    return _Look("warn", (f"! {found.rate:.0%} of requests failed",))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
