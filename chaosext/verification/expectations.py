r"""What an experiment expects of its failure, stated as numbers in its `extensions`.

    "extensions": [{
      "name": "chaosext",
      "expect": [
        {"sli": "payment-success", "outcome": "deviates", "at_most": 0.88, "at_least": 0.6},
        {"sli": "product-latency", "outcome": "holds"}
      ],
      "alerts": [
        {"alert": "PaymentSuccessBudgetBurn", "labels": {"severity": "page"}, "within_windows": 3},
        {"alert": "HighLatency", "outcome": "silent"},
        {"alert": "*", "labels": {"severity": "ticket"}, "outcome": "silent"}
      ],
      "landed_when": "no-slot-is-left",
      "recover_within_windows": 4,
      "evidence": {
        "logs": [{"name": "provider error", "query": "{service=\"payment\"} |= \"provider\"", "at_least": 5}],
        "root_cause": {"service": "payment", "by": "errors", "share_at_least": 0.7}
      },
      "budget": [{"slo": "payment-success", "spend_at_least_per_window_second": 1,
                  "spend_at_most_per_window_second": 12}]
    }]

Tolerances are not repeated here: they are the steady-state hypothesis's own.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ..environment import validation_line
from ..errors import BadInput
from ..evidence import RootCause
from ..grafana.alerts import ANY
from ..result import Tolerance
from ..slo.load import find
from ..slo.model import Slo
from ..words import show_value
from .tolerances import parse_tolerances

__all__ = [
    "AlertExpectation",
    "EvidenceExpectation",
    "Expectation",
    "Expectations",
    "LogExpectation",
    "RootCauseExpectation",
    "does_harm",
    "parse_expectations",
]

NAME = "chaosext"
_WATCHING = "chaosext.verification"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expectation(_Strict):
    """What is expected of one SLI while the fault lasts.

    holds: every sample stays within its tolerance. deviates: over the settled fault it lies within `at_least`
    and `at_most`, which lie outside its tolerance. On the way there the fault did not land, beyond it the
    failure is worse than thought. starved: its traffic is cut upstream, so that no data is no failure; what was
    under way when it was cut may fail, and the SLI fall as low as `at_least` before there is no data.
    """

    sli: str
    outcome: Literal["holds", "deviates", "starved"]
    at_most: float | None = Field(None, ge=0)
    at_least: float | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _bounds(self) -> Expectation:
        bounded = self.at_most is not None or self.at_least is not None
        starved = self.outcome == "starved" and self.at_most is None
        if not starved and (self.outcome == "deviates") != bounded:
            raise ValueError(
                "at_most and at_least belong to outcome 'deviates', which needs one, and to it alone; "
                "'starved' may have at_least"
            )
        if self.at_most is not None and self.at_least is not None and self.at_least > self.at_most:
            raise ValueError("at_least is above at_most")
        return self

    def words(self, unit: str) -> str:
        """Say it for an SLI of a unit: `holds`, `deviates to 60% to 88%`, `deviates to at least 3`."""
        low, high = (None if b is None else show_value(b, unit) for b in (self.at_least, self.at_most))
        if low is not None and high is not None:
            return f"deviates to {low} to {high}"
        if high is not None:
            return f"deviates to at most {high}"
        if low is None or self.outcome == "starved":
            return self.outcome
        return f"deviates to at least {low}"

    def falls(self, tolerance: Tolerance) -> bool:
        """Tell whether the expected deviation lies below the tolerance."""
        return self.at_most is not None and self.at_most < tolerance.low

    def rises(self, tolerance: Tolerance) -> bool:
        """Tell whether the expected deviation lies above the tolerance."""
        return self.at_least is not None and self.at_least > tolerance.high


class AlertExpectation(_Strict):
    """What is expected of one alert: that it fires within a time after the fault landed, or stays silent.

    `labels` picks among the alerts of that name; `within_windows` is in short windows. The name `*` stands for
    every alert that has the labels, all of which are to stay silent.
    """

    alert: str = Field(min_length=1)
    labels: dict[str, str] = {}
    outcome: Literal["fires", "silent"] = "fires"
    within_windows: float | None = Field(None, gt=0)

    @model_validator(mode="after")
    def _limit(self) -> AlertExpectation:
        if (self.outcome == "fires") != (self.within_windows is not None):
            raise ValueError("within_windows belongs to outcome 'fires', and to it alone")
        if self.alert == ANY and self.outcome == "fires":
            raise ValueError(f"alert {ANY!r} belongs to outcome 'silent': name the alert that is to fire")
        return self

    def __str__(self) -> str:
        """Name the alert, with the labels that pick it."""
        labels = ", ".join(f"{name}={value}" for name, value in self.labels.items())
        return f"{self.alert} ({labels})" if labels else self.alert


class BudgetLimit(_Strict):
    """What a run spends of an SLO's error budget: at least, and at most.

    In the budget's unit for each second of the environment's short window, since the longer that is, the longer
    the fault lasts: 18 failures are 180 with windows of 10 s. Less than the least: the fault did not land.
    """

    slo: str
    spend_at_least_per_window_second: float = Field(0, ge=0)
    spend_at_most_per_window_second: float = Field(gt=0)

    @model_validator(mode="after")
    def _order(self) -> BudgetLimit:
        if self.spend_at_least_per_window_second > self.spend_at_most_per_window_second:
            raise ValueError("spend_at_least_per_window_second is above spend_at_most_per_window_second")
        return self


class LogExpectation(_Strict):
    """Lines that the fault brings about: a LogQL log query, and how many lines at least."""

    name: str = Field(min_length=1)
    query: str = Field(min_length=1)
    at_least: int = Field(1, ge=1)


class RootCauseExpectation(_Strict):
    """Whom traces are expected to blame, a service as they name it; and how, where only that proves the fault.

    `by` errors, or by the latency of its calls; `share_at_least` is the least share of the failed traces that
    end in it, or of its calls that became slower.
    """

    service: str = Field(min_length=1)
    by: Literal["errors", "latency"] | None = None
    share_at_least: float | None = Field(None, gt=0, le=1)

    def met_by(self, cause: RootCause) -> bool:
        """Tell whether the traces blame this service, in this way."""
        return (
            cause.service == self.service
            and self.by in {None, cause.by}
            and (self.share_at_least is None or cause.share >= self.share_at_least)
        )

    def __str__(self) -> str:
        """Say it: `payment`, `payment by errors`, `payment by errors in at least 70%`."""
        how = f" by {self.by}" if self.by else ""
        return f"{self.service}{how}{f' in at least {self.share_at_least:.0%}' if self.share_at_least else ''}"


class EvidenceExpectation(_Strict):
    """What logs and traces are expected to say of the fault; `root_cause` may be the service's name alone."""

    logs: list[LogExpectation] = []
    root_cause: RootCauseExpectation | None = None

    @field_validator("root_cause", mode="before")
    @classmethod
    def _by_name(cls, stated: Any) -> Any:
        return {"service": stated} if isinstance(stated, str) else stated


