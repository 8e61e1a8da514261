"""What an experiment expects of its failure, stated as numbers in its `extensions`.

    "extensions": [{
      "name": "chaosext",
      "expect": [
        {"sli": "payment-success", "outcome": "deviates", "at_most": 0.88, "at_least": 0.6},
        {"sli": "product-latency", "outcome": "holds"}
      ],
      "recover_within_windows": 4,
      "budget": [{"slo": "payment-success", "spend_at_most": 120}]
    }]

Tolerances are not repeated here: they are the steady-state hypothesis's own.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..environment import validation_line
from ..errors import BadInput
from ..result import Tolerance
from ..slo.load import find
from ..slo.model import Slo

__all__ = ["Expectation", "Expectations", "parse_expectations", "parse_tolerances"]

NAME = "chaosext"
_PROBE_MODULE, _PROBE_FUNCTION = "chaosext.slo.probes", "sli"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expectation(_Strict):
    """What is expected of one SLI while the fault lasts.

    holds: every sample stays within its tolerance. deviates: over the settled fault it lies at or below
    `at_most` (or the fault did not land) and at or above `at_least` (or the failure is worse than thought).
    starved: its traffic is cut upstream, so that no data is no failure.
    """

    sli: str
    outcome: Literal["holds", "deviates", "starved"]
    at_most: float | None = Field(None, ge=0, le=1)
    at_least: float = Field(0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _bounds(self) -> Expectation:
        if (self.outcome == "deviates") != (self.at_most is not None):
            raise ValueError("at_most belongs to outcome 'deviates', and to it alone")
        if self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("at_least is above at_most")
        return self

    def __str__(self) -> str:
        """Say it in words."""
        if self.at_most is None:
            return self.outcome
        return f"deviates to {self.at_least:.0%} to {self.at_most:.0%}"


class BudgetLimit(_Strict):
    """The most that a run may spend of an SLO's error budget, in the budget's unit."""

    slo: str
    spend_at_most: float = Field(gt=0)


class Expectations(_Strict):
    """An experiment's expectations; durations are multiples of the environment's short window."""

    name: Literal["chaosext"]
    expect: list[Expectation] = Field(min_length=1)
    baseline_within_windows: float = Field(3, gt=0)
    recover_within_windows: float = Field(gt=0)
    budget: list[BudgetLimit] = []


def parse_expectations(experiment: dict[str, Any], slos: dict[str, Slo]) -> Expectations:
    """Return an experiment's expectations.

    Raises BadInput when they are missing or wrong, name an SLI that the SLO file lacks, or leave out one that
    the steady-state hypothesis asks for (or the reverse).
    """
    mine = [e for e in experiment.get("extensions") or [] if isinstance(e, dict) and e.get("name") == NAME]
    if len(mine) != 1:
        raise BadInput(f"extensions: one entry named {NAME!r} must state what is expected; found {len(mine)}")
    try:
        parsed = Expectations.model_validate(mine[0])
    except ValidationError as error:
        raise BadInput(f"extensions.{NAME}: {validation_line(error)}") from error
    expected = [e.sli for e in parsed.expect]
    tolerances = parse_tolerances(experiment)
    asked = set(tolerances)
    for name in [*asked, *expected, *(limit.slo for limit in parsed.budget)]:
        find(slos, name)
    if len(set(expected)) != len(expected):
        raise BadInput(f"extensions.{NAME}.expect: an SLI is named twice")
    if lacking := sorted(asked.symmetric_difference(expected)):
        raise BadInput(
            f"extensions.{NAME}.expect and the steady-state hypothesis must name the same SLIs; "
            f"only one of them names {', '.join(lacking)}"
        )
    for expectation in parsed.expect:
        low = tolerances[expectation.sli].low
        if expectation.at_most is not None and expectation.at_most >= low:
            raise BadInput(
                f"extensions.{NAME}.expect: {expectation.sli} may deviate to {expectation.at_most:g}, in its "
                f"tolerance, which begins at {low:g}: a deviation must lie below it"
            )
    return parsed


def parse_tolerances(experiment: dict[str, Any]) -> dict[str, Tolerance]:
    """Return the tolerance of every SLI that the steady-state hypothesis asks for.

    Raises BadInput when a probe of an SLI has no range as its tolerance.
    """
    found: dict[str, Tolerance] = {}
    for probe in (experiment.get("steady-state-hypothesis") or {}).get("probes") or []:
        provider = probe.get("provider") or {}
        if (provider.get("module"), provider.get("func")) != (_PROBE_MODULE, _PROBE_FUNCTION):
            continue
        arguments = provider.get("arguments") or {}
        low, high = _range(probe)
        if not isinstance(arguments.get("name"), str):
            raise BadInput(f"probe {probe.get('name')!r}: arguments: name is missing: which SLI?")
        if arguments["name"] in found:
            raise BadInput(f"probe {probe.get('name')!r}: another probe asks for {arguments['name']} already")
        try:
            found[str(arguments["name"])] = Tolerance(
                low=low, high=high, min_events=arguments.get("min_events", 1)
            )
        except ValidationError as error:
            raise BadInput(f"probe {probe.get('name')!r}: arguments: {validation_line(error)}") from error
    return found


def _range(probe: dict[str, Any]) -> tuple[float, float]:
    tolerance = probe.get("tolerance")
    bounds = tolerance.get("range") if isinstance(tolerance, dict) else tolerance
    if not isinstance(bounds, list) or len(bounds) != 2 or not all(_is_number(b) for b in bounds):  # noqa: PLR2004
        raise BadInput(
            f"probe {probe.get('name')!r}: tolerance must be a range of numbers, such as "
            '{"type": "range", "range": [0.95, 1.0]}'
        )
    return float(bounds[0]), float(bounds[1])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
