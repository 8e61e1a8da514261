"""Answers a metric query: series of numbers, one for each moment asked for."""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from ..store import Labels, LogStore, Stream, label_set
from . import vectors
from .errors import LogQLError
from .pipeline import Entry, unwrapped
from .scan import Scan, Statistics, select
from .syntax import (
    Binary,
    Expression,
    Grouping,
    Number,
    RangeAggregation,
    Vector,
    VectorAggregation,
)
from .vectors import Series, Values

MAX_SERIES = 500  # Loki's own default (max_query_series)

# A sum over groups may sum their lines at once, instead of a series for each set of labels read from them.
_SUMMABLE = frozenset({"count_over_time", "rate", "bytes_over_time", "bytes_rate", "sum_over_time"})


@dataclass
class _Samples:
    """The lines of one series: their times, rising once sorted, and their numbers where numbers matter."""

    times: list[int] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)

    def sort(self) -> None:
        """Put the samples in the order of time; they came stream by stream."""
        if not self.numbers:
            self.times.sort()
        elif any(self.times[index] > self.times[index + 1] for index in range(len(self.times) - 1)):
            pairs = sorted(zip(self.times, self.numbers, strict=True))
            self.times = [moment for moment, _ in pairs]
            self.numbers = [number for _, number in pairs]


class Evaluation:
    """The evaluation of a query at `moments` (epoch nanoseconds, rising)."""

    def __init__(self, store: LogStore, moments: Sequence[int], statistics: Statistics) -> None:
        self._store, self._moments, self._statistics = store, moments, statistics

    def evaluate(self, tree: Expression) -> Series | float:
        """Return the series by labels, or a number; a series has None where it has no value.

        Raises LogQLError.
        """
        if isinstance(tree, Number):
            return tree.value
        if isinstance(tree, Vector):
            return {(): [tree.value] * len(self._moments)}
        if isinstance(tree, Binary):
            left, right = self.evaluate(tree.left), self.evaluate(tree.right)
            return vectors.binary(tree.operator, left, right, keep_bool=tree.keep_bool)
        if isinstance(tree, RangeAggregation):
            return self._over_time(tree, tree.grouping)
        return self._aggregation(tree)

    def _aggregation(self, tree: VectorAggregation) -> Series:
        operand = tree.operand
        if tree.function == "sum" and isinstance(operand, RangeAggregation) and operand.function in _SUMMABLE:
            return self._over_time(operand, tree.grouping)
        series = self.evaluate(operand)
        if not isinstance(series, dict):
            raise LogQLError(f"parse error : {tree.function} needs a vector, not a number")
        return vectors.aggregate(tree.function, series, tree.grouping, tree.parameter)

    def _over_time(self, tree: RangeAggregation, grouping: Grouping | None) -> Series:
        found = self._samples(tree, grouping)
        over = _FUNCTIONS[tree.function]
        if tree.unwrap is not None and tree.function == "rate":
            over = _unwrapped_rate
        result: Series = {}
        for labels, samples in found.items():
            samples.sort()
            values = over(samples, *self._bounds(tree, samples.times), tree.range_ns / 1e9)
            if any(value is not None for value in values):
                result[labels] = values
        if len(result) > MAX_SERIES:
            raise LogQLError(
                f"maximum number of series ({MAX_SERIES}) reached for a single query; consider reducing query "
                "cardinality by adding more specific stream selectors, reducing the time range, or aggregating "
                "results with functions like sum(), count() or topk()"
            )
        return result

    def _bounds(self, tree: RangeAggregation, times: list[int]) -> tuple[list[int], list[int]]:
        """Return where each moment's window begins and ends among times: after its start, up to its end."""
        ends = [moment - tree.offset_ns for moment in self._moments]
        last = [bisect.bisect_right(times, end) for end in ends]
        first = [bisect.bisect_right(times, end - tree.range_ns) for end in ends]
        return first, last

    def _samples(self, tree: RangeAggregation, grouping: Grouping | None) -> dict[Labels, _Samples]:
        scan = Scan(tree.query, self._statistics)
        start = self._moments[0] - tree.offset_ns - tree.range_ns + 1
        end = self._moments[-1] - tree.offset_ns + 1
        found: dict[Labels, _Samples] = defaultdict(_Samples)
        streams = select(tree.query.matchers, self._store.streams)
        self._statistics.streams += len(streams)
        for stream in streams:
            if scan.keeps_all and tree.function in {"count_over_time", "rate"} and tree.unwrap is None:
                samples = found[grouped(dict(stream.labels), grouping)]
                for view in stream.views(start, end):
                    self._statistics.lines += view.last - view.first
                    samples.times.extend(view.times[view.first : view.last])
            else:
                _collect(tree, scan, stream, (start, end), grouping, found)
        return found


