"""Probes that ask Grafana."""

from __future__ import annotations

import math

from chaoslib.types import Configuration, Secrets

from ..errors import GrafanaError, NoData
from .client import connect

__all__ = ["prometheus_value"]


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
