"""Loki's query API: parameters in, JSON out.

https://grafana.com/docs/loki/latest/reference/loki-http-api/
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from .logql import logs
from .logql.errors import LogQLError
from .logql.lexer import duration_ns
from .logql.metrics import Evaluation
from .logql.parser import parse, parse_log_query
from .logql.scan import Statistics, select
from .logql.syntax import LogQuery
from .logql.vectors import Series
from .store import Labels, LogStore

Json = dict[str, Any]

SECOND = 1_000_000_000
DEFAULT_LIMIT = 100
MAX_LIMIT = 5000  # Loki's own default (max_entries_limit_per_query)
MAX_POINTS = 11_000  # of a series
_DEFAULT_SECONDS = 3600  # of a query without a start
_LABELS_SECONDS = 6 * 3600  # of a question for labels without a start
_STEPS = 250  # of a range query that does not say
_SHORT = 10  # so many digits are seconds, more are nanoseconds


class Parameters:
    """A request's parameters, by Loki's rules. Every method raises LogQLError for what is none."""

    def __init__(self, values: dict[str, list[str]]) -> None:
        self._values = values
        self._now = time.time_ns()

    def text(self, name: str) -> str:
        """Return a parameter's first value, "" without it."""
        return self._values.get(name, [""])[0]

    def texts(self, *names: str) -> list[str]:
        """Return all values of parameters."""
        return [value for name in names for value in self._values.get(name, [])]

    def moment(self, name: str, default: int) -> int:
        """Return a time in epoch nanoseconds: given so, or as seconds, or as RFC 3339."""
        text = self.text(name)
        if not text:
            return default
        try:
            if re.fullmatch(r"-?\d{1,19}", text):
                return int(text) * (SECOND if len(text.lstrip("-")) <= _SHORT else 1)
            if re.fullmatch(r"\d{1,12}\.\d*", text):
                return int(Decimal(text) * SECOND)
            return int(datetime.fromisoformat(text).timestamp() * SECOND)
        except (ValueError, OverflowError):
            raise LogQLError(f"could not parse '{name}' parameter: invalid time {text[:80]!r}") from None

    def now(self) -> int:
        """Return the time of the request, in epoch nanoseconds."""
        return self._now

    def window(self, default_seconds: int) -> logs.Window:
        """Return start and end."""
        end = self.moment("end", self._now)
        seconds = self.seconds("since") or float(default_seconds)
        start = self.moment("start", min(end, self._now) - int(seconds * SECOND))
        if end < start:
            raise LogQLError("end timestamp must not be before or equal to start time")
        return logs.Window(start, end)

    def seconds(self, name: str) -> float:
        """Return a duration in seconds: "1.5", "90s", "500ms"; 0 without it."""
        text = self.text(name)
        try:
            value = float(text or 0) if re.fullmatch(r"[\d.]*", text) else duration_ns(text) / SECOND
        except ValueError:
            raise LogQLError(f'cannot parse "{text[:80]}" to a valid duration') from None
        return value

    def limit(self) -> int:
        """Return how many lines to answer at most."""
        text = self.text("limit") or str(DEFAULT_LIMIT)
        if not re.fullmatch(r"\d{1,9}", text) or int(text) < 1:
            raise LogQLError("limit must be a positive value")
        if int(text) > MAX_LIMIT:
            raise LogQLError(
                "max entries limit per query exceeded, limit > max_entries_limit_per_query "
                f"({text} > {MAX_LIMIT})"
            )
        return int(text)

    def forward(self) -> bool:
        """Say whether the oldest lines come first."""
        text = self.text("direction").lower() or "backward"
        if text not in {"forward", "backward"}:
            raise LogQLError(f"invalid direction {text!r}")
        return text == "forward"


