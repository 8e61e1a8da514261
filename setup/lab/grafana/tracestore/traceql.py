"""A part of TraceQL: spansets `{ ... }` with conditions on attributes and intrinsics, joined by && and ||.

https://grafana.com/docs/tempo/latest/traceql/construct-traceql-queries/
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from lab.grafana.logstore.logql.lexer import duration_ns
from lab.grafana.logstore.logql.regex import RegexError, anchored

from . import otlp
from .store import Span, Trace, Value

MAX_LENGTH = 16 * 1024  # characters of a query
STATUSES = {"unset": 0, "ok": 1, "error": 2}
KINDS = {"unspecified": 0, "internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}

_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r'|(?P<text>"(?:[^"\\]|\\.)*"|`[^`]*`)'
    r"|(?P<duration>(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+(?!\w))"
    r"|(?P<number>-?\d+(?:\.\d+)?(?![\w.]))"
    r'|(?P<field>(?:(?:resource|span|event|link|instrumentation|parent)?\.)(?:[\w.\-/]+|"[^"]*"))'
    r"|(?P<name>[A-Za-z]\w*(?::\w+)?)"
    r"|(?P<sign>&&|\|\||!=|!~|=~|>=|<=|>>|<<|=|>|<|~|[{}()|!+\-*/%^])"
)
_ALIASES = {
    "span:status": "status", "span:name": "name", "span:duration": "duration", "span:kind": "kind",
    "span:statusMessage": "statusMessage", "trace:duration": "traceDuration", "trace:rootName": "rootName",
    "trace:rootService": "rootServiceName",
}  # fmt: skip
_ORDER: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le
}  # fmt: skip


class TraceQLError(Exception):
    """A query that is no TraceQL, or is TraceQL that is not supported here."""


@dataclass
class Looked:
    """A span while it is looked at; its attributes are read once."""

    span: Span
    trace: Trace
    _attributes: dict[str, Value] | None = field(default=None, repr=False)

    def attributes(self) -> dict[str, Value]:
        """Return the span's own attributes."""
        if self._attributes is None:
            self._attributes = otlp.attributes(self.span.message().attributes)
        return self._attributes


Condition = Callable[[Looked], bool]
Getter = Callable[[Looked], Value | None]
Spanset = Callable[[Trace], list[Span]]  # the spans that match; none means that the trace does not


def _attribute(text: str) -> Getter:
    scope, _, name = text.partition(".")
    name = name.strip('"')
    if scope == "resource":
        return lambda looked: looked.span.resource.attributes.get(name)
    if scope == "span":
        return lambda looked: looked.attributes().get(name)
    if scope:
        raise TraceQLError(f"not supported here: {scope}.{name}")
    # Without a scope: the span's own, else the resource's.
    return lambda looked: looked.attributes().get(name, looked.span.resource.attributes.get(name))


def _root(looked: Looked) -> Span | None:
    return looked.trace.root


_INTRINSICS: dict[str, Getter] = {
    "name": lambda looked: looked.span.name,
    "status": lambda looked: looked.span.status,
    "statusMessage": lambda looked: looked.span.message().status.message,
    "kind": lambda looked: looked.span.kind,
    "duration": lambda looked: looked.span.duration,
    "traceDuration": lambda looked: looked.trace.end - looked.trace.start,
    "rootName": lambda looked: root.name if (root := _root(looked)) else None,
    "rootServiceName": lambda looked: root.resource.service if (root := _root(looked)) else None,
}


