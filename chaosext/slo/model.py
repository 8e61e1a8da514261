"""The part of OpenSLO v1 that this project uses, as a checked model.

Source: https://github.com/OpenSLO/OpenSLO (v1). An SLI is a ratioMetric of good (or bad) to total events, or a
thresholdMetric that counts something; each is a PromQL query in which {{.window}} stands for the window. The
error budget as a count is not in OpenSLO: it is an annotation.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

__all__ = ["BUDGET", "BUDGET_UNIT", "TYPE", "WINDOW", "Metadata", "Service", "Slo", "in_window"]

WINDOW = "{{.window}}"
BUDGET = "gameday/error-budget"
BUDGET_UNIT = "gameday/budget-unit"
TYPE = "gameday/type"


def in_window(query: str, window: str) -> str:
    """Return a query over a window, "30s" for example."""
    return query.replace(WINDOW, window)


Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Metadata(_Strict):
    """An object's name, labels and annotations."""

    name: Name
    display_name: str = Field("", alias="displayName")
    labels: dict[str, str | list[str]] = {}
    annotations: dict[str, str] = {}


class _ServiceSpec(_Strict):
    description: str = ""


class Service(_Strict):
    """A service that SLOs belong to."""

    api_version: Literal["openslo/v1"] = Field(alias="apiVersion")
    kind: Literal["Service"]
    metadata: Metadata
    spec: _ServiceSpec


class _Query(_Strict):
    query: str = Field(min_length=1)

    @field_validator("query")
    @classmethod
    def _has_window(cls, query: str) -> str:
        if WINDOW not in query:
            raise ValueError(f"the query lacks {WINDOW}, which stands for the window it is asked over")
        return " ".join(query.split())


class _MetricSource(_Strict):
    type: Literal["Prometheus"]
    metric_source_ref: str | None = Field(None, alias="metricSourceRef")
    spec: _Query


class _Metric(_Strict):
    metric_source: _MetricSource = Field(alias="metricSource")


def _query(metric: _Metric | None) -> str | None:
    return metric.metric_source.spec.query if metric else None


class _Ratio(_Strict):
    counter: Literal[False]
    good: _Metric | None = None
    bad: _Metric | None = None
    total: _Metric

    @model_validator(mode="after")
    def _good_or_bad(self) -> _Ratio:
        if (self.good is None) == (self.bad is None):
            raise ValueError("give either good or bad, beside total")
        return self


class _IndicatorSpec(_Strict):
    description: str = ""
    ratio: _Ratio | None = Field(None, alias="ratioMetric")
    threshold: _Metric | None = Field(None, alias="thresholdMetric")

    @model_validator(mode="after")
    def _ratio_or_threshold(self) -> _IndicatorSpec:
        if (self.ratio is None) == (self.threshold is None):
            raise ValueError("give either ratioMetric or thresholdMetric")
        return self


class _Indicator(_Strict):
    metadata: Metadata
    spec: _IndicatorSpec


class _TimeWindow(_Strict):
    duration: Literal["28d", "30d"]
    is_rolling: Literal[True] = Field(alias="isRolling")


class _Objective(_Strict):
    display_name: str = Field("", alias="displayName")
    target: float = Field(gt=0, lt=1)
    op: Literal["lte"] | None = None
    value: float | None = Field(None, ge=0)
    time_slice_target: float | None = Field(None, alias="timeSliceTarget", gt=0, le=1)
    time_slice_window: Literal["1m", "5m"] | None = Field(None, alias="timeSliceWindow")


class _SloSpec(_Strict):
    description: str
    service: Name
    budgeting_method: Literal["Occurrences", "Timeslices"] = Field(alias="budgetingMethod")
    time_window: list[_TimeWindow] = Field(alias="timeWindow", min_length=1, max_length=1)
    indicator: _Indicator
    objectives: list[_Objective] = Field(min_length=1, max_length=1)


class Slo(_Strict):
    """A service level objective with its indicator."""

    api_version: Literal["openslo/v1"] = Field(alias="apiVersion")
    kind: Literal["SLO"]
    metadata: Metadata
    spec: _SloSpec

    @property
    def is_count(self) -> bool:
        """Whether the SLI is a count, which has a threshold in place of good events and a budget."""
        return self.metadata.annotations[TYPE] == "count"

    @property
    def name(self) -> str:
        """The SLO's name."""
        return self.metadata.name

    @property
    def objective(self) -> _Objective:
        """The one objective."""
        return self.spec.objectives[0]

    @property
    def good(self) -> str | None:
        """The query of the good events; None when there is one of the bad events, and for a count."""
        ratio = self.spec.indicator.spec.ratio
        return _query(ratio.good) if ratio else None

    @property
    def bad(self) -> str | None:
        """The query of the bad events; None when there is one of the good events, and for a count."""
        ratio = self.spec.indicator.spec.ratio
        return _query(ratio.bad) if ratio else None

    @property
    def total(self) -> str | None:
        """The query of all events; None for a count."""
        ratio = self.spec.indicator.spec.ratio
        return _query(ratio.total) if ratio else None

    @property
    def count(self) -> str | None:
        """The query of a count; None for a ratio."""
        return _query(self.spec.indicator.spec.threshold)

    @model_validator(mode="after")
    def _of_one_type(self) -> Slo:
        notes: dict[str, Any] = self.metadata.annotations
        if notes.get(TYPE) not in {"ratio", "latency", "availability", "count"}:
            raise ValueError(f"metadata.annotations.{TYPE} must be ratio, latency, availability or count")
        return self._counted() if self.is_count else self._budgeted(notes)

    def _counted(self) -> Slo:
        objective = self.objective
        if self.spec.indicator.spec.threshold is None or objective.op is None or objective.value is None:
            raise ValueError("a count needs indicator.spec.thresholdMetric, and op and value in its objective")
        if self.spec.budgeting_method != "Timeslices" or BUDGET in self.metadata.annotations:
            raise ValueError(f"a count has budgetingMethod Timeslices and no annotation {BUDGET}")
        return self

    def _budgeted(self, notes: dict[str, Any]) -> Slo:
        if self.spec.indicator.spec.ratio is None or self.spec.budgeting_method != "Occurrences":
            raise ValueError("all but a count need indicator.spec.ratioMetric and budgetingMethod Occurrences")
        if not str(notes.get(BUDGET, "")).isdigit() or int(notes[BUDGET]) == 0:
            raise ValueError(f"metadata.annotations.{BUDGET} must be a whole number above 0, in quotes")
        if notes.get(BUDGET_UNIT) not in {"failures", "seconds"}:
            raise ValueError(f"metadata.annotations.{BUDGET_UNIT} must be failures or seconds")
        return self
