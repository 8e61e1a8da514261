"""The syntax tree of a query."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Matcher:
    """A condition on a label: `operator` is =, !=, =~ or !~; `test` takes the label's value, "" for none."""

    name: str
    operator: str
    value: str
    test: Callable[[str], bool] = field(compare=False, repr=False)


@dataclass(frozen=True)
class LineFilter:
    """A condition on the line: |= != |~ !~ with one or more texts, any of which may match."""

    operator: str
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Parser:
    """`| logfmt` or `| json`: adds labels from the line."""

    kind: str


@dataclass(frozen=True)
class TextFilter:
    """A condition on a label of the line, as text."""

    matcher: Matcher


@dataclass(frozen=True)
class NumberFilter:
    """A comparison of a label of the line; `kind` says how to read the label: number, duration or bytes."""

    name: str
    operator: str
    value: float
    kind: str


@dataclass(frozen=True)
class Either:
    """`or` between conditions."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class All:
    """`and` (or a comma) between conditions."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class LineFormat:
    """`| line_format`: text and label names in turn, text first."""

    pieces: tuple[str, ...]


@dataclass(frozen=True)
class Unwrap:
    """`| unwrap`: which label holds a line's number, and how to read it (number or duration, in seconds)."""

    name: str
    kind: str


Condition = TextFilter | NumberFilter | Either | All
Stage = LineFilter | Parser | Condition | LineFormat


@dataclass(frozen=True)
class LogQuery:
    """A stream selector and what its lines go through."""

    matchers: tuple[Matcher, ...]
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True)
class Grouping:
    """`by (...)` or, with `without`, all labels but these."""

    names: tuple[str, ...] = ()
    without: bool = False


@dataclass(frozen=True)
class RangeAggregation:
    """A function over the lines of each window of `range_ns`, which ends `offset_ns` before each moment."""

    function: str
    query: LogQuery
    range_ns: int
    offset_ns: int = 0
    unwrap: Unwrap | None = None
    grouping: Grouping | None = None


@dataclass(frozen=True)
class VectorAggregation:
    """A function over series; `parameter` is k of topk and bottomk."""

    function: str
    operand: Expression
    grouping: Grouping = Grouping()
    parameter: int = 0


@dataclass(frozen=True)
class Binary:
    """An operator between two expressions; `keep_bool` makes a comparison answer 0 or 1."""

    operator: str
    left: Expression
    right: Expression
    keep_bool: bool = False


@dataclass(frozen=True)
class Vector:
    """`vector(1)`: one series without labels."""

    value: float


@dataclass(frozen=True)
class Number:
    """A number."""

    value: float


Expression = RangeAggregation | VectorAggregation | Binary | Vector | Number


def range_aggregations(expression: Expression) -> Iterator[RangeAggregation]:
    """Yield every range aggregation in an expression."""
    if isinstance(expression, RangeAggregation):
        yield expression
    elif isinstance(expression, VectorAggregation):
        yield from range_aggregations(expression.operand)
    elif isinstance(expression, Binary):
        yield from range_aggregations(expression.left)
        yield from range_aggregations(expression.right)
