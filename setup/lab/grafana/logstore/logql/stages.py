"""Builds the trees of stream selectors and of the stages that follow them."""

from __future__ import annotations

import math
import re

from . import regex
from .errors import ParseError
from .lexer import Token, duration_ns, tokens, unquoted
from .syntax import (
    All,
    Condition,
    Either,
    LineFilter,
    LineFormat,
    Matcher,
    NumberFilter,
    Parser,
    Stage,
    TextFilter,
    Unwrap,
)

_LINE_OPERATORS = frozenset({"|=", "!=", "|~", "!~"})
_NUMBER_OPERATORS = frozenset({"=", "==", "!=", ">", ">=", "<", "<="})
_MATCH_OPERATORS = frozenset({"=", "!=", "=~", "!~"})
_MISSING = frozenset({"pattern", "regexp", "unpack", "label_format", "drop", "keep", "decolorize", "distinct"})
_CONVERSIONS = {"duration": "duration", "duration_seconds": "duration", "bytes": "bytes"}
_PLACEHOLDER = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_FIELD = re.compile(r"\.(\w+)")
_BYTES = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtpe]?)(i?)b", re.IGNORECASE)


def byte_count(text: str) -> float:
    """Return the bytes of "10KB" (1000 each) or "10KiB" (1024 each). Raises ValueError when it is none."""
    match = _BYTES.fullmatch(text)
    if match is None:
        raise ValueError(f"not a number of bytes: {text[:80]!r}")
    base = 1024.0 if match[3] else 1000.0
    return float(match[1]) * math.pow(base, " kmgtpe".index(match[2].lower() or " "))


def matcher(name: str, operator: str, value: str) -> Matcher:
    """Return a condition on a label's value. Raises regex.RegexError."""
    if operator == "=":
        return Matcher(name, operator, value, lambda text: text == value)
    if operator == "!=":
        return Matcher(name, operator, value, lambda text: text != value)
    match = regex.anchored(value).search
    if operator == "=~":
        return Matcher(name, operator, value, lambda text: match(text) is not None)
    return Matcher(name, operator, value, lambda text: match(text) is None)


