"""Recording rules on logs: the file that Loki's ruler loads on a cluster, evaluated here in the lab's time.

https://grafana.com/docs/loki/latest/alert/#recording-rules
"""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from .answers import Json, number
from .logql.errors import LogQLError
from .logql.lexer import duration_ns
from .logql.metrics import Evaluation
from .logql.parser import parse
from .logql.scan import Statistics
from .logql.syntax import Binary, Expression, LogQuery, RangeAggregation, VectorAggregation
from .logql.vectors import Series
from .store import LogStore

_LOG = logging.getLogger(__name__)
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


class RuleError(Exception):
    """A rule file that cannot be used: which rule, and why."""


@dataclass
class Rule:
    """A recording rule and its last result; no result is None."""

    group: str
    interval_ns: int
    record: str
    text: str
    labels: dict[str, str]
    expression: Expression
    result: Series | None = None
    error: str = ""
    evaluated: float = 0.0
    seconds: float = 0.0


@dataclass
class Rules:
    """The rules of one file, in the lab's time."""

    file: str
    rules: list[Rule] = field(default_factory=list)
    failures: int = 0

    def evaluate(self, store: LogStore, rule: Rule) -> None:
        """Evaluate one rule at the present moment; a failure leaves it without a result."""
        began = time.time()
        try:
            found = Evaluation(store, [time.time_ns()], Statistics()).evaluate(rule.expression)
            rule.result = found if isinstance(found, dict) else {(): [found]}
            rule.error = ""
        except LogQLError as error:
            self.fail(rule, str(error))
        rule.evaluated, rule.seconds = began, time.time() - began

    def fail(self, rule: Rule, reason: str) -> None:
        """Take note that a rule has no result."""
        if rule.error != reason:
            _LOG.error("%s: rule %s: %s", self.file, rule.record, reason)
        rule.result, rule.error = None, reason
        self.failures += 1

    def to_json(self) -> Json:
        """Return the rules as Loki's ruler lists them (/prometheus/api/v1/rules)."""
        groups: dict[str, Json] = {}
        for rule in self.rules:
            group = {"name": rule.group, "file": self.file, "interval": rule.interval_ns / 1e9, "rules": []}
            groups.setdefault(rule.group, group)["rules"].append(_shown(rule))
        return {"status": "success", "data": {"groups": list(groups.values())}}


def _shown(rule: Rule) -> Json:
    return {
        "name": rule.record,
        "query": rule.text,
        "labels": rule.labels,
        "health": "err" if rule.error else "ok",
        "lastError": rule.error,
        "type": "recording",
        "lastEvaluation": datetime.fromtimestamp(rule.evaluated, UTC).isoformat(),
        "evaluationTime": rule.seconds,
    }


def load(path: Path, window_seconds: float) -> Rules:
    """Read a rule file; raises RuleError.

    A range is `window_seconds` where the file says its group's interval, longer and shorter ones in proportion.
    """
    try:
        groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        return Rules(path.name, [rule for group in groups for rule in _group(path, group, window_seconds)])
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise RuleError(f"{path} is no file of Loki's recording rules: {error!r}") from None


def _group(path: Path, group: dict[str, Any], window_seconds: float) -> list[Rule]:
    interval_ns = duration_ns(group["interval"])
    return [_rule(path, group["name"], interval_ns, rule, window_seconds) for rule in group["rules"]]


def _rule(path: Path, group: str, interval_ns: int, rule: dict[str, Any], window_seconds: float) -> Rule:
    record, labels = rule["record"], rule.get("labels") or {}
    if not _METRIC.fullmatch(record):
        raise RuleError(f"{path}: record {record!r} is no name of a metric")
    try:
        tree = parse(rule["expr"])
    except LogQLError as error:
        raise RuleError(f"{path}: rule {record}: {error}") from None
    if isinstance(tree, LogQuery):
        raise RuleError(f"{path}: rule {record}: its expression gives lines, not numbers")
    scaled = _scaled(tree, window_seconds * 1e9 / interval_ns)
    return Rule(group, interval_ns, record, rule["expr"], dict(labels), scaled)


def _scaled(tree: Expression, factor: float) -> Expression:
    """Return the expression with every range and offset multiplied."""
    if isinstance(tree, RangeAggregation):
        return replace(
            tree, range_ns=max(round(tree.range_ns * factor), 1), offset_ns=round(tree.offset_ns * factor)
        )
    if isinstance(tree, VectorAggregation):
        return replace(tree, operand=_scaled(tree.operand, factor))
    if isinstance(tree, Binary):
        return replace(tree, left=_scaled(tree.left, factor), right=_scaled(tree.right, factor))
    return tree


def samples(rules: list[Rule]) -> list[str]:
    """Return the results in Prometheus' text format; a rule's labels win over those of its expression."""
    lines: list[str] = []
    for rule in rules:
        lines.append(f"# TYPE {rule.record} gauge")
        for labels, (value, *_) in (rule.result or {}).items():
            if value is not None:
                pairs = {**dict(labels), **rule.labels}
                lines.append(f"{rule.record}{_written(pairs)} {number(value)}")
    return list(dict.fromkeys(lines))


def _written(labels: dict[str, str]) -> str:
    escaped = {
        name: value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
        for name, value in labels.items()
    }
    return "{" + ",".join(f'{name}="{value}"' for name, value in sorted(escaped.items())) + "}"
