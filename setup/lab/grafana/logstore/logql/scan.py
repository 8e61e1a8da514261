"""Finds the lines of a stream that a query keeps.

Text that a line must contain is looked for in a whole chunk at once, by `str.find`; only lines that have it are
looked at one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ..store import Stream, View
from . import regex
from .pipeline import Entry, LineTest, Step, line_test, steps
from .syntax import LineFilter, LineFormat, LogQuery, Matcher, Parser, Stage, TextFilter

_PLAIN = re.compile(r"[\w.:/@-]+", re.ASCII)  # logfmt writes such a value as it is


@dataclass
class Statistics:
    """What a query had to look at."""

    lines: int = 0
    text_bytes: int = 0
    streams: int = 0
    chunks: int = 0


@dataclass(frozen=True)
class _Words:
    """Words, one of which a line must contain; in lower case when `fold` says that case does not matter."""

    words: tuple[str, ...]
    fold: bool = False

    def lines(self, view: View) -> Iterable[int]:
        """Return the lines in which one may be, oldest first; a word may also lie across two lines."""
        text = view.text.lower() if self.fold else view.text
        if len(text) != len(view.text):  # a letter that is longer in lower case: positions would be wrong
            return range(view.first, view.last)
        found: set[int] = set()
        start, end = view.start, view.ends[view.last - 1]
        for word in self.words:
            position = text.find(word, start, end)
            while position >= 0:
                index = view.index_at(position)
                found.add(index)
                position = text.find(word, view.ends[index], end)
        return sorted(found)


def select(matchers: tuple[Matcher, ...], streams: Callable[..., list[Stream]]) -> list[Stream]:
    """Return the streams that a selector names; `streams` is LogStore.streams."""

    def passes(labels: dict[str, str]) -> bool:
        return all(one.test(labels.get(one.name, "")) for one in matchers)

    return streams(passes)


class Scan:
    """A log query made ready to run over streams."""

    def __init__(self, query: LogQuery, statistics: Statistics) -> None:
        self._statistics = statistics
        self._query = query
        before_format = _before_format(query.stages)
        filters = [stage for stage in before_format if isinstance(stage, LineFilter)]
        self._tests: list[LineTest] = [line_test(stage) for stage in filters]
        # A filter on the line as it came needs no labels, so it goes first wherever it stands.
        self._steps: list[Step] = steps(
            tuple(stage for stage in before_format if not isinstance(stage, LineFilter))
            + query.stages[len(before_format) :]
        )
        self._words = next((words for stage in filters if (words := _of_filter(stage))), None)

    @property
    def keeps_all(self) -> bool:
        """Say whether every line is kept as it is."""
        return not self._tests and not self._steps

    def indexes(self, view: View, labels: dict[str, str]) -> Iterator[int]:
        """Yield the lines of a view that pass the filters on the line, oldest first."""
        self._statistics.chunks += 1
        self._statistics.lines += view.last - view.first
        self._statistics.text_bytes += view.size
        words = self._words or self._of_labels(labels, view)
        for index in words.lines(view) if words else range(view.first, view.last):
            line = view.line(index)
            if all(test(line) for test in self._tests):
                yield index

    def entry(self, line: str, labels: dict[str, str]) -> Entry | None:
        """Return a line after the stages that look at labels; None when one of them drops it."""
        entry = Entry(line, labels)
        return entry if all(step(entry) for step in self._steps) else None

    def _of_labels(self, labels: dict[str, str], view: View) -> _Words | None:
        """Return what `| logfmt | level="error"` tells of the line: it contains "error"."""
        parsed = False
        for stage in _before_format(self._query.stages):
            if isinstance(stage, Parser):
                parsed = stage.kind == "logfmt"
            elif parsed and isinstance(stage, TextFilter):
                matcher = stage.matcher
                plain = matcher.operator == "=" and _PLAIN.fullmatch(matcher.value)
                if plain and not matcher.name.startswith("__") and matcher.name not in labels:
                    # An escape could hide any letter.
                    return None if "\\u" in view.text else _Words((matcher.value,))
        return None


def _before_format(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """Return the stages that see the line as it came."""
    ends = (index for index, stage in enumerate(stages) if isinstance(stage, LineFormat))
    return stages[: next(ends, len(stages))]


def _of_filter(stage: LineFilter) -> _Words | None:
    if stage.operator == "|=" and all(stage.texts):
        return _Words(stage.texts)
    if stage.operator == "|~" and len(stage.texts) == 1:
        found = regex.words(stage.texts[0])
        return _Words(*found) if found else None
    return None