class StageParser:
    """Reads the tokens of one query."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._next = 0

    @property
    def token(self) -> Token:
        """Return the token that comes next."""
        return self._tokens[self._next]

    def take(self) -> Token:
        """Return the next token and go on behind it."""
        token = self.token
        self._next += token.kind != "end"
        return token

    def at(self, text: str) -> bool:
        """Say whether the next token is this sign or word."""
        return self.token.kind in {"sign", "name"} and self.token.text == text

    def skip(self, text: str) -> bool:
        """Go on behind the next token if it is this sign or word, and say whether it was."""
        found = self.at(text)
        self._next += found
        return found

    def expect(self, text: str) -> None:
        """Go on behind this sign or word. Raises ParseError."""
        if not self.skip(text):
            raise self.unexpected(f", expecting {text}")

    def error(self, reason: str, token: Token | None = None) -> ParseError:
        """Return an error at a token, the next one by default."""
        return ParseError(self._text, (token or self.token).position, reason)

    def unexpected(self, wanted: str = "") -> ParseError:
        """Return the error that the next token does not belong there."""
        named = {"end": "$end", "name": "IDENTIFIER", "number": "NUMBER", "quoted": "STRING", "raw": "STRING"}
        found = named.get(self.token.kind, self.token.text)
        return self.error(f"syntax error: unexpected {found}{wanted}")

    def name(self) -> str:
        """Return the next token, which must be a name. Raises ParseError."""
        if self.token.kind != "name":
            raise self.unexpected(", expecting IDENTIFIER")
        return self.take().text

    def string(self) -> str:
        """Return what the next token, a string, stands for. Raises ParseError."""
        if self.token.kind not in {"quoted", "raw"}:
            raise self.unexpected(", expecting STRING")
        return unquoted(self._text, self.take())

    def number(self) -> float:
        """Return the next token, a number. Raises ParseError."""
        if self.token.kind != "number":
            raise self.unexpected(", expecting NUMBER")
        text = self.take().text
        return float(int(text, 16)) if text.startswith("0x") else float(text)

    def duration(self) -> int:
        """Return the nanoseconds of the next token, a duration. Raises ParseError."""
        if self.token.kind != "duration":
            raise self.unexpected(", expecting DURATION")
        return duration_ns(self.take().text)

    def selector(self) -> tuple[Matcher, ...]:
        """Return the conditions in {...}; at least one must exclude streams without its label."""
        start = self.token
        self.expect("{")
        found = []
        while not self.at("}"):
            found.append(self._matcher(self.name()))
            if not self.skip(","):
                break
        self.expect("}")
        if all(one.operator in {"!=", "!~"} or one.test("") for one in found):
            raise self.error(
                "queries require at least one regexp or equality matcher that does not have an empty-compatible"
                ' value. For instance, app=~".*" does not meet this requirement, but app=~".+" will',
                start,
            )
        return tuple(found)

    def _matcher(self, name: str) -> Matcher:
        operator = self.take()
        if operator.text not in _MATCH_OPERATORS:
            self._next -= operator.kind != "end"
            raise self.unexpected(", expecting = or != or =~ or !~")
        token = self.token
        value = self.string()
        try:
            return matcher(name, operator.text, value)
        except regex.RegexError as error:
            raise self.error(str(error), token) from None

    def stages(self) -> tuple[tuple[Stage, ...], Unwrap | None]:
        """Return the stages that follow, and the unwrap among them (the last but for conditions)."""
        found: list[Stage] = []
        unwrap = None
        while True:
            if self.token.kind == "sign" and self.token.text in {"|>", "!>"}:
                raise self.error(f"not supported here: the pattern filter {self.token.text}")
            if self.token.kind == "sign" and self.token.text in _LINE_OPERATORS:
                found.append(self._line_filter())
            elif not self.skip("|"):
                return tuple(found), unwrap
            elif self.skip("unwrap"):
                unwrap = self._unwrap()
            else:
                found.append(self._stage())

    def _line_filter(self) -> LineFilter:
        operator = self.take().text
        token = self.token
        if self.at("ip"):
            raise self.error("not supported here: ip()")
        texts = [self.string()]
        while self.skip("or"):
            texts.append(self.string())
        if operator in {"|~", "!~"}:
            for text in texts:
                try:
                    regex.compiled(text)
                except regex.RegexError as error:
                    raise self.error(str(error), token) from None
        return LineFilter(operator, tuple(texts))

    def _stage(self) -> Stage:
        for kind in ("logfmt", "json"):
            if self.skip(kind):
                if self.at("-") or self.token.kind == "name":
                    raise self.error(f"not supported here: flags and fields of {kind}")
                return Parser(kind)
        if self.skip("line_format"):
            return self._line_format()
        if self.token.kind == "name" and self.token.text in _MISSING:
            raise self.error(f"not supported here: {self.token.text}")
        return self._either()

    def _line_format(self) -> LineFormat:
        token = self.token
        pieces = _PLACEHOLDER.split(self.string())
        for index in range(1, len(pieces), 2):
            field = _FIELD.fullmatch(pieces[index])
            if field is None and pieces[index] != "__line__":
                raise self.error(f"not supported here: {{{{{pieces[index]}}}}}; only {{{{.label}}}} is", token)
            pieces[index] = field[1] if field else "__line__"
        return LineFormat(tuple(pieces))

    def _unwrap(self) -> Unwrap:
        name = self.name()
        if not self.skip("("):
            return Unwrap(name, "number")
        if name not in _CONVERSIONS:
            raise self.error(f"not supported here: unwrap {name}()")
        inner = self.name()
        self.expect(")")
        return Unwrap(inner, _CONVERSIONS[name])

    def _either(self) -> Condition:
        conditions = [self._all()]
        while self.skip("or"):
            conditions.append(self._all())
        return conditions[0] if len(conditions) == 1 else Either(tuple(conditions))

    def _all(self) -> Condition:
        conditions = [self._condition()]
        while self.skip("and") or self.skip(","):
            conditions.append(self._condition())
        return conditions[0] if len(conditions) == 1 else All(tuple(conditions))

    def _condition(self) -> Condition:
        if self.skip("("):
            inner = self._either()
            self.expect(")")
            return inner
        name, operator = self.name(), self.token
        following = self._tokens[min(self._next + 1, len(self._tokens) - 1)]
        kind = following.kind
        if kind in {"quoted", "raw"}:
            return TextFilter(self._matcher(name))
        if following.text == "ip":
            raise self.error("not supported here: ip()", following)
        if operator.text not in _NUMBER_OPERATORS:
            raise self.unexpected()
        self.take()
        if kind == "duration":
            return NumberFilter(name, operator.text, self.duration() / 1e9, "duration")
        if kind == "bytes":
            return NumberFilter(name, operator.text, byte_count(self.take().text), "bytes")
        sign = -1.0 if self.skip("-") else 1.0
        return NumberFilter(name, operator.text, sign * self.number(), "number")
