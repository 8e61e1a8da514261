"""Answers as columns: each field under the name and with the settings that the panel gives it.

Rules: https://grafana.com/docs/grafana/latest/panels-visualizations/ (standard options, overrides, thresholds,
value mappings).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ..frames import Field, Frame, Json
from .asking import Answer
from .model import Panel, items, part
from .variables import Scope

TIME, NUMBER = "time.Time", "float64"


@dataclass(frozen=True)
class Column:
    """A field of a frame, what it is called, and its settings; `times` are those of its frame (epoch ms)."""

    name: str
    field: Field
    settings: Json
    ref_id: str
    times: Sequence[int] = ()
    step_ms: int = 0

    @property
    def labels(self) -> dict[str, str]:
        """Its labels."""
        return self.field.labels or {}

    @property
    def numbers(self) -> list[float | None]:
        """Its values, None where there is no number."""
        return [
            None if value is None or math.isnan(value) else value for value in map(_number, self.field.values)
        ]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def columns(panel: Panel, answers: Iterable[Answer], scope: Scope) -> list[Column]:
    """Return the fields with numbers of all answers: what a stat, a chart or a canvas shows."""
    found = []
    for answer in answers:
        for frame in answer.frames:
            times = next((f for f in frame.fields if f.kind == TIME), None)
            step = int((times.config or {}).get("interval", 0)) if times else 0
            moments = times.values if times else []
            found += [
                column(panel, one, frame, scope, len(answer.frames), moments, step)
                for one in frame.fields
                if one.kind == NUMBER
            ]
    return found


def column(
    panel: Panel,
    one: Field,
    frame: Frame,
    scope: Scope,
    series: int = 1,
    times: Sequence[int] = (),
    step: int = 0,
) -> Column:
    """Return a field as the panel shows it; `series` is how many its answer has."""
    natural = _natural(one, series)
    settings = _settings(panel, one, natural, frame.ref_id)
    name = natural
    if given := settings.get("displayName"):
        about = {"labels": one.labels or {}, "name": one.name, "displayName": natural}
        name = scope.with_more({"__field": about, "__series": {"name": natural}}).fill(str(given))
    return Column(name, one, settings, frame.ref_id, times, step)


def _natural(one: Field, series: int) -> str:
    """Return what a field is called without a setting: by its data source, by its labels, by its name."""
    given = (one.config or {}).get("displayNameFromDS")
    if given:
        return str(given)
    labels = one.labels or {}
    if one.kind != NUMBER or not labels:
        return one.name
    if len(labels) == 1 and series > 1:
        return next(iter(labels.values()))
    return "{" + ", ".join(f"{key}={json.dumps(value)}" for key, value in sorted(labels.items())) + "}"


def _settings(panel: Panel, one: Field, name: str, ref_id: str) -> Json:
    """Return the panel's defaults with the overrides that match; `custom.x` lies within `custom`."""
    settings: Json = {**(one.config or {}), **panel.defaults, "custom": dict(part(panel.defaults, "custom"))}
    for override in panel.overrides:
        matcher = part(override, "matcher")
        if not _matches(str(matcher.get("id")), matcher.get("options"), one, name, ref_id):
            continue
        for change in items(override, "properties"):
            key, value = str(change.get("id")), change.get("value")
            if key.startswith("custom."):
                settings["custom"][key.removeprefix("custom.")] = value
            else:
                settings[key] = value
    return settings


def _matches(kind: str, options: Any, one: Field, name: str, ref_id: str) -> bool:
    if kind == "byName":
        return options in {name, one.name}
    if kind == "byRegexp":
        pattern = str(options)
        return (
            re.search(pattern[1:].rpartition("/")[0] if pattern.startswith("/") else pattern, name) is not None
        )
    if kind == "byFrameRefID":
        return bool(options == ref_id)
    if kind == "byType":
        return bool(options == {TIME: "time", NUMBER: "number", "string": "string"}.get(one.kind))
    return False


def reduced(values: Sequence[float | None], calculation: str = "lastNotNull") -> float | None:
    """Return one number for a series (https://grafana.com/docs/grafana/latest/panels-visualizations/calculation-types)."""
    if calculation in {"last", "first"}:
        return (values[-1] if calculation == "last" else values[0]) if values else None
    known = [value for value in values if value is not None]
    return _CALCULATIONS.get(calculation, _CALCULATIONS["lastNotNull"])(known) if known else None


_CALCULATIONS: dict[str, Callable[[list[float]], float]] = {
    "lastNotNull": lambda known: known[-1],
    "firstNotNull": lambda known: known[0],
    "min": min,
    "max": max,
    "mean": lambda known: sum(known) / len(known),
    "sum": sum,
    "count": lambda known: float(len(known)),
    "range": lambda known: max(known) - min(known),
    "diff": lambda known: known[-1] - known[0],
    "delta": lambda known: sum(max(b - a, 0.0) for a, b in pairwise(known)),
}


def errors(answers: Iterable[Answer]) -> list[str]:
    """Return why targets have no answer, one line each."""
    return [f"{answer.ref_id}: {answer.error}" for answer in answers if answer.error]
