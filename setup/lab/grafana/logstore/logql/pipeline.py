"""What the lines of a stream go through: filters, parsers, formats."""

from __future__ import annotations

import operator
from collections.abc import Callable

from . import extract, regex
from .lexer import duration_ns
from .stages import byte_count
from .syntax import (
    All,
    Condition,
    Either,
    LineFilter,
    LineFormat,
    NumberFilter,
    Parser,
    Stage,
    TextFilter,
    Unwrap,
)

ERROR = "__error__"
_EXTRACTED = "_extracted"


class Entry:
    """A line on its way through the stages; `error` is what one of them had to complain of.

    `| logfmt` is put off until somebody asks for a label, and then reads that one only if it can.
    """

    __slots__ = ("_labels", "_unread", "error", "line", "stream")

    def __init__(self, line: str, stream: dict[str, str]) -> None:
        self.line = line
        self.stream = stream
        self.error = ""
        self._labels = stream
        self._unread = ""  # a line of logfmt

    def label(self, name: str) -> str | None:
        """Return the value of a label, None without it."""
        if name == ERROR:
            return self.error
        value = self._labels.get(name)
        if value is None and self._unread:
            if name.endswith(_EXTRACTED):
                return self.labels().get(name)
            return extract.logfmt_value(self._unread, name)
        return value

    def labels(self) -> dict[str, str]:
        """Return all labels but the error."""
        if self._unread:
            unread, self._unread = self._unread, ""
            self._add(extract.logfmt(unread))
        return self._labels

    def all_labels(self) -> dict[str, str]:
        """Return the labels of the result, the error among them."""
        return {**self.labels(), ERROR: self.error} if self.error else self.labels()

    def read_logfmt(self) -> None:
        """Add the labels of the line, which is logfmt."""
        self.labels()
        self._unread = self.line

    def read_json(self) -> None:
        """Add the labels of the line, which is JSON."""
        self.labels()
        try:
            self._add(extract.from_json(self.line))
        except ValueError:
            self.error = "JSONParserErr"

    def _add(self, found: dict[str, str]) -> None:
        """Add labels from the line; a name that the stream has already gets `_extracted` behind it."""
        if self._labels is self.stream:
            self._labels = dict(self.stream)
        for name, value in found.items():
            self._labels.setdefault(f"{name}{_EXTRACTED}" if name in self.stream else name, value)


Step = Callable[[Entry], bool]  # changes the entry, or returns False to drop it
LineTest = Callable[[str], bool]

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq, "==": operator.eq, "!=": operator.ne,
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip


def steps(stages: tuple[Stage, ...]) -> list[Step]:
    """Return the stages as functions, in order."""
    return [_step(stage) for stage in stages]


def line_test(stage: LineFilter) -> LineTest:
    """Return the function that tells whether a line passes the filter."""
    if stage.operator in {"|~", "!~"}:
        searches = [regex.compiled(text).search for text in stage.texts]
        found: LineTest = lambda line: any(search(line) for search in searches)  # noqa: E731 - one of two
    elif len(stage.texts) == 1:
        [text] = stage.texts
        found = lambda line: text in line  # noqa: E731 - the other
    else:
        found = lambda line: any(text in line for text in stage.texts)  # noqa: E731 - and its general form
    return found if stage.operator in {"|=", "|~"} else lambda line: not found(line)


def number(text: str, kind: str) -> float:
    """Return a label's value as a number, a duration's seconds or bytes. Raises ValueError."""
    if kind == "duration":
        sign = -1 if text.startswith("-") else 1
        return sign * duration_ns(text.lstrip("+-")) / 1e9
    if kind == "bytes":
        return byte_count(text)
    if "_" in text:  # Python's own liberty
        raise ValueError(f"not a number: {text[:80]!r}")
    return float(text)


def unwrapped(entry: Entry, unwrap: Unwrap) -> float | None:
    """Return the number that a line holds; None without the label, and with an error when it is none."""
    value = entry.label(unwrap.name)
    if value is None:
        return None
    try:
        result = number(value, unwrap.kind)
    except ValueError:
        entry.error = "SampleExtractionErr"
        result = 0.0
    return result


def _step(stage: Stage) -> Step:
    if isinstance(stage, LineFilter):
        test = line_test(stage)
        return lambda entry: test(entry.line)
    if isinstance(stage, Parser):
        return _logfmt if stage.kind == "logfmt" else _json
    if isinstance(stage, LineFormat):
        return _line_format(stage)
    return condition(stage)


def condition(tree: Condition) -> Step:
    """Return a condition on labels as a function."""
    if isinstance(tree, Either):
        tests = [condition(one) for one in tree.conditions]
        return lambda entry: any(test(entry) for test in tests)
    if isinstance(tree, All):
        tests = [condition(one) for one in tree.conditions]
        return lambda entry: all(test(entry) for test in tests)
    if isinstance(tree, TextFilter):
        matcher = tree.matcher
        return lambda entry: matcher.test(entry.label(matcher.name) or "")
    return _comparison(tree)


def _comparison(tree: NumberFilter) -> Step:
    compare = _COMPARE[tree.operator]

    def passes(entry: Entry) -> bool:
        if entry.error:  # only a condition on the error itself drops what has one
            return True
        value = entry.label(tree.name)
        if value is None:
            return False
        try:
            return compare(number(value, tree.kind), tree.value)
        except ValueError:
            entry.error = "LabelFilterErr"
            return True

    return passes


def _logfmt(entry: Entry) -> bool:
    entry.read_logfmt()
    return True


def _json(entry: Entry) -> bool:
    entry.read_json()
    return True


def _line_format(stage: LineFormat) -> Step:
    def write(entry: Entry) -> bool:
        pieces = list(stage.pieces)
        for index in range(1, len(pieces), 2):
            name = pieces[index]
            pieces[index] = entry.line if name == "__line__" else entry.label(name) or ""
        entry.line = "".join(pieces)
        return True

    return write