def _collect(
    tree: RangeAggregation,
    scan: Scan,
    stream: Stream,
    window: tuple[int, int],
    grouping: Grouping | None,
    found: dict[Labels, _Samples],
) -> None:
    labels = dict(stream.labels)
    sized = tree.function in {"bytes_over_time", "bytes_rate"}
    by = None if grouping is None or grouping.without else grouping.names
    # The values of the labels that a group keeps -> its samples.
    known: dict[tuple[str | None, ...], _Samples] = {}
    for view in stream.views(*window):
        for index in scan.indexes(view, labels):
            entry = scan.entry(view.line(index), labels)
            number = None if entry is None else _number(tree, entry, sized=sized)
            if entry is None or number is None:
                continue
            _refuse_errors(entry)
            if by is None:
                samples = found[grouped(_left(entry.labels(), tree), grouping)]
            else:
                values = tuple([entry.label(name) for name in by])
                samples = known.get(values) or known.setdefault(values, found[_named(by, values)])
            samples.times.append(view.times[index])
            if tree.unwrap is not None or sized:
                samples.numbers.append(number)


def _number(tree: RangeAggregation, entry: Entry, *, sized: bool) -> float | None:
    """Return what a line counts for: its size, its number (None without one), or 1."""
    if tree.unwrap is not None:
        return unwrapped(entry, tree.unwrap)
    return float(_size(entry.line)) if sized else 1.0


def _refuse_errors(entry: Entry) -> None:
    if entry.error:
        raise LogQLError(
            f"pipeline error: '{entry.error}' for series: '{_shown(entry.all_labels())}'.\nUse a label filter "
            f'to intentionally skip this error. (e.g | __error__!="{entry.error}")'
        )


def _left(labels: dict[str, str], tree: RangeAggregation) -> dict[str, str]:
    """Return the labels without the one that was unwrapped."""
    if tree.unwrap is None:
        return labels
    return {name: value for name, value in labels.items() if name != tree.unwrap.name}


def _named(names: tuple[str, ...], values: tuple[str | None, ...]) -> Labels:
    return label_set((name, value or "") for name, value in zip(names, values, strict=True))


def _size(line: str) -> int:
    return len(line) if line.isascii() else len(line.encode("utf-8", "replace"))


def grouped(labels: dict[str, str], grouping: Grouping | None) -> Labels:
    """Return the labels that remain of a series in its group; all of them without a grouping."""
    if grouping is None:
        return label_set(labels.items())
    if grouping.without:
        return label_set((name, value) for name, value in labels.items() if name not in grouping.names)
    return label_set((name, labels.get(name, "")) for name in grouping.names)


def _shown(labels: dict[str, str]) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items())) + "}"


_Over = Callable[[_Samples, list[int], list[int], float], Values]


def _count(_samples: _Samples, first: list[int], last: list[int], _seconds: float) -> Values:
    return [float(b - a) if b > a else None for a, b in zip(first, last, strict=True)]


def _sum(samples: _Samples, first: list[int], last: list[int], _seconds: float) -> Values:
    # A window's own sum, not a difference of running ones: an infinity would spoil all that follow.
    sums = _prefix(samples)
    if sums is not None:
        return [sums[b] - sums[a] if b > a else None for a, b in zip(first, last, strict=True)]
    return [sum(samples.numbers[a:b]) if b > a else None for a, b in zip(first, last, strict=True)]


def _prefix(samples: _Samples) -> list[float] | None:
    """Return running sums when they are exact: all numbers whole, and not too large together."""
    if not all(number.is_integer() for number in map(float, samples.numbers)):
        return None
    sums = list(accumulate(samples.numbers, initial=0.0))
    return sums if max(map(abs, sums)) < 1 << 53 else None


def _per_second(values: Values, seconds: float) -> Values:
    return [None if value is None else value / seconds for value in values]


def _rate(samples: _Samples, first: list[int], last: list[int], seconds: float) -> Values:
    return _per_second(_count(samples, first, last, seconds), seconds)


def _unwrapped_rate(samples: _Samples, first: list[int], last: list[int], seconds: float) -> Values:
    return _per_second(_sum(samples, first, last, seconds), seconds)


def _average(samples: _Samples, first: list[int], last: list[int], seconds: float) -> Values:
    sums = _sum(samples, first, last, seconds)
    return [None if total is None else total / (b - a) for total, a, b in zip(sums, first, last, strict=True)]


def _least(samples: _Samples, first: list[int], last: list[int], _seconds: float) -> Values:
    return [min(samples.numbers[a:b]) if b > a else None for a, b in zip(first, last, strict=True)]


def _greatest(samples: _Samples, first: list[int], last: list[int], _seconds: float) -> Values:
    return [max(samples.numbers[a:b]) if b > a else None for a, b in zip(first, last, strict=True)]


_FUNCTIONS: dict[str, _Over] = {
    "count_over_time": _count,
    "rate": _rate,
    "bytes_over_time": _sum,
    "bytes_rate": _unwrapped_rate,
    "sum_over_time": _sum,
    "avg_over_time": _average,
    "min_over_time": _least,
    "max_over_time": _greatest,
}
