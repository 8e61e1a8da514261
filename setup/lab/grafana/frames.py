"""Data frames as JSON: a schema of typed fields, and the values by column.

Shapes: grafana-plugin-sdk-go `data/frame_json.go`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

_TYPES = {
    "time.Time": "time",
    "float64": "number",
    "int64": "number",
    "string": "string",
    "json.RawMessage": "other",
}


@dataclass(frozen=True)
class Field:
    """One column. `kind` is the Go type: time.Time (in epoch ms), float64, int64, string or json.RawMessage."""

    name: str
    kind: str
    values: list[Any]
    labels: dict[str, str] | None = None
    config: Json | None = None

    def schema(self) -> Json:
        """Return what stands for this column in `schema.fields`."""
        schema: Json = {"name": self.name, "type": _TYPES[self.kind], "typeInfo": {"frame": self.kind}}
        if self.labels is not None:
            schema["labels"] = self.labels
        if self.config:
            schema["config"] = self.config
        return schema


@dataclass(frozen=True)
class Frame:
    """A table of fields of equal length. One without fields stands for "no data"."""

    ref_id: str
    fields: list[Field] = field(default_factory=list)
    meta: Json = field(default_factory=dict)
    name: str = ""
    nanos: dict[int, list[int]] = field(default_factory=dict)  # by column: of times, what a millisecond hides

    def to_json(self) -> Json:
        """Return {"schema": ..., "data": ...}; NaN and infinities become null and are named in `entities`."""
        schema: Json = {"name": self.name} if self.name else {}
        schema["refId"] = self.ref_id
        if self.meta:
            schema["meta"] = self.meta
        schema["fields"] = [column.schema() for column in self.fields]
        columns = [_encode(column) for column in self.fields]
        data: Json = {"values": [values for values, _ in columns]}
        if any(entities for _, entities in columns):
            data["entities"] = [entities or None for _, entities in columns]
        if self.nanos:
            data["nanos"] = [self.nanos.get(index) for index in range(len(columns))]
        return {"schema": schema, "data": data}


def _encode(column: Field) -> tuple[list[Any], dict[str, list[int]]]:
    if column.kind != "float64":
        return column.values, {}
    values: list[float | None] = list(column.values)
    entities: dict[str, list[int]] = {}
    for index, value in enumerate(column.values):
        if not math.isfinite(value):
            values[index] = None
            entities.setdefault(_entity(value), []).append(index)
    return values, entities


def _entity(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Inf" if value > 0 else "NegInf"
