"""Objects as rows: what kubectl shows when it is asked for no particular form."""

from typing import Any

from lab.kube.resources import Resource
from lab.kube.tables.columns import COLUMNS, DEFAULT, Column


def table(
    resource: Resource, objects: list[dict[str, Any]], metadata: dict[str, Any], include: str = ""
) -> dict[str, Any]:
    """Return a meta.k8s.io/v1 Table; include says what goes with each row: None, Object, else its metadata."""
    columns = COLUMNS.get(resource.plural, DEFAULT)
    kept = {
        key: metadata[key] for key in ("resourceVersion", "continue", "remainingItemCount") if key in metadata
    }
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": kept,
        "columnDefinitions": [_definition(column) for column in columns],
        "rows": [_row(columns, obj, include) for obj in objects],
    }


def partial(obj: dict[str, Any]) -> dict[str, Any]:
    """Return an object's metadata only."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def _definition(column: Column) -> dict[str, Any]:
    form = "name" if column.name == "Name" and column.priority == 0 else ""
    kind = "string" if column.type == "string" else column.type
    return {
        "name": column.name,
        "type": kind,
        "format": form,
        "description": column.name,
        "priority": column.priority,
    }


def _row(columns: tuple[Column, ...], obj: dict[str, Any], include: str) -> dict[str, Any]:
    row: dict[str, Any] = {"cells": [column.cell(obj) for column in columns]}
    if include != "None":
        row["object"] = obj if include == "Object" else partial(obj)
    return row
