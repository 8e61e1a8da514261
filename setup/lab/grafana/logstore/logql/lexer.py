"""Splits a LogQL text into tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import ParseError

MAX_LENGTH = 16 * 1024  # characters of a query; Loki's own bound is 131,072

_TOKEN = re.compile(
    r"(?P<space>\s+|\#[^\n]*)"
    r'|(?P<quoted>"(?:[^"\\\n]|\\.)*")'
    r"|(?P<raw>`[^`]*`)"
    r"|(?P<duration>(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d|w|y))+(?![\w.]))"
    r"|(?P<bytes>\d+(?:\.\d+)?(?i:[kmgtpe]i?b|b)(?!\w))"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])|0x[0-9a-fA-F]+)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>\|=|\|~|\|>|!=|!~|!>|=~|==|>=|<=|[|{}()\[\],=<>+\-*/%^.:@])"
)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", re.DOTALL)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}
_UNITS = {
    "ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9,
    "d": 86_400 * 10**9, "w": 7 * 86_400 * 10**9, "y": 365 * 86_400 * 10**9,
}  # fmt: skip
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d|w|y)")


@dataclass(frozen=True)
class Token:
    """A piece of a query: its kind (a group of the expression above, or "end"), its text, where it begins."""

    kind: str
    text: str
    position: int


def tokens(text: str) -> list[Token]:
    """Return the tokens of a query, the last one of kind "end". Raises ParseError."""
    if len(text) > MAX_LENGTH:
        raise ParseError(text, 0, f"query too long, max length: {MAX_LENGTH}")
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            reason = "literal not terminated" if text[position] in '"`' else "syntax error: unexpected"
            raise ParseError(text, position, f"{reason} {text[position]!r}")
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup or "", match[0], position))
        position = match.end()
    return [*found, Token("end", "", position)]


def unquoted(text: str, token: Token) -> str:
    """Return what a string token stands for, by Go's rules. Raises ParseError."""
    if token.kind == "raw":
        return token.text[1:-1]

    def replace(match: re.Match[str]) -> str:
        escape = match[1]
        if escape in _SIMPLE:
            return _SIMPLE[escape]
        try:
            if escape[0] in "xuU" and len(escape) > 1:
                return chr(int(escape[1:], 16))
            return chr(int(escape, 8))
        except (ValueError, OverflowError):
            raise ParseError(text, token.position, f"invalid char escape \\{escape}") from None

    return _ESCAPE.sub(replace, token.text[1:-1])


def duration_ns(text: str) -> int:
    """Return the nanoseconds of "1h30m", "500ms", "1.5s". Raises ValueError when it is none."""
    if single := _DURATION_PART.fullmatch(text):
        return round(float(single[1]) * _UNITS[single[2]])
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"not a valid duration string: {text[:80]!r}")
    return round(sum(float(number) * _UNITS[unit] for number, unit in parts))
