"""The worst moment of a run, and how each component was then."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from ..architecture import Component
from ..result import Phase, Sample, SliResult, Verification
from ..words import show_value

__all__ = ["Condition", "State", "component_state", "worst_moment"]


class Condition(IntEnum):
    """How an SLI or a component is, the worst last."""

    UNKNOWN = 0
    GOOD = 1
    NO_DATA = 2
    OFF_OBJECTIVE = 3
    OUT_OF_TOLERANCE = 4


@dataclass(frozen=True)
class State:
    """How a component was: its condition, and the SLI (with its value) that says so."""

    condition: Condition
    sli: str = ""
    value: str = ""


def worst_moment(v: Verification) -> Sample | None:
    """Return the sample from the fault on with the most SLIs out of tolerance, then those furthest out.

    None when there is none. Without a fault the whole run is searched.
    """
    touched = [s for s in v.samples if s.phase is not Phase.BASELINE] or v.samples
    return max(touched, key=lambda sample: _badness(v, sample), default=None)


def component_state(v: Verification, component: Component, sample: Sample | None) -> State:
    """Return how a component was at a moment: as bad as its worst SLI."""
    found = State(Condition.UNKNOWN)
    by_name = {sli.name: sli for sli in v.slis}
    for name in component.slis:
        sli = by_name.get(name)
        if sli is None or sample is None:
            continue
        value = sample.values.get(name)
        condition = _condition(sli, value)
        if condition > found.condition:
            found = State(condition, sli.display_name, show_value(value, sli.unit))
    return found


def _condition(sli: SliResult, value: float | None) -> Condition:
    """Hold a value against the tolerance; against the objective where no hypothesis states a tolerance."""
    if value is None:
        return Condition.NO_DATA
    if sli.tolerance is not None:
        return Condition.GOOD if sli.tolerance.holds(value) else Condition.OUT_OF_TOLERANCE
    met = value <= sli.objective if sli.unit == "count" else value >= sli.objective
    return Condition.GOOD if met else Condition.OFF_OBJECTIVE


def _badness(v: Verification, sample: Sample) -> tuple[int, int, float]:
    conditions = [_condition(sli, sample.values.get(sli.name)) for sli in v.slis]
    missing = sum(
        value is None for sli in v.slis if sli.tolerance is not None for value in [sample.values.get(sli.name)]
    )
    ratios = [
        1 - value
        for sli in v.slis
        if sli.unit == "ratio"
        and sli.tolerance is not None
        and (value := sample.values.get(sli.name)) is not None
    ]
    return conditions.count(Condition.OUT_OF_TOLERANCE), missing, sum(ratios)
