"""Probes that ask Grafana: metrics, logs and traces.

Each returns a plain number, truth value, text, or lists and mappings of them, so that a tolerance can be held
against it and the journal can keep it; never None or NaN. What could not be asked is raised, with the reason.
Logs and traces are asked about the last `seconds`, or the last `windows`: multiples of the environment's short
window, so that an experiment is the same file everywhere; 60 seconds without either. `datasource_uid` is needed
only where Grafana has several data sources of the type and another than the default one is meant.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from typing import Any

from chaoslib.types import Configuration, Secrets

from ..environment import load_windows
from ..errors import BadInput, ChaosextError, GrafanaError, NoData
from ..polling import poll
from ..run import configured_file
from . import servicegraph
from .client import connect
from .loki import Loki
from .tempo import Found, Tempo

__all__ = [
    "log_count",
    "log_lines",
    "prometheus_reaches",
    "prometheus_value",
    "service_graph",
    "slowest_trace",
    "slowest_trace_seconds",
    "trace_count",
    "traces",
]

DEFAULT_SECONDS = 60.0
"""Of the past that logs and traces are asked about, where nothing else is said."""

_Time = tuple[float, float]


def prometheus_value(
    query: str,
    datasource_uid: str | None = None,
    configuration: Configuration = None,
    secrets: Secrets = None,
) -> float:
    """Ask one instant PromQL query through Grafana and return its single value.

    `datasource_uid` defaults to Grafana's Prometheus. Raises GrafanaError when the query fails, NoData when it
    has no series, more than one, or a value that is not a number.
    """
    answer = connect(configuration, secrets).query({"A": query}, uid=datasource_uid)["A"]
    if answer.error:
        raise GrafanaError(f"{query}: {answer.error}")
    if len(answer.series) != 1 or not answer.series[0].values:
        raise NoData(f"{query}: {len(answer.series)} series, where one value was asked for")
    value = answer.series[0].values[-1]
    if value is None or math.isnan(value):
        raise NoData(f"{query}: the value is not a number")
    return value


def prometheus_reaches(
    query: str,
    at_least: float | None = None,
    at_most: float | None = None,
    within_windows: float = 1,
    datasource_uid: str | None = None,
    configuration: Configuration = None,
    secrets: Secrets = None,
) -> bool:
    """Wait until a PromQL query's single value lies within the bounds, and return True.

    It is asked for `within_windows` short windows of the environment. Meanwhile no data is no error, because
    what a fault brings about may have to appear first. Raises BadInput without a bound, and when the time is
    over NoData or GrafanaError with what was seen last.
    """
    if at_least is None and at_most is None:
        raise BadInput("prometheus_reaches: give at_least, at_most or both")
    low = -math.inf if at_least is None else at_least
    high = math.inf if at_most is None else at_most
    seconds = load_windows(configured_file(configuration, "windows_file")).seconds(within_windows)
    last: ChaosextError | None = None

    def missing() -> str | None:
        nonlocal last
        try:
            value, last = prometheus_value(query, datasource_uid, configuration, secrets), None
        except (GrafanaError, NoData) as error:
            last = error
            return str(error)
        return None if low <= value <= high else f"{query}: {value:g}, not {low:g} to {high:g}"

    if (left := poll(missing, seconds, interval=0.5)) is not None:
        raise last or NoData(f"not within {seconds:g} s: {left}")
    return True


def log_count(
    query: str,
    seconds: float | None = None,
    windows: float | None = None,
    datasource_uid: str | None = None,
    configuration: Configuration = None,
    secrets: Secrets = None,
) -> int:
    """Return how many log lines a LogQL log query matches; 0 when none does. Raises GrafanaError."""
    start, end = _last(seconds, windows, configuration)
    return Loki(connect(configuration, secrets), datasource_uid).count(query, start, end)


def log_lines(
    query: str,
    seconds: float | None = None,
    windows: float | None = None,
    limit: int = 100,
    datasource_uid: str | None = None,
    configuration: Configuration = None,
    secrets: Secrets = None,
) -> list[str]:
    """Return the log lines that a LogQL log query matches, the newest first, at most `limit`.

    Raises GrafanaError.
    """
    start, end = _last(seconds, windows, configuration)
    found = Loki(connect(configuration, secrets), datasource_uid).lines(query, start, end, limit)
    return [line.text for line in found]


def traces(
    query: str = "{ status = error }",
    seconds: float | None = None,
    windows: float | None = None,
    limit: int = 20,
    datasource_uid: str | None = None,
    configuration: Configuration = None,
    secrets: Secrets = None,
) -> list[dict[str, Any]]:
    """Return the traces that a TraceQL query finds, the newest first, at most `limit`.

    Each has `id`, `service` and `name` of its root, `start` (epoch seconds) and `seconds`. Raises GrafanaError.
    """
    start, end = _last(seconds, windows, configuration)
    found = Tempo(connect(configuration, secrets), datasource_uid).search(query, start, end, limit)
    return [asdict(trace) for trace in found]


def trace_count(
    query: str = "{ status = error }",
    seconds: float | None = None,
    windows: float | None = None,
    limit: int = 500,
    datasource_uid: str | None = None,
    configuration: Configuration = None,
    secrets: Secrets = None,
) -> int:
    """Return how many traces a TraceQL query finds, counted up to `limit`. Raises GrafanaError."""
    return len(traces(query, seconds, windows, limit, datasource_uid, configuration, secrets))


def slowest_trace(
    condition: str = "",
    seconds: float | None = None,
    windows: float | None = None,
    datasource_uid: str | None = None,
    configuration: Configuration = None,
    secrets: Secrets = None,
) -> dict[str, Any]:
    """Return the slowest trace, in the form of `traces`, with its `spans`.

    `condition` is what stands in TraceQL's braces, such as `resource.service.name = "payment"`; all traces
    without it. Each span has `depth` (0 is the root), `service`, `name`, `seconds`, `failed`, `statement` (SQL
    or a Redis command) and `exception`. Raises NoData when there is no such trace, GrafanaError.
    """
    last = _last(seconds, windows, configuration)
    tempo, found = _slowest(condition, last, datasource_uid, configuration, secrets)
    whole = tempo.traces([found.id], found.start, found.start + found.seconds)
    spans = [
        {
            "depth": depth,
            "service": span.service,
            "name": span.name,
            "seconds": span.seconds,
            "failed": span.failed,
            "statement": span.statement,
            "exception": span.exception,
        }
        for trace in whole
        for depth, span in trace.walk()
    ]
    return {**asdict(found), "spans": spans}


def slowest_trace_seconds(
    condition: str = "",
    seconds: float | None = None,
    windows: float | None = None,
    datasource_uid: str | None = None,
    configuration: Configuration = None,
    secrets: Secrets = None,
) -> float:
    """Return how long the slowest trace took, for a tolerance; otherwise like slowest_trace."""
    last = _last(seconds, windows, configuration)
    return _slowest(condition, last, datasource_uid, configuration, secrets)[1].seconds


def service_graph(
    query: str = "{ }",
    seconds: float | None = None,
    windows: float | None = None,
    limit: int = 100,
    datasource_uid: str | None = None,
    configuration: Configuration = None,
    secrets: Secrets = None,
) -> list[dict[str, Any]]:
    """Return who called whom in the traces that a TraceQL query finds, of which `limit` are looked at.

    Each edge has `caller`, `callee`, `calls`, `failed` and `mean_seconds`. Raises GrafanaError.
    """
    start, end = _last(seconds, windows, configuration)
    tempo = Tempo(connect(configuration, secrets), datasource_uid)
    found = tempo.search(query, start, end, limit)
    edges = servicegraph.service_graph(tempo.traces([one.id for one in found], start, end))
    return [asdict(edge) for edge in edges]


def _slowest(
    condition: str, last: _Time, uid: str | None, configuration: Configuration, secrets: Secrets
) -> tuple[Tempo, Found]:
    start, end = last
    tempo = Tempo(connect(configuration, secrets), uid)
    found = tempo.slowest(condition, start, end)
    if found is None:
        raise NoData(f"{{ {condition} }}: no trace in the last {end - start:g} s")
    return tempo, found


def _last(seconds: float | None, windows: float | None, configuration: Configuration) -> _Time:
    """Return the time that ends now and is so long, by one of the two or by default."""
    if seconds is not None and windows is not None:
        raise BadInput("give seconds or windows, not both")
    name, value = ("seconds", seconds) if windows is None else ("windows", windows)
    if value is None:
        value = DEFAULT_SECONDS
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise BadInput(f"{name} is {value!r}: it must be above 0")
    if name == "windows":
        value = load_windows(configured_file(configuration, "windows_file")).seconds(value)
    now = time.time()
    return now - value, now
