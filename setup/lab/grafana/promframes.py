"""Prometheus' answers as data frames: one per series, its labels on the value field.

Shapes: Grafana's `pkg/promlib/converter` and `querydata/response.go`, with the data plane contract on (the
default since Grafana 10). `format` changes nothing here, as in Grafana 11 and 12, where tables are made in
the browser.
"""

from __future__ import annotations

import json
import re
from typing import Any

from .frames import Field, Frame, Json
from .promquery import PromQuery

_PLACEHOLDER = re.compile(r"\{\{\s*(.+?)\s*\}\}")
_FRAME_TYPES = {"vector": "numeric-multi", "scalar": "numeric-multi", "matrix": "timeseries-multi"}


def frames_of(query: PromQuery, answer: Json) -> list[Frame]:
    """Return the frames of a successful `answer` of Prometheus' query API; one without fields if it is empty.

    Raises ValueError when the answer is not of that API's shape.
    """
    data = answer["data"]
    kind, result = data["resultType"], data["result"]
    if kind in {"vector", "matrix"}:
        frames = [_series_frame(query, kind, series) for series in result]
    elif kind in {"scalar", "string"}:
        frames = [_single_frame(query, kind, result)]
    else:
        raise ValueError(f"unknown result type: {kind}")
    frames = frames or [Frame(query.ref_id)]
    frames[0].meta["executedQueryString"] = query.executed()
    if notices := _notices(answer):
        for frame in frames:
            frame.meta["notices"] = notices
    return frames


def _series_frame(query: PromQuery, kind: str, series: Json) -> Frame:
    if "histogram" in series or "histograms" in series:
        raise ValueError("native histograms are not supported here")
    points = [series["value"]] if kind == "vector" else series["values"]
    labels: dict[str, str] = series["metric"]
    column = Field(
        labels.get("__name__", "Value"),
        "float64",
        [float(value) for _, value in points],
        labels=labels,
        config=_named(query, labels),
    )
    return _frame(query, kind, [moment for moment, _ in points], column)


def _single_frame(query: PromQuery, kind: str, point: list[Any]) -> Frame:
    moment, value = point
    go_type, values = ("string", [value]) if kind == "string" else ("float64", [float(value)])
    return _frame(query, kind, [moment], Field("Value", go_type, values, labels={}, config=_named(query, {})))


def _frame(query: PromQuery, kind: str, moments: list[float], column: Field) -> Frame:
    meta: Json = {"type": _FRAME_TYPES.get(kind, "timeseries-multi"), "custom": {"resultType": kind}}
    if kind in _FRAME_TYPES:
        meta["typeVersion"] = [0, 1]
    times = [round(moment * 1000) for moment in moments]
    return Frame(
        query.ref_id, [Field("Time", "time.Time", times, config={"interval": query.step_ms}), column], meta
    )


def _named(query: PromQuery, labels: dict[str, str]) -> Json | None:
    name = display_name(query, labels)
    return {"displayNameFromDS": name} if name else None


def display_name(query: PromQuery, labels: dict[str, str]) -> str:
    """Return the series' name: by legendFormat, else as PromQL writes the series, else the expression.

    `__auto` leaves the choice to the panel: no name when there are labels to choose from.
    """
    if query.legend == "__auto":
        return "" if labels else query.expr
    if query.legend:
        return _PLACEHOLDER.sub(lambda match: labels.get(match[1], ""), query.legend)
    metric = labels.get("__name__", "")
    pairs = sorted(f"{key}={_quote(value)}" for key, value in labels.items() if key != "__name__")
    return f"{metric}{{{', '.join(pairs)}}}" if pairs else metric or query.expr


def _quote(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _notices(answer: Json) -> list[Json]:
    return [
        {"severity": severity, "text": text}
        for key, severity in (("warnings", "warning"), ("infos", "info"))
        for text in answer.get(key) or []
    ]