class _Parser:
    def __init__(self, text: str) -> None:
        if len(text) > MAX_LENGTH:
            raise TraceQLError(f"the query has more than {MAX_LENGTH} characters")
        self._tokens: list[tuple[str, str, int]] = []
        position = 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise _unexpected(text[position], position)
            if match.lastgroup != "space":
                self._tokens.append((match.lastgroup or "", match[0], position))
            position = match.end()
        self._tokens.append(("end", "$end", position))
        self._next = 0

    def whole(self) -> Spanset:
        found = self._either_spanset()
        if self._at("|", ">>", "<<", ">", "<", "~", "!"):
            raise TraceQLError(f"not supported here: {self._tokens[self._next][1]} between spansets")
        if self._kind() != "end":
            raise self._error()
        return found

    def _either_spanset(self) -> Spanset:
        found = self._both_spansets()
        while self._skip("||"):
            found = _either(found, self._both_spansets())
        return found

    def _both_spansets(self) -> Spanset:
        found = self._spanset()
        while self._skip("&&"):
            found = _both(found, self._spanset())
        return found

    def _spanset(self) -> Spanset:
        if self._skip("("):
            inner = self._either_spanset()
            self._expect(")")
            return inner
        self._expect("{")
        condition: Condition = (lambda _looked: True) if self._at("}") else self._or()
        self._expect("}")
        return lambda trace: [span for span in trace.spans if condition(Looked(span, trace))]

    def _or(self) -> Condition:
        found = [self._and()]
        while self._skip("||"):
            found.append(self._and())
        return found[0] if len(found) == 1 else lambda looked: any(one(looked) for one in found)

    def _and(self) -> Condition:
        found = [self._condition()]
        while self._skip("&&"):
            found.append(self._condition())
        return found[0] if len(found) == 1 else lambda looked: all(one(looked) for one in found)

    def _condition(self) -> Condition:
        if self._skip("("):
            inner = self._or()
            self._expect(")")
            return inner
        if self._skip("!"):
            inner = self._condition()
            return lambda looked: not inner(looked)
        kind, text, _ = self._tokens[self._next]
        if kind == "name" and text in {"true", "false"}:
            self._next += 1
            return lambda _looked: text == "true"
        name = _ALIASES.get(text, text)
        if kind == "field":
            get = _attribute(text)
        elif kind == "name" and name in _INTRINSICS:
            get = _INTRINSICS[name]
        elif kind == "name":
            raise TraceQLError(f"not supported here: {text}")
        else:
            raise self._error()
        self._next += 1
        return self._comparison(name, get)

    def _comparison(self, name: str, get: Getter) -> Condition:
        sign = self._tokens[self._next][1]
        if sign not in {"=", "!=", "=~", "!~", *_ORDER}:
            if self._kind() in {"sign", "end"} and sign in {"}", ")", "&&", "||"}:
                return lambda looked: get(looked) is True
            raise self._error()
        self._next += 1
        if self._kind() == "name" and self._tokens[self._next][1] == "nil":
            self._next += 1
            return (
                (lambda looked: get(looked) is None)
                if sign == "="
                else (lambda looked: get(looked) is not None)
            )
        return _compare(sign, get, self._value(name))

    def _value(self, name: str) -> Value:
        kind, text, _ = self._tokens[self._next]
        self._next += 1
        if kind == "text":
            return text[1:-1] if text[0] == "`" else re.sub(r"\\(.)", r"\1", text[1:-1])
        if kind == "duration":
            return duration_ns(text)
        if kind == "number":
            return float(text)
        if kind == "name" and text in {"true", "false"}:
            return text == "true"
        if kind == "name" and text in {"status": STATUSES, "kind": KINDS}.get(name, {}):
            return (STATUSES if name == "status" else KINDS)[text]
        self._next -= 1
        raise self._error()

    def _kind(self) -> str:
        return self._tokens[self._next][0]

    def _at(self, *texts: str) -> bool:
        return self._kind() == "sign" and self._tokens[self._next][1] in texts

    def _skip(self, text: str) -> bool:
        found = self._at(text)
        self._next += found
        return found

    def _expect(self, text: str) -> None:
        if not self._skip(text):
            raise self._error()

    def _error(self) -> TraceQLError:
        _, text, position = self._tokens[self._next]
        return _unexpected(text, position)


def _unexpected(text: str, position: int) -> TraceQLError:
    return TraceQLError(f"parse error at line 1, col {position + 1}: syntax error: unexpected {text}")


def _either(left: Spanset, right: Spanset) -> Spanset:
    return lambda trace: list(dict.fromkeys([*left(trace), *right(trace)]))


def _both(left: Spanset, right: Spanset) -> Spanset:
    def found(trace: Trace) -> list[Span]:
        first = left(trace)
        second = right(trace) if first else []
        return list(dict.fromkeys([*first, *second])) if second else []

    return found


def _compare(sign: str, get: Getter, wanted: Value) -> Condition:
    """Return a comparison; a value of another type, or none, never matches."""
    if sign in {"=~", "!~"}:
        if not isinstance(wanted, str):
            raise TraceQLError(f"{sign} needs a text")
        search, expected = anchored(wanted).search, sign == "=~"
        return lambda looked: isinstance(got := get(looked), str) and bool(search(got)) is expected
    if sign in _ORDER:
        if isinstance(wanted, bool | str):
            raise TraceQLError(f"{sign} needs a number or a duration")
        order = _ORDER[sign]
        return lambda looked: _is_number(got := get(looked)) and order(got, wanted)  # type: ignore[arg-type]
    same = sign == "="
    return lambda looked: _alike(got := get(looked), wanted) and (got == wanted) is same


def _is_number(value: Value | None) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _alike(got: Value | None, wanted: Value) -> bool:
    if got is None:
        return False
    return type(got) is type(wanted) or (_is_number(got) and _is_number(wanted))


def parse(text: str) -> Spanset:
    """Return the function that finds a trace's matching spans. Raises TraceQLError."""
    try:
        return _Parser(text).whole()
    except RegexError as error:
        raise TraceQLError(str(error)) from None
    except RecursionError:
        raise TraceQLError("not supported here: so many brackets") from None
