"""Data frames, as `/api/ds/query` answers them, turned into series and log lines.

The variants come from Grafana 10 to 13: a NaN or an infinity is a null plus an entry in `entities`; an empty
Prometheus answer is one frame without fields, an empty Loki answer has no frames at all; log frames come in
two shapes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..errors import GrafanaError

__all__ = ["LogLine", "Series", "log_lines", "notices", "rows", "series"]

_ENTITY_VALUES = {"NaN": math.nan, "Inf": math.inf, "NegInf": -math.inf}


@dataclass(frozen=True)
class Series:
    """One time series: its labels, times in epoch seconds, and values (None where a real null was sent)."""

    labels: dict[str, str]
    times: list[float]
    values: list[float | None]


@dataclass(frozen=True)
class LogLine:
    """One log line: time in epoch seconds, labels, text."""

    time: float
    labels: dict[str, str]
    text: str


def series(frames: list[dict[str, Any]]) -> list[Series]:
    """Return the series of time-series frames: one for each number field, empty frames skipped.

    Raises GrafanaError when a frame is not of the documented form.
    """
    found: list[Series] = []
    for frame in frames:
        fields, columns = _fields_and_columns(frame)
        times = next((_seconds(c) for f, c in zip(fields, columns, strict=True) if f.get("type") == "time"), [])
        for column_field, column in zip(fields, columns, strict=True):
            if column_field.get("type") == "number":
                found.append(Series(dict(column_field.get("labels") or {}), times, column))
    return found


def log_lines(frames: list[dict[str, Any]]) -> list[LogLine]:
    """Return the lines of log frames of either shape: (labels, Time, Line) or (labels, timestamp, body)."""
    found: list[LogLine] = []
    for frame in frames:
        fields, columns = _fields_and_columns(frame)
        by_name = {str(f.get("name", "")): c for f, c in zip(fields, columns, strict=True)}
        times = by_name.get("Time", by_name.get("timestamp"))
        texts = by_name.get("Line", by_name.get("body"))
        if times is None or texts is None:
            if fields:
                raise GrafanaError(f"a log frame has the fields {sorted(by_name)}, not a time and a line")
            continue
        labels = by_name.get("labels") or [{}] * len(texts)
        found.extend(
            LogLine(time, dict(label or {}), str(text))
            for time, label, text in zip(_seconds(times), labels, texts, strict=True)
        )
    return found


def rows(frame: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a table's rows, each by the fields' names."""
    fields, columns = _fields_and_columns(frame)
    names = [str(f.get("name", "")) for f in fields]
    try:
        return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    except ValueError as error:
        raise GrafanaError(f"a frame's columns are of different lengths: {error}") from error


def notices(frames: list[dict[str, Any]]) -> list[str]:
    """Return the texts of the frames' notices: warnings that Prometheus or Grafana attached to an answer."""
    return [
        str(notice.get("text", ""))
        for frame in frames
        for notice in ((frame.get("schema") or {}).get("meta") or {}).get("notices") or []
    ]


def _fields_and_columns(frame: dict[str, Any]) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    try:
        fields = list((frame.get("schema") or {}).get("fields") or [])
        data = frame.get("data") or {}
        columns = [list(column) for column in data.get("values") or [[] for _ in fields]]
        entities = data.get("entities") or [None] * len(columns)
        for column, entity in zip(columns, entities, strict=True):
            for name, value in _ENTITY_VALUES.items():
                for index in (entity or {}).get(name) or []:
                    column[index] = value
    except (AttributeError, TypeError, ValueError, IndexError) as error:
        raise GrafanaError(f"a data frame is not of the documented form: {error}") from error
    if len(fields) != len(columns):
        raise GrafanaError(f"a data frame has {len(fields)} fields and {len(columns)} columns")
    return fields, columns


def _seconds(milliseconds: list[Any]) -> list[float]:
    return [float(value) / 1000 for value in milliseconds]
