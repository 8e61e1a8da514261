"""What can be wrong with a query."""

from __future__ import annotations


class LogQLError(Exception):
    """A query that cannot be answered; the message is worded as Loki's."""


class ParseError(LogQLError):
    """A text that is no LogQL, or is LogQL that is not supported here."""

    def __init__(self, text: str, position: int, reason: str) -> None:
        line = text.count("\n", 0, position) + 1
        column = position - text.rfind("\n", 0, position)
        super().__init__(f"parse error at line {line}, col {column}: {reason}")