@dataclass(frozen=True)
class Answers:
    """What the store answers; every method raises LogQLError."""

    store: LogStore

    def query(self, asked: Parameters) -> Json:
        """Return /loki/api/v1/query: a vector (or a scalar) at one moment."""
        tree = parse(asked.text("query"))
        moment = asked.moment("time", asked.now())
        if isinstance(tree, LogQuery):
            raise LogQLError(
                "log queries are not supported as an instant query type, please change your query to a range "
                "query type"
            )
        statistics, began = Statistics(), time.monotonic()
        result = Evaluation(self.store, [moment], statistics).evaluate(tree)
        if isinstance(result, float):
            data: Json = {"resultType": "scalar", "result": [_seconds(moment), number(result)]}
        else:
            data = {"resultType": "vector", "result": _vector(result, moment)}
        return _success(data, statistics, began, 0)

    def query_range(self, asked: Parameters) -> Json:
        """Return /loki/api/v1/query_range: lines, or a matrix."""
        tree = parse(asked.text("query"))
        window = asked.window(_DEFAULT_SECONDS)
        if asked.text("interval"):
            raise LogQLError("not supported here: interval")
        statistics, began = Statistics(), time.monotonic()
        if isinstance(tree, LogQuery):
            found = logs.lines(
                tree, self.store, window, asked.limit(), forward=asked.forward(), statistics=statistics
            )
            data: Json = {"resultType": "streams", "result": _streams(found)}
            return _success(data, statistics, began, sum(map(len, found.values())))
        moments = _moments(window, asked.seconds("step"))
        result = Evaluation(self.store, moments, statistics).evaluate(tree)
        if isinstance(result, float):
            result = {(): [result] * len(moments)}
        return _success({"resultType": "matrix", "result": _matrix(result, moments)}, statistics, began, 0)

    def labels(self, asked: Parameters) -> Json:
        """Return /loki/api/v1/labels: the names of all labels."""
        names = {name for labels in self._selected(asked, "query") for name, _ in labels}
        return _list(names)

    def label_values(self, asked: Parameters, name: str) -> Json:
        """Return /loki/api/v1/label/<name>/values."""
        return _list(
            {value for labels in self._selected(asked, "query") for key, value in labels if key == name}
        )

    def series(self, asked: Parameters) -> Json:
        """Return /loki/api/v1/series: the label sets of the streams that any `match[]` names."""
        return {
            "status": "success",
            "data": [dict(labels) for labels in self._selected(asked, "match[]", "match")],
        }

    def index_stats(self, asked: Parameters) -> Json:
        """Return /loki/api/v1/index/stats: how much a selector has to look at."""
        window = asked.window(_DEFAULT_SECONDS)
        streams = select(parse_log_query(asked.text("query")).matchers, self.store.streams)
        views = [list(stream.views(window.start, window.end)) for stream in streams]
        return {
            "streams": sum(1 for each in views if each),
            "chunks": sum(len(each) for each in views),
            "entries": sum(view.last - view.first for each in views for view in each),
            "bytes": sum(view.size for each in views for view in each),
        }

    def _selected(self, asked: Parameters, *names: str) -> list[Labels]:
        window = asked.window(_LABELS_SECONDS)
        queries = [parse_log_query(text) for text in asked.texts(*names) if text not in {"", "{}"}]
        selected = [select(query.matchers, self.store.streams) for query in queries or [LogQuery(())]]
        found = {stream.labels: stream for streams in selected for stream in streams}
        return [labels for labels in sorted(found) if found[labels].has(window.start, window.end)]


def _moments(window: logs.Window, step_seconds: float) -> list[int]:
    step = round(step_seconds * SECOND) or max((window.end - window.start) // _STEPS // SECOND, 1) * SECOND
    if (window.end - window.start) // step > MAX_POINTS:
        raise LogQLError(
            "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the "
            "step parameter"
        )
    return list(range(window.start, window.end + 1, step))


def _success(data: Json, statistics: Statistics, began: float, entries: int) -> Json:
    seconds = time.monotonic() - began
    summary = {
        "bytesProcessedPerSecond": round(statistics.text_bytes / seconds) if seconds else 0,
        "linesProcessedPerSecond": round(statistics.lines / seconds) if seconds else 0,
        "totalBytesProcessed": statistics.text_bytes,
        "totalLinesProcessed": statistics.lines,
        "totalEntriesReturned": entries,
        "execTime": seconds,
        "queueTime": 0,
    }
    return {"status": "success", "data": data | {"stats": {"summary": summary}}}


def _streams(found: dict[Labels, list[tuple[int, str]]]) -> list[Json]:
    return [
        {"stream": dict(labels), "values": [[str(moment), line] for moment, line in lines]}
        for labels, lines in sorted(found.items())
    ]


def _vector(series: Series, moment: int) -> list[Json]:
    return [
        {"metric": dict(labels), "value": [_seconds(moment), number(values[0])]}
        for labels, values in series.items()
        if values[0] is not None
    ]


def _matrix(series: Series, moments: list[int]) -> list[Json]:
    rows = (
        {
            "metric": dict(labels),
            "values": [
                [_seconds(moment), number(value)]
                for moment, value in zip(moments, values, strict=True)
                if value is not None
            ],
        }
        for labels, values in series.items()
    )
    return [row for row in rows if row["values"]]


def _list(names: Iterable[str]) -> Json:
    found = sorted(names)
    return {"status": "success", "data": found} if found else {"status": "success"}


def _seconds(moment: int) -> float | int:
    milliseconds = moment // 1_000_000
    return milliseconds // 1000 if milliseconds % 1000 == 0 else milliseconds / 1000


def number(value: float) -> str:
    """Return a number as Go prints it: without an exponent, "NaN", "+Inf"."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return format(Decimal(repr(value)), "f").removesuffix(".0")