class Expectations(_Strict):
    """An experiment's expectations; durations are multiples of the environment's short window.

    `landed_when` names the method's activity whose success shows that the fault landed: a probe that waits for
    its effect, or an action that does. Without it, a fault has landed when an SLI that is expected to leave its
    tolerance does.
    """

    name: Literal["chaosext"]
    expect: list[Expectation] = Field(min_length=1)
    alerts: list[AlertExpectation] = []
    landed_when: str | None = None
    baseline_within_windows: float = Field(6, gt=0)
    recover_within_windows: float = Field(gt=0)
    budget: list[BudgetLimit] = []
    evidence: EvidenceExpectation = EvidenceExpectation()


def parse_expectations(experiment: dict[str, Any], slos: dict[str, Slo]) -> Expectations:
    """Return an experiment's expectations.

    Raises BadInput when they are missing or wrong, name an SLI that the SLO file lacks, leave out one that
    the steady-state hypothesis asks for (or the reverse), or do not say how it shows that the fault landed.
    """
    mine = [e for e in experiment.get("extensions") or [] if isinstance(e, dict) and e.get("name") == NAME]
    if len(mine) != 1:
        raise BadInput(f"extensions: one entry named {NAME!r} must state what is expected; found {len(mine)}")
    try:
        parsed = Expectations.model_validate(mine[0])
    except ValidationError as error:
        raise BadInput(f"extensions.{NAME}: {validation_line(error)}") from error
    tolerances = parse_tolerances(experiment)
    _check_names(parsed, tolerances, slos)
    for expectation in parsed.expect:
        _check_bounds(expectation, tolerances[expectation.sli], slos[expectation.sli])
    _check_landing(parsed, experiment)
    return parsed


def _check_names(parsed: Expectations, tolerances: dict[str, Tolerance], slos: dict[str, Slo]) -> None:
    expected = [e.sli for e in parsed.expect]
    for name in [*tolerances, *expected, *(limit.slo for limit in parsed.budget)]:
        find(slos, name)
    for limit in parsed.budget:
        if slos[limit.slo].is_count:
            raise BadInput(f"extensions.{NAME}.budget: {limit.slo} is a count, which has no error budget")
    if len(set(expected)) != len(expected):
        raise BadInput(f"extensions.{NAME}.expect: an SLI is named twice")
    if lacking := sorted(set(tolerances).symmetric_difference(expected)):
        raise BadInput(
            f"extensions.{NAME}.expect and the steady-state hypothesis must name the same SLIs; "
            f"only one of them names {', '.join(lacking)}"
        )


def _check_bounds(expectation: Expectation, tolerance: Tolerance, slo: Slo) -> None:
    place = f"extensions.{NAME}.expect: {expectation.sli}"
    bounds = [b for b in (expectation.at_least, expectation.at_most) if b is not None]
    if not slo.is_count and any(bound > 1 for bound in bounds):
        raise BadInput(f"{place}: a ratio lies between 0 and 1, not at {max(bounds):g}")
    if slo.is_count and expectation.outcome == "starved":
        raise BadInput(f"{place}: a count cannot be starved, since it rests on no traffic")
    if expectation.outcome == "deviates" and not (expectation.falls(tolerance) or expectation.rises(tolerance)):
        raise BadInput(
            f"{place} may deviate to {bounds[-1]:g}, in its tolerance, which is {tolerance.low:g} to "
            f"{tolerance.high:g}: a deviation must lie outside of it"
        )


def does_harm(experiment: dict[str, Any]) -> bool:
    """Tell whether an experiment's method does more than watch."""
    actions = [a for a in experiment.get("method") or [] if a.get("type") == "action"]
    modules = [str((a.get("provider") or {}).get("module", "")) for a in actions]
    return any(not module.startswith(_WATCHING) for module in modules)


def _check_landing(parsed: Expectations, experiment: dict[str, Any]) -> None:
    method = experiment.get("method") or []
    if parsed.landed_when is not None and parsed.landed_when not in [a.get("name") for a in method]:
        raise BadInput(
            f"extensions.{NAME}.landed_when: the method has no activity named {parsed.landed_when!r}"
        )
    if (
        does_harm(experiment)
        and parsed.landed_when is None
        and all(e.outcome == "holds" for e in parsed.expect)
    ):
        raise BadInput(
            f"extensions.{NAME}: every SLI holds, so landed_when must name the method's activity that shows "
            "that the fault landed"
        )
