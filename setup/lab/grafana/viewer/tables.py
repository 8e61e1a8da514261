"""Panels of type table: frames as rows, after the panel's transformations.

Grafana makes these tables in the browser; the rules are those of its Prometheus data source for format `table`
(a column for each label, then Value), and of the transformations that `_TRANSFORMATIONS` names.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from chaosext.report.svg.markup import Markup, tag

from ..frames import Field, Frame, Json
from .asking import Answer
from .fields import NUMBER, TIME, column
from .look import GLYPHS, look
from .model import Panel, items, part
from .units import clock
from .view import View, href, linked, links, nothing

_MOST_ROWS = 200


class Unsupported(Exception):
    """A transformation that this viewer does not know; the message says which."""


@dataclass(frozen=True)
class Table:
    """Fields of equal length; `shown` are the names that a transformation gave them."""

    fields: list[Field]
    shown: dict[str, str]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.fields[0].values) if self.fields else 0


def render(view: View) -> Markup:
    """Return the table."""
    try:
        table = _transformed(view.panel, view.answers)
    except Unsupported as error:
        return nothing(str(error))
    if not table.rows:
        return nothing(str(view.panel.defaults.get("noValue") or "No data"))
    frame = Frame("", table.fields)
    shown = [column(view.panel, field, frame, view.scope, 1) for field in table.fields]
    shown = [one for one in shown if not part(one.settings, "custom").get("hidden")]
    names = [table.shown.get(one.field.name, one.name) for one in shown]
    heads = [
        tag("th", name, scope="col", class_=_side(one.field)) for name, one in zip(names, shown, strict=True)
    ]
    body = []
    for row in _order(view.panel, table, names, [one.field for one in shown])[:_MOST_ROWS]:
        fields = {field.name: field.values[row] for field in table.fields}
        cells = [_cell(view, one.field, one.settings, row, fields) for one in shown]
        body.append(tag("tr", cells))
    content = tag("table", tag("thead", tag("tr", heads)), tag("tbody", body))
    return tag("div", content, class_="scroll", tabindex=0, role="region", aria_label=view.panel.title)


def _cell(view: View, field: Field, settings: Json, row: int, fields: Json) -> Markup:
    value = field.values[row]
    text, tone = "", ""
    if field.kind == TIME and isinstance(value, int | float):
        text = clock(value)
    else:
        seen = look(value, settings)
        text, tone = ("" if value is None else seen.text), seen.tone
    kind = str(part(part(settings, "custom"), "cellOptions").get("type") or "auto")
    tone = tone if kind.startswith("color-") else ""
    about = {
        "__value": {"raw": value, "text": text},
        "__data": {"fields": fields},
        "__field": {"name": field.name},
    }
    to = links(settings, view.scope, about)
    if not to and (field.config or {}).get("trace") and value:
        to = [("Open the trace", href(f"/trace/{value}") or "")]
    glyph = tag("span", GLYPHS[tone], class_="glyph", aria_hidden="true") if tone in GLYPHS else None
    return tag(
        "td",
        linked([glyph, text], to),
        class_=f"{_side(field) or ''} {tone}".strip() or None,
        data_tone=tone or None,
    )


def _side(field: Field) -> str | None:
    return "number" if field.kind == NUMBER else None


def _order(panel: Panel, table: Table, names: list[str], fields: list[Field]) -> list[int]:
    """Return the rows in the order that the panel asks for."""
    rows = list(range(table.rows))
    for wanted in reversed(items(panel.options, "sortBy")):
        if wanted.get("displayName") in names:
            values = fields[names.index(str(wanted["displayName"]))].values
            rows = _sorted(rows, values, wanted)
    return rows


def _sorted(rows: list[int], values: list[Any], wanted: Json) -> list[int]:
    return sorted(rows, key=lambda row: _sortable(values[row]), reverse=bool(wanted.get("desc")))


def _sortable(value: Any) -> tuple[int, float, str]:
    if isinstance(value, int | float):
        return (1, float(value), "")
    return (0 if value is None else 2, 0.0, str(value))


def _transformed(panel: Panel, answers: Iterable[Answer]) -> Table:
    answers = list(answers)
    several = sum(answer.target.get("format") == "table" for answer in answers) > 1
    tables = [table for answer in answers for table in _tables(answer, several)]
    for transformation in items(panel.raw, "transformations"):
        if transformation.get("disabled"):
            continue
        name = str(transformation.get("id"))
        change = _TRANSFORMATIONS.get(name)
        if change is None:
            raise Unsupported(f"The transformation {name!r} is not supported by this viewer.")
        tables = change(tables, part(transformation, "options"))
    chosen = int(panel.options.get("frameIndex") or 0)
    return tables[chosen] if chosen < len(tables) else Table([], {})


def _tables(answer: Answer, several: bool) -> list[Table]:
    """Return an answer's frames; those of Prometheus for format `table` as one, with a column a label."""
    kind = answer.source.type if answer.source is not None else ""
    if kind == "prometheus" and answer.target.get("format") == "table":
        return [_of_series(answer, f"Value #{answer.ref_id}" if several else "Value")]
    if kind == "tempo":
        return [Table([_trace_linked(field) for field in frame.fields], {}) for frame in answer.frames]
    return [Table(list(frame.fields), {}) for frame in answer.frames if frame.fields]


