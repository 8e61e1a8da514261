"""Template variables: their values from the address, the file or a query, and texts with them filled in.

Syntax and formats: https://grafana.com/docs/grafana/latest/dashboards/variables/variable-syntax/
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from ..frames import Json

ALL = "$__all"
_LONGEST = 200
_WRITTEN = re.compile(
    r"\$\{(?P<braced>\w+)(?:\.(?P<path>[^:}]+))?(?::(?P<format>\w+))?\}|\$(?P<plain>\w+)|\[\[(?P<old>\w+)\]\]"
)
_REGEX_SPECIAL = re.compile(r"[\\^$.*+?()\[\]{}|/]")


@dataclass(frozen=True)
class Variable:
    """A variable: what it may be, and what it is; a `written` that is set stands for it instead of `values`."""

    name: str
    label: str
    kind: str
    values: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()  # text and value
    multi: bool = False
    hidden: bool = False
    written: str = ""

    @property
    def text(self) -> str:
        """The values as a person reads them."""
        texts = {value: text for text, value in self.options}
        return " + ".join(texts.get(value, value) for value in self.values)


@dataclass(frozen=True)
class Scope:
    """What texts may refer to: variables by name, and the dashboard's time range in epoch milliseconds."""

    variables: Mapping[str, Variable]
    start_ms: int
    end_ms: int
    times: tuple[str, str]  # as the address has them
    more: Mapping[str, Any] = field(default_factory=dict)

    def fill(self, text: str, default: str = "glob") -> str:
        """Return `text` with its variables filled in; what is unknown stays, for the data source to say so."""

        def filled(match: re.Match[str]) -> str:
            name = match["braced"] or match["plain"] or match["old"]
            return self._value(name, match["path"] or "", match["format"] or default, match[0])

        return _WRITTEN.sub(filled, text)

    def deep(self, value: Any, default: str = "glob") -> Any:
        """Return JSON with the variables in its texts filled in."""
        if isinstance(value, str):
            return self.fill(value, default)
        if isinstance(value, list):
            return [self.deep(item, default) for item in value]
        if isinstance(value, dict):
            return {key: self.deep(item, default) for key, item in value.items()}
        return value

    def with_more(self, more: Mapping[str, Any]) -> Scope:
        """Return a scope in which further names are known, such as a field's."""
        return Scope(self.variables, self.start_ms, self.end_ms, self.times, {**self.more, **more})

    def _value(self, name: str, path: str, form: str, written: str) -> str:
        if name in self.more:
            return _shown([_inside(self.more[name], path)], form)
        if (variable := self.variables.get(name)) is not None:
            return _written(variable, form)
        return self._built_in(name, path, form) or written

    def _built_in(self, name: str, path: str, form: str) -> str:
        """Return what Grafana knows of itself under a name; "" when that is nothing."""
        if name in {"__from", "__to"}:
            moment = self.start_ms if name == "__from" else self.end_ms
            return str(moment // 1000 if path == "date" and form == "seconds" else moment)
        if name == "__url_time_range":
            return urlencode({"from": self.times[0], "to": self.times[1]})
        if name == "__all_variables":
            pairs = [(f"var-{v.name}", value) for v in self.variables.values() for value in v.values]
            return urlencode(pairs)
        return ""


def _written(variable: Variable, form: str) -> str:
    """Return a variable's values in a format."""
    if form == "queryparam":
        return urlencode([(f"var-{variable.name}", value) for value in variable.values])
    if form == "text":
        return variable.text
    if variable.written:
        return variable.written
    return _shown(list(variable.values), "one" if form == "promql" and not variable.multi else form)


def _inside(value: Any, path: str) -> Any:
    """Return what a path such as `fields.traceID` or `labels["a"]` leads to; "" when nothing is there."""
    for step in re.findall(r"\[[\"']?([^\"'\]]+)[\"']?\]|([^.\[\]]+)", path):
        key = step[0] or step[1]
        value = value.get(key, "") if isinstance(value, Mapping) else ""
    return value


def _shown(values: list[Any], form: str) -> str:
    texts = ["" if value is None else str(value) for value in values]
    return _FORMATS.get(form, _FORMATS["glob"])(texts)


def _glob(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{{{','.join(texts)}}}"


def _regex(texts: list[str]) -> str:
    escaped = [_REGEX_SPECIAL.sub(r"\\\g<0>", text) for text in texts]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def _promql(texts: list[str]) -> str:
    """Escape for a regular expression inside a PromQL or LogQL string, as these data sources do."""
    return _regex(texts).replace("\\", "\\\\")


_FORMATS: dict[str, Callable[[list[str]], str]] = {
    "glob": _glob,
    "regex": _regex,
    "promql": _promql,
    "pipe": "|".join,
    "csv": ",".join,
    "raw": ",".join,
    "one": lambda texts: ",".join(texts).replace("\\", "\\\\").replace('"', '\\"'),
    "json": lambda texts: json.dumps(texts if len(texts) != 1 else texts[0]),
    "doublequote": lambda texts: ",".join(f'"{text}"' for text in texts),
    "singlequote": lambda texts: ",".join(f"'{text}'" for text in texts),
    "percentencode": lambda texts: quote(_glob(texts), safe=""),
    "uriencode": lambda texts: quote(_glob(texts), safe=":/?#[]@!$&'()*+,;="),
}


def chosen(raw: Json, asked: list[str], options: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """Return a variable's values: those of the address, else the file's, else its first option.

    Of the address, only what may be a value is taken: short, on one line, and without a quote or a backslash,
    which would lead out of the query's text.
    """
    asked = [value for value in asked if len(value) <= _LONGEST and not re.search(r"[\"\\`{}\s$]", value)]
    if not asked:
        current = raw.get("current")
        value = current.get("value") if isinstance(current, dict) else None
        asked = [
            str(item) for item in (value if isinstance(value, list) else [value]) if item not in {None, ""}
        ]
    known = {value for _, value in options}
    if not asked or (known and asked[0] not in known | {ALL} and not raw.get("allowCustomValue", True)):
        asked = [options[0][1]] if options else []
    return tuple(asked if raw.get("multi") or asked == [ALL] else asked[:1])
