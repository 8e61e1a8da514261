"""What `| logfmt` and `| json` read from a line."""

from __future__ import annotations

import functools
import json
import re
from typing import Any

_VALUE = r'(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))'
_PAIR = re.compile(r'(?<!\S)([^\s="]+)=' + _VALUE)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "\\": "\\", '"': '"'}
_NO_NAME = re.compile(r"[^a-zA-Z0-9_]")


def logfmt(line: str) -> dict[str, str]:
    """Return the pairs of a line of logfmt; words without "=" and empty values are left out."""
    found: dict[str, str] = {}
    for name, quoted, plain in _PAIR.findall(line):
        value = quoted or plain
        if value:
            found.setdefault(_label(name), _unescaped(value) if quoted and "\\" in quoted else value)
    return found


def logfmt_value(line: str, name: str) -> str | None:
    """Return what `logfmt(line).get(name)` does, mostly without reading the whole line."""
    if name.startswith("_"):  # put before a digit, perhaps
        return logfmt(line).get(name)
    match = _finder(name).search(line)
    if match is None:
        return None
    value = match[1] or match[2]
    start = match.start()
    # Within quotes it is a part of another value; an escape before it, or no value, leave that unclear.
    if not value or "\\" in value or "\\" in line[:start] or line.count('"', 0, start) % 2:
        return logfmt(line).get(name)
    return value


@functools.lru_cache(maxsize=256)
def _finder(name: str) -> re.Pattern[str]:
    # What a label may not have has become "_".
    written = name.replace("_", r'[^\sa-zA-Z0-9="]')
    return re.compile(rf"(?<!\S){written}={_VALUE}")


def from_json(line: str) -> dict[str, str]:
    """Return the values of an object as text, nested names joined by "_"; lists are left out.

    Raises ValueError when the line is no JSON object.
    """
    try:
        # Numbers stay as they are written.
        tree = json.loads(line, parse_int=str, parse_float=str)
    except RecursionError:
        raise ValueError("too deep") from None
    if not isinstance(tree, dict):
        raise ValueError("not an object")  # noqa: TRY004 - of the text, whose type is right
    found: dict[str, str] = {}
    _flatten("", tree, found)
    return found


def _flatten(prefix: str, tree: dict[str, Any], found: dict[str, str]) -> None:
    for name, value in tree.items():
        label = f"{prefix}{_label(name)}"
        if isinstance(value, dict):
            _flatten(f"{label}_", value, found)
        elif isinstance(value, bool):
            found.setdefault(label, str(value).lower())
        elif isinstance(value, str) and value:
            found.setdefault(label, value)


def _label(name: str) -> str:
    """Return a name in which only what a label may have is left."""
    if name.isascii() and name.isidentifier():
        return name
    clean = _NO_NAME.sub("_", name)
    return f"_{clean}" if clean[:1].isdigit() else clean


def _unescaped(text: str) -> str:
    def replace(match: re.Match[str]) -> str:
        escape = match[1]
        return chr(int(escape[1:], 16)) if len(escape) > 1 else _SIMPLE.get(escape, match[0])

    return _ESCAPE.sub(replace, text)
