"""Where the dashboards' panels get their data: data sources by variables, and one query of each kind."""

from __future__ import annotations

import itertools

from grafana_foundation_sdk.builders import loki, prometheus, tempo
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.tempo import SearchTableType

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="${datasource}")
LOKI = DataSourceRef(type_val="loki", uid="${loki}")
TEMPO = DataSourceRef(type_val="tempo", uid="${tempo}")
GRAFANA = DataSourceRef(type_val="grafana", uid="-- Grafana --")


def now(expression: str, name: str = "", ref: str = "A") -> prometheus.Dataquery:
    """Return a query for the value at the end of the time range."""
    return _metric(expression, name, ref).instant()


def over_time(expression: str, name: str = "", ref: str = "A") -> prometheus.Dataquery:
    """Return a query for the values over the time range."""
    return _metric(expression, name, ref).range()


def log_lines(expression: str, most: int = 200) -> loki.Dataquery:
    """Return a query for the newest log lines."""
    query = loki.Dataquery().ref_id("A").datasource(LOKI).expr(expression)
    return query.query_type("range").max_lines(most)


def log_count(expression: str, name: str = "", ref: str = "A") -> loki.Dataquery:
    """Return a query for numbers made from log lines, over the time range."""
    query = loki.Dataquery().ref_id(ref).datasource(LOKI).expr(expression).query_type("range")
    return query.legend_format(name)


def log_count_now(expression: str, name: str = "", ref: str = "A") -> loki.Dataquery:
    """Return a query for numbers made from log lines, at the end of the time range."""
    query = loki.Dataquery().ref_id(ref).datasource(LOKI).expr(expression).query_type("instant")
    return query.legend_format(name)


def traces(expression: str, most: int = 20) -> tempo.Dataquery:
    """Return a search for traces by TraceQL."""
    query = tempo.Dataquery().ref_id("A").datasource(TEMPO).query_type("traceql").query(expression)
    return query.limit(most).table_type(SearchTableType.TRACES)


def letters() -> itertools.chain[str]:
    """Return names for a panel's queries: A, B ... Z, then A1, B1 and so on."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return itertools.chain(alphabet, (f"{letter}1" for letter in alphabet))


def _metric(expression: str, name: str, ref: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().ref_id(ref).datasource(PROMETHEUS).expr(expression).legend_format(name)
