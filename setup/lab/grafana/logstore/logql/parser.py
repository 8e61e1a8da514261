"""Builds the syntax tree of a query.

The grammar is Loki's (pkg/logql/syntax); what it has and this has not is refused by name.
"""

from __future__ import annotations

from .errors import ParseError
from .stages import StageParser
from .syntax import (
    Binary,
    Expression,
    Grouping,
    LogQuery,
    Number,
    RangeAggregation,
    Unwrap,
    Vector,
    VectorAggregation,
)

# By how strongly they bind; ^ binds to the right.
_PRECEDENCE = {
    "or": 1, "and": 2, "unless": 2,
    "==": 3, "!=": 3, ">": 3, ">=": 3, "<": 3, "<=": 3,
    "+": 4, "-": 4, "*": 5, "/": 5, "%": 5, "^": 6,
}  # fmt: skip
_COMPARISONS = frozenset({"==", "!=", ">", ">=", "<", "<="})
_OF_LINES = frozenset({"count_over_time", "bytes_over_time", "bytes_rate"})
_OF_NUMBERS = frozenset({"sum_over_time", "avg_over_time", "min_over_time", "max_over_time"})
_OF_EITHER = frozenset({"rate"})
_AGGREGATIONS = frozenset({"sum", "min", "max", "avg", "count"})
_RANKED = frozenset({"topk", "bottomk"})
_MISSING = frozenset(
    {
        "quantile_over_time", "stddev_over_time", "stdvar_over_time", "first_over_time", "last_over_time",
        "absent_over_time", "rate_counter", "stddev", "stdvar", "sort", "sort_desc", "approx_topk",
        "label_replace", "variants",
    }
)  # fmt: skip


def parse(text: str) -> LogQuery | Expression:
    """Return the tree of a query. Raises ParseError."""
    try:
        return _Parser(text).whole()
    except RecursionError:
        raise ParseError(text, 0, "not supported here: so many brackets") from None


def parse_log_query(text: str) -> LogQuery:
    """Return the tree of a text that must be a log query. Raises ParseError."""
    tree = parse(text)
    if not isinstance(tree, LogQuery):
        raise ParseError(text, 0, "only log selector is supported")
    return tree


class _Parser(StageParser):
    def whole(self) -> LogQuery | Expression:
        tree: LogQuery | Expression = self.log_query() if self.at("{") else self._expression(0)
        if self.token.kind != "end":
            raise self.unexpected()
        return tree

    def log_query(self) -> LogQuery:
        matchers = self.selector()
        stages, unwrap = self.stages()
        if unwrap is not None:
            raise self.error("unwrap belongs into a range aggregation")
        return LogQuery(matchers, stages)

    def _expression(self, least: int) -> Expression:
        left = self._primary()
        while (binds := _PRECEDENCE.get(self.token.text, 0)) > least and self.token.kind in {"sign", "name"}:
            operator = self.take().text
            keep_bool = operator in _COMPARISONS and self.skip("bool")
            for modifier in ("on", "ignoring", "group_left", "group_right"):
                if self.at(modifier):
                    raise self.error(f"not supported here: {modifier}")
            right = self._expression(binds - 1 if operator == "^" else binds)
            left = Binary(operator, left, right, keep_bool)
        return left

    def _primary(self) -> Expression:
        if self.skip("("):
            inner = self._expression(0)
            self.expect(")")
            return inner
        sign = -1.0 if self.skip("-") else 1.0
        if self.token.kind == "number":
            return Number(sign * self.number())
        name = self.token.text
        if sign < 0 or self.token.kind != "name":
            raise self.unexpected()
        if name in _MISSING:
            raise self.error(f"not supported here: {name}")
        if name == "vector":
            return self._vector()
        if name in _AGGREGATIONS | _RANKED:
            return self._aggregation()
        if name in _OF_LINES | _OF_NUMBERS | _OF_EITHER:
            return self._over_time()
        raise self.unexpected()

    def _vector(self) -> Vector:
        self.take()
        self.expect("(")
        sign = -1.0 if self.skip("-") else 1.0
        value = sign * self.number()
        self.expect(")")
        return Vector(value)

    def _aggregation(self) -> VectorAggregation:
        function = self.take().text
        grouping = self._grouping()
        self.expect("(")
        parameter = 0
        if function in _RANKED:
            parameter = int(self.number())
            if parameter < 1:
                raise self.error(f"invalid parameter (must be greater than 0) {function}")
            self.expect(",")
        operand = self._expression(0)
        self.expect(")")
        return VectorAggregation(function, operand, grouping or self._grouping() or Grouping(), parameter)

    def _grouping(self) -> Grouping | None:
        without = self.at("without")
        if not without and not self.at("by"):
            return None
        self.take()
        self.expect("(")
        names = []
        while not self.at(")"):
            names.append(self.name())
            if not self.skip(","):
                break
        self.expect(")")
        return Grouping(tuple(names), without)

    def _over_time(self) -> RangeAggregation:
        function = self.take()
        self.expect("(")
        matchers = self.selector()
        range_ns = self._range() if self.at("[") else 0
        stages, unwrap = self.stages()
        range_ns = range_ns or self._range()
        offset_ns = self._offset()
        self.expect(")")
        if function.text in _OF_NUMBERS and unwrap is None:
            raise self.error(f"invalid aggregation {function.text} without unwrap", function)
        if function.text in _OF_LINES and unwrap is not None:
            raise self.error(f"invalid aggregation {function.text} with unwrap", function)
        grouping = self._grouping() if self._may_group(function.text, unwrap) else None
        return RangeAggregation(
            function.text, LogQuery(matchers, stages), range_ns, offset_ns, unwrap, grouping
        )

    def _may_group(self, function: str, unwrap: Unwrap | None) -> bool:
        """Refuse a grouping where Loki has none: only these three group their windows."""
        if function in {"avg_over_time", "min_over_time", "max_over_time"} and unwrap is not None:
            return True
        if self.at("by") or self.at("without"):
            raise self.error(f"grouping not allowed for {function} aggregation")
        return False

    def _range(self) -> int:
        self.expect("[")
        range_ns = self.duration()
        if range_ns <= 0:
            raise self.error("a range must be longer than nothing")
        self.expect("]")
        return range_ns

    def _offset(self) -> int:
        if not self.skip("offset"):
            return 0
        sign = -1 if self.skip("-") else 1
        return sign * self.duration()
