"""The types of Kubernetes objects: field names, types, merge keys and list types, read from schema.json."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Field:
    """The type of one value.

    type is struct, map, list, string, boolean, int32, int64, number, bytes, time, quantity, int-or-string
    or any.
    """

    type: str
    ref: str = ""
    items: "Field | None" = None
    values: "Field | None" = None
    list: str = "atomic"
    """Who owns the list's items: map (by their keys), set (by their value) or atomic (they are one value)."""
    keys: tuple[str, ...] = ()
    merge: str | None = None
    """The merge key of a strategic merge patch; empty for scalars, None where the list is replaced."""
    retain: bool = False
    atomic: bool = False


@dataclass(frozen=True, slots=True)
class Struct:
    """A type with named fields."""

    name: str
    fields: dict[str, Field]
    required: tuple[str, ...]
    atomic: bool


ANY = Field("any")


@cache
def _document() -> dict[str, Any]:
    return json.loads(Path(__file__).with_name("schema.json").read_text())


def _field(raw: dict[str, Any]) -> Field:
    options = dict(raw)
    for name in ("items", "values"):
        if name in options:
            options[name] = _field(options[name])
    if "keys" in options:
        options["keys"] = tuple(options["keys"])
    return Field(**options)


@cache
def struct(name: str) -> Struct:
    """Return the type of this name, such as `core.v1.PodSpec`."""
    raw = _document()["types"][name]
    fields = {key: _field(value) for key, value in raw["fields"].items()}
    return Struct(name, fields, tuple(raw.get("required", ())), raw.get("atomic", False))


def type_names() -> tuple[str, ...]:
    """Return the names of all types that have fields."""
    return tuple(_document()["types"])


@cache
def root(group: str, version: str, kind: str) -> Field:
    """Return the type of a kind's objects; raises KeyError for a kind that is not served."""
    return Field("struct", ref=_document()["kinds"][f"{group}/{version}/{kind}"])


def child(field: Field, key: str) -> Field | None:
    """Return the type of a struct's field or a map's value; None when the struct has no such field."""
    if field.type == "struct":
        return struct(field.ref).fields.get(key)
    if field.type == "map":
        return field.values or ANY
    return ANY


def is_atomic(field: Field) -> bool:
    """Tell whether the value has one owner as a whole."""
    if field.type == "struct":
        return field.atomic or struct(field.ref).atomic
    if field.type == "list":
        return field.list == "atomic"
    return field.atomic or field.type != "map"