def _trace_linked(field: Field) -> Field:
    return replace(field, config={**(field.config or {}), "trace": True}) if field.name == "traceID" else field


def _of_series(answer: Answer, value_name: str) -> Table:
    rows: list[tuple[int, dict[str, str], float]] = []
    for frame in answer.frames:
        if frame.fields:
            times, values = frame.fields[0], frame.fields[1]
            points = zip(times.values, values.values, strict=True)
            rows += [(moment, values.labels or {}, value) for moment, value in points]
    names = sorted({name for _, labels, _ in rows for name in labels})
    if not rows:
        return Table([], {})
    return Table(
        [
            Field("Time", TIME, [moment for moment, _, _ in rows]),
            *(Field(name, "string", [labels.get(name, "") for _, labels, _ in rows]) for name in names),
            Field(value_name, NUMBER, [value for _, _, value in rows]),
        ],
        {},
    )


def _merge(tables: list[Table], _options: Json) -> list[Table]:
    """Join rows that agree in every field that they share."""
    tables = [table for table in tables if table.fields]
    return [functools.reduce(_joined, tables)] if tables else []


def _joined(left: Table, right: Table) -> Table:
    shared = [f.name for f in left.fields if f.name in {other.name for other in right.fields}]
    return _by_keys(left, right, shared)


def _by_keys(left: Table, right: Table, keys: list[str]) -> Table:
    """Return the full outer join of two tables on the values of some fields."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for table in (left, right):
        for n in range(table.rows):
            row = {field.name: field.values[n] for field in table.fields}
            rows.setdefault(tuple(row[key] for key in keys), {}).update(row)
    fields = {field.name: field for table in (right, left) for field in table.fields}
    order = [f.name for f in left.fields] + [f.name for f in right.fields if f.name not in keys]
    made = [replace(fields[name], values=[row.get(name) for row in rows.values()]) for name in order]
    return Table(made, left.shown | right.shown)


def _join_by_field(tables: list[Table], options: Json) -> list[Table]:
    key = str(options.get("byField") or "Time")
    kept = [table for table in tables if any(field.name == key for field in table.fields)]
    joined = kept[:1]
    for table in kept[1:]:
        joined = [_by_keys(joined[0], table, [key])]
    return joined


def _organize(tables: list[Table], options: Json) -> list[Table]:
    hidden, order = part(options, "excludeByName"), part(options, "indexByName")
    renamed = {name: str(text) for name, text in part(options, "renameByName").items() if text}
    made = []
    for table in tables:
        kept = [field for field in table.fields if not hidden.get(field.name)]
        kept.sort(key=lambda field: order.get(field.name, len(order)))
        made.append(Table(kept, table.shown | renamed))
    return made


def _filter_fields(tables: list[Table], options: Json) -> list[Table]:
    names = part(options, "include").get("names")
    if names is None:
        raise Unsupported("The transformation 'filterFieldsByName' is supported with a list of names only.")
    return [replace(table, fields=[f for f in table.fields if f.name in names]) for table in tables]


def _labels_to_fields(tables: list[Table], _options: Json) -> list[Table]:
    """Turn the labels of each series into fields, and the series into one table."""
    made = []
    for table in tables:
        labels = {name: text for field in table.fields for name, text in (field.labels or {}).items()}
        extra = [Field(name, "string", [text] * table.rows) for name, text in sorted(labels.items())]
        plain = [replace(field, labels=None) for field in table.fields]
        made.append(Table([*plain, *extra], table.shown))
    return made


def _limit(tables: list[Table], options: Json) -> list[Table]:
    most = int(options.get("limitField") or 10)
    return [replace(t, fields=[replace(f, values=f.values[:most]) for f in t.fields]) for t in tables]


def _sort_by(tables: list[Table], options: Json) -> list[Table]:
    made = []
    for table in tables:
        rows = list(range(table.rows))
        for wanted in reversed(items(options, "sort")):
            values = next((f.values for f in table.fields if f.name == wanted.get("field")), None)
            if values is not None:
                rows = _sorted(rows, values, wanted)
        made.append(
            replace(table, fields=[replace(f, values=[f.values[n] for n in rows]) for f in table.fields])
        )
    return made


_TRANSFORMATIONS: dict[str, Callable[[list[Table], Json], list[Table]]] = {
    "merge": _merge,
    "joinByField": _join_by_field,
    "organize": _organize,
    "filterFieldsByName": _filter_fields,
    "labelsToFields": _labels_to_fields,
    "sortBy": _sort_by,
    "limit": _limit,
}
