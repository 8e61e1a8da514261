"""Probes that ask Grafana."""

from __future__ import annotations

import math

from chaoslib.types import Configuration, Secrets

from ..environment import load_windows
from ..errors import BadInput, ChaosextError, GrafanaError, NoData
from ..polling import poll
from ..run import configured_file
from .client import connect

__all__ = ["prometheus_reaches", "prometheus_value"]


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
