"""Aggregations over series and operators between them."""

from __future__ import annotations

import math
import operator
from collections import defaultdict
from collections.abc import Callable, Sequence

from ..store import Labels, label_set
from .errors import LogQLError
from .syntax import Grouping

Values = list[float | None]
Series = dict[Labels, Values]  # every list as long as there are moments


def aggregate(function: str, series: Series, grouping: Grouping, parameter: int) -> Series:
    """Return sum, min, max, avg or count of each group, or the series that rank first (topk, bottomk)."""
    groups: dict[Labels, dict[Labels, Values]] = defaultdict(dict)
    for labels, values in series.items():
        groups[_group(labels, grouping)][labels] = values
    if function in {"topk", "bottomk"}:
        ranked: Series = {}
        for members in groups.values():
            ranked |= _ranked(members, parameter, largest=function == "topk")
        return ranked
    reduce = _REDUCE[function]
    return {
        labels: [_reduced(reduce, column) for column in zip(*members.values(), strict=True)]
        for labels, members in groups.items()
    }


def _group(labels: Labels, grouping: Grouping) -> Labels:
    return label_set(pair for pair in labels if (pair[0] in grouping.names) != grouping.without)


def _reduced(reduce: Callable[[list[float]], float], column: Sequence[float | None]) -> float | None:
    present = [value for value in column if value is not None]
    return reduce(present) if present else None


def _ranked(members: dict[Labels, Values], count: int, *, largest: bool) -> Series:
    """Return the members that are among the first `count` at some moment, with their values there only."""
    length = len(next(iter(members.values())))
    kept: Series = {labels: [None] * length for labels in members}
    for moment in range(length):
        present = [(values[moment], labels) for labels, values in members.items()]
        there = [(value, labels) for value, labels in present if value is not None]
        there.sort(key=lambda pair: pair[0], reverse=largest)
        for value, labels in there[:count]:
            kept[labels][moment] = value
    return {labels: values for labels, values in kept.items() if any(value is not None for value in values)}


_REDUCE: dict[str, Callable[[list[float]], float]] = {
    "sum": sum,
    "min": min,
    "max": max,
    "avg": lambda values: sum(values) / len(values),
    "count": lambda values: float(len(values)),
}


def _divide(left: float, right: float) -> float:
    return left / right if right else math.nan  # as Loki, which guards against a division by zero


def _remainder(left: float, right: float) -> float:
    return math.fmod(left, right) if right and math.isfinite(left) else math.nan


def _power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except ValueError:
        return math.nan
    except OverflowError:
        return math.inf


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul,
    "/": _divide, "%": _remainder, "^": _power,
}  # fmt: skip
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq, "!=": operator.ne, ">": operator.gt,
    ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip


def binary(symbol: str, left: Series | float, right: Series | float, *, keep_bool: bool) -> Series | float:
    """Return the operator's result. Series meet when their labels are the same. Raises LogQLError."""
    if symbol in {"or", "and", "unless"}:
        if not isinstance(left, dict) or not isinstance(right, dict):
            raise LogQLError(
                f"parse error : unexpected literal for a leg of a logical/set binary operation ({symbol})"
            )
        return _SETS[symbol](left, right)
    if isinstance(left, dict):
        return {
            labels: [_point(symbol, a, b, a, keep_bool) for a, b in zip(values, others, strict=True)]
            for labels, values in left.items()
            if (others := _others(right, labels, len(values))) is not None
        }
    if isinstance(right, dict):
        return {
            labels: [_point(symbol, left, b, b, keep_bool) for b in values] for labels, values in right.items()
        }
    value = _point(symbol, left, right, None, keep_bool=True)
    return math.nan if value is None else value


def _others(right: Series | float, labels: Labels, length: int) -> Values | None:
    """Return what a series meets on the right: the number, or the series with the same labels."""
    return right.get(labels) if isinstance(right, dict) else [right] * length


def _point(
    symbol: str, left: float | None, right: float | None, kept: float | None, keep_bool: bool
) -> float | None:
    """Return the result at one moment; a comparison without `bool` keeps the series' value or drops it."""
    if left is None or right is None:
        return None
    if symbol in _ARITHMETIC:
        return _ARITHMETIC[symbol](left, right)
    true = _COMPARE[symbol](left, right)
    if keep_bool:
        return float(true)
    return kept if true else None


def _or(left: Series, right: Series) -> Series:
    result = {labels: list(values) for labels, values in left.items()}
    for labels, values in right.items():
        mine = result.get(labels)
        result[labels] = (
            list(values) if mine is None else [b if a is None else a for a, b in zip(mine, values, strict=True)]
        )
    return result


def _and(left: Series, right: Series) -> Series:
    return {
        labels: [a if b is not None else None for a, b in zip(values, right[labels], strict=True)]
        for labels, values in left.items()
        if labels in right
    }


def _unless(left: Series, right: Series) -> Series:
    return {
        labels: [
            a if b is None else None
            for a, b in zip(values, right.get(labels, [None] * len(values)), strict=True)
        ]
        for labels, values in left.items()
    }


_SETS: dict[str, Callable[[Series, Series], Series]] = {"or": _or, "and": _and, "unless": _unless}
