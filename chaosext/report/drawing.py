"""The architecture, each component coloured as it was at the run's worst moment."""

from __future__ import annotations

from ..result import Verification
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


def architecture(v: Verification) -> Markup | None:
    """Return the drawing as a section; None when the run knew no architecture or took no sample."""
    system, worst = v.about.architecture, worst_moment(v)
    if system is None or worst is None:
        return None
    boxes, said = [], []
    for c in system.components:
        state = component_state(v, c, worst)
        word = _WORDS[state.condition]
        value = "" if state.condition is Condition.NO_DATA else f" {state.value}"
        lines = (word, _short(state.sli + value)) if state.condition > Condition.GOOD else (word,)
        boxes.append(
            Box(
                name=c.name,
                title=c.title,
                column=c.column,
                row=c.row,
                shape=c.kind,
                state=_CLASS[state.condition],
                lines=tuple(line for line in lines if line),
                href=component_link(v, c.name),
            )
        )
        if state.condition > Condition.GOOD:
            said.append(f"{c.title}: {word[2:]} ({state.sli}{value})")
    edges = [(edge.source, edge.target) for edge in system.edges]
    label = f"The system at its worst moment. {'; '.join(said) or 'Every component is well'}."
    shades = (
        ("good", "every SLI within its tolerance"),
        ("bad", "out of tolerance"),
        ("warn", "no data, or an objective missed that the hypothesis does not ask for"),
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
        note=f"{clock(worst.at)} after the start, in the phase {worst.phase}. Arrows: who calls whom.",
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
