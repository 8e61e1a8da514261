"""The part of OpenSLO v1 that this project uses, as a checked model.

Source: https://github.com/OpenSLO/OpenSLO (v1). An SLI is a ratioMetric of good (or bad) to total events, each
a PromQL query in which {{.window}} stands for the window. The error budget as a count is not in OpenSLO: it is
an annotation.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

__all__ = ["BUDGET", "BUDGET_UNIT", "TYPE", "WINDOW", "Metadata", "Service", "Slo"]

WINDOW = "{{.window}}"
BUDGET = "gameday/error-budget"
BUDGET_UNIT = "gameday/budget-unit"
TYPE = "gameday/type"

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
    ratio: _Ratio = Field(alias="ratioMetric")


class _Indicator(_Strict):
    metadata: Metadata
    spec: _IndicatorSpec


class _TimeWindow(_Strict):
    duration: Literal["28d", "30d"]
    is_rolling: Literal[True] = Field(alias="isRolling")


class _Objective(_Strict):
    display_name: str = Field("", alias="displayName")
    target: float = Field(gt=0, lt=1)


class _SloSpec(_Strict):
    description: str
    service: Name
    budgeting_method: Literal["Occurrences"] = Field(alias="budgetingMethod")
    time_window: list[_TimeWindow] = Field(alias="timeWindow", min_length=1, max_length=1)
    indicator: _Indicator
    objectives: list[_Objective] = Field(min_length=1, max_length=1)


class Slo(_Strict):
    """A service level objective with its indicator."""

    api_version: Literal["openslo/v1"] = Field(alias="apiVersion")
    kind: Literal["SLO"]
    metadata: Metadata
    spec: _SloSpec

    @model_validator(mode="after")
    def _counted_budget(self) -> Slo:
        notes: dict[str, Any] = self.metadata.annotations
        if notes.get(TYPE) not in {"ratio", "latency", "availability"}:
            raise ValueError(f"metadata.annotations.{TYPE} must be ratio, latency or availability")
        if not str(notes.get(BUDGET, "")).isdigit() or int(notes[BUDGET]) == 0:
            raise ValueError(f"metadata.annotations.{BUDGET} must be a whole number above 0, in quotes")
        if notes.get(BUDGET_UNIT) not in {"failures", "seconds"}:
            raise ValueError(f"metadata.annotations.{BUDGET_UNIT} must be failures or seconds")
        return self
