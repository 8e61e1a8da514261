"""Objects in Kubernetes' protobuf form, which kubectl's generators send; read by the types of schema.json.

The form is described in Kubernetes' API concepts ("Kubernetes Protobuf encoding"), the wire format by
protobuf's encoding guide. What is read is the same as if the client had sent JSON.
"""

import base64
import json
import struct as packing
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from lab.kube.schema import ANY, Field, root, struct

MAGIC = b"k8s\x00"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_GROUP_BITS, _LONGEST_VARINT = 7, 10
Wire = tuple[int, int | bytes]


class ProtobufError(ValueError):
    """Bytes that are no object in protobuf form, or of a kind that is not served."""


def decode(content: bytes) -> dict[str, Any]:
    """Return an object with its kind and apiVersion; raises ProtobufError."""
    if not content.startswith(MAGIC):
        raise ProtobufError("the protobuf prefix is missing")
    try:
        return _object(content[len(MAGIC) :])
    except (KeyError, UnicodeDecodeError, json.JSONDecodeError, OverflowError) as error:
        raise ProtobufError(f"proto: {error}") from None


def _object(content: bytes) -> dict[str, Any]:
    """Read a runtime.Unknown: the type in field 1, the object in field 2."""
    parts = {number: value for number, (_, value) in _fields(content)}
    names = {number: _text(value) for number, (_, value) in _fields(_raw(parts.get(1, b"")))}
    version, kind = names.get(1, ""), names.get(2, "")
    group, slash, number = version.rpartition("/")
    if kind == "DeleteOptions":
        # It exists in every group, and is the same in all.
        group, number = "", "v1"
    try:
        schema = root(group if slash else "", number, kind)
    except KeyError:
        raise ProtobufError(f'no kind "{kind}" is registered for version "{version}"') from None
    return {"apiVersion": version, "kind": kind, **_struct(_raw(parts.get(2, b"")), schema.ref)}


@cache
def _numbers() -> dict[str, dict[str, str]]:
    document: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("protobuf.json").read_text())
    return document


def _struct(content: bytes, name: str, outer: str = "") -> dict[str, Any]:
    """Read a message of a type; with outer, its fields are known as fields of that type."""
    known, names = struct(outer or name).fields, _numbers()[name]
    result: dict[str, Any] = {}
    for number, wire in _fields(content):
        title = names.get(str(number), "")
        if title.startswith(">"):
            result |= _struct(_raw(wire[1]), title[1:], outer or name)
            continue
        key = title.rstrip("?")
        field = known.get(key)
        if field is None:
            continue
        if field.type == "map":
            entry = dict(_fields(_raw(wire[1])))
            item = _value(entry[2], field.values or ANY) if 2 in entry else _empty(field.values or ANY)  # noqa: PLR2004 - an entry's value
            result.setdefault(key, {})[_text(entry[1][1]) if 1 in entry else ""] = item
        elif field.type == "list":
            result.setdefault(key, []).extend(_items(wire, field.items or ANY))
        else:
            value = _value(wire, field)
            if value or not title.endswith("?"):
                result[key] = value
    return result


def _items(wire: Wire, field: Field) -> list[Any]:
    kind, content = wire
    if kind == _BYTES and field.type in ("int32", "int64", "boolean"):
        return [_value((_VARINT, number), field) for number in _packed(_raw(content))]
    return [_value(wire, field)]


def _packed(content: bytes) -> Iterator[int]:
    position = 0
    while position < len(content):
        number, position = _varint(content, position)
        yield number


def _value(wire: Wire, field: Field) -> Any:
    kind, content = wire
    if field.type == "struct":
        return _struct(_raw(content), field.ref)
    if field.type == "list":
        # A list within a map or list is a message with the items in field 1 (ExtraValue, for example).
        return [item for _, one in _fields(_raw(content)) for item in _items(one, field.items or ANY)]
    if field.type == "number":
        return packing.unpack("<d" if kind == _FIXED64 else "<f", _raw(content))[0]
    if field.type in ("int32", "int64"):
        return _signed(content)
    if field.type == "boolean":
        return bool(content)
    return _BY_TYPE[field.type](_raw(content))


def _empty(field: Field) -> Any:
    """Return the value of a map's entry that was left out, since it is zero."""
    return _value((_VARINT, 0) if field.type in ("int32", "int64", "boolean") else (_BYTES, b""), field)


def _time(content: bytes) -> str | None:
    parts = {number: _signed(value) for number, (_, value) in _fields(content)}
    if not any(parts.values()):
        return None
    moment = datetime.fromtimestamp(parts.get(1, 0), UTC).replace(microsecond=parts.get(2, 0) // 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if moment.microsecond else "%Y-%m-%dT%H:%M:%SZ")


def _int_or_string(content: bytes) -> int | str:
    parts = {number: value for number, (_, value) in _fields(content)}
    return _text(parts.get(3, b"")) if parts.get(1) else _signed(parts.get(2, 0))


def _quantity(content: bytes) -> str:
    return "".join(_text(value) for _, (_, value) in _fields(content)) or "0"


def _any(content: bytes) -> Any:
    """Read FieldsV1 or RawExtension: JSON in field 1."""
    return next((json.loads(_raw(value)) for _, (_, value) in _fields(content) if value), None)


_BY_TYPE: dict[str, Callable[[bytes], Any]] = {
    "string": lambda content: content.decode(),
    "bytes": lambda content: base64.b64encode(content).decode(),
    "time": _time,
    "int-or-string": _int_or_string,
    "quantity": _quantity,
    "any": _any,
}


def _raw(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise ProtobufError("proto: wrong wireType for a message or text")
    return value


def _text(value: int | bytes) -> str:
    return _raw(value).decode()


def _signed(value: int | bytes) -> int:
    if not isinstance(value, int):
        raise ProtobufError("proto: wrong wireType for a number")
    return value - (1 << 64) if value >> 63 else value


def _fields(content: bytes) -> Iterator[tuple[int, Wire]]:
    """Yield a message's fields: number, wire type, and a number or bytes."""
    position = 0
    while position < len(content):
        tag, position = _varint(content, position)
        kind = tag & 7
        if kind == _VARINT:
            value, position = _varint(content, position)
            yield tag >> 3, (kind, value)
            continue
        if kind == _BYTES:
            length, position = _varint(content, position)
        elif kind in (_FIXED64, _FIXED32):
            length = 8 if kind == _FIXED64 else 4
        else:
            raise ProtobufError(f"proto: illegal wireType {kind}")
        if position + length > len(content):
            raise ProtobufError("unexpected EOF")
        yield tag >> 3, (kind, content[position : position + length])
        position += length


def _varint(content: bytes, position: int) -> tuple[int, int]:
    number = 0
    for index in range(_LONGEST_VARINT):
        if position + index >= len(content):
            raise ProtobufError("unexpected EOF")
        byte = content[position + index]
        number |= (byte & 0x7F) << (_GROUP_BITS * index)
        if byte < 0x80:  # noqa: PLR2004 - the bit that says that more follows
            return number & (1 << 64) - 1, position + index + 1
    raise ProtobufError("proto: integer overflow")
