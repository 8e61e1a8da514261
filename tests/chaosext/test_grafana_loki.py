"""Loki through Grafana: every form that an answer has had, against a scripted Grafana."""

import math

import pytest

from chaosext.errors import BadInput, GrafanaError
from chaosext.grafana.client import Grafana
from chaosext.grafana.loki import Loki
from chaosext.grafana.probes import (
    log_count,
    log_lines,
    service_graph,
    slowest_trace,
    slowest_trace_seconds,
    trace_count,
    traces,
)

from ..copies import ROOT
from .conftest import PROMETHEUS, TOKEN, Reply, ScriptedGrafana, frame

LOKI = {"uid": "logs", "name": "Loki", "type": "loki", "isDefault": False}
QUERY = '{service="payment"} |= "provider"'


@pytest.fixture
def loki(grafana_server: ScriptedGrafana) -> Loki:
    grafana_server.replies["/api/datasources"] = Reply([PROMETHEUS, LOKI])
    return Loki(Grafana(grafana_server.url, TOKEN, timeout=10))


def answer(grafana_server: ScriptedGrafana, result: dict, status: int = 200) -> None:
    grafana_server.replies["/api/ds/query"] = Reply({"results": {"A": result}}, status)


def log_frame(time: str, line: str, times: list[int], lines: list[str]) -> dict:
    names = {"labels": "other", time: "time", line: "string", "tsNs": "string", "id": "string"}
    columns = [[{"pod": "payment-1"}] * len(times), times, lines, [str(t) for t in times], lines]
    fields = [{"name": name, "type": kind} for name, kind in names.items()]
    return {"schema": {"refId": "A", "fields": fields}, "data": {"values": columns}}


@pytest.mark.parametrize(
    ("result", "count"),
    [
        ({"frames": [frame(41.0)]}, 41),
        ({"frames": [frame(41.0), frame(1.0)]}, 42),
        ({"frames": [frame(0.0)]}, 0),
        ({"frames": []}, 0),
        ({}, 0),
        ({"status": 200, "frames": None}, 0),
        ({"frames": [frame(None)]}, 0),
        ({"frames": [frame(None, "NaN")]}, 0),
    ],
)
def test_lines_are_counted_whatever_form_nothing_has(loki, grafana_server, result, count):
    answer(grafana_server, result)
    found = loki.count(QUERY, 1700000000, 1700000030.5)
    assert (found, type(found)) == (count, int)
    assert not math.isnan(found)


def test_a_count_is_one_instant_query_over_the_whole_time(loki, grafana_server):
    answer(grafana_server, {})
    loki.count(QUERY, 1700000000, 1700000030.5)
    (body,) = [body for _, path, body in grafana_server.requests if path == "/api/ds/query"]
    (query,) = body["queries"]
    assert query["datasource"] == {"uid": "logs", "type": "loki"}
    assert (query["expr"], query["queryType"]) == (f"sum(count_over_time({QUERY} [30500ms]))", "instant")
    assert body["to"] == "1700000030500"


@pytest.mark.parametrize(("time", "line"), [("Time", "Line"), ("timestamp", "body")])
def test_both_forms_of_a_log_frame(loki, grafana_server, time, line):
    answer(grafana_server, {"frames": [log_frame(time, line, [2000, 1000], ["second", "first"])]})
    assert [(one.time, one.text) for one in loki.lines(QUERY, 0, 3)] == [(2.0, "second"), (1.0, "first")]
    assert [one.text for one in loki.lines(QUERY, 0, 3, oldest=True)] == ["first", "second"]
    directions = [b["queries"][0]["direction"] for _, p, b in grafana_server.requests if p == "/api/ds/query"]
    assert directions == ["backward", "forward"]


@pytest.mark.parametrize("result", [{}, {"frames": []}, {"frames": [frame(None)]}])
def test_no_line_is_an_empty_list(loki, grafana_server, result):
    answer(grafana_server, result)
    assert loki.lines(QUERY, 0, 3) == []


@pytest.mark.parametrize("status", [200, 207, 400, 504])
def test_a_query_that_fails_says_itself_and_why(loki, grafana_server, status):
    answer(grafana_server, {"error": "parse error at line 1:\n unexpected }", "status": 400}, status)
    with pytest.raises(GrafanaError, match=r"provider.*parse error at line 1: unexpected }"):
        loki.count(QUERY, 0, 3)


def test_no_loki_is_said(grafana_server):
    with pytest.raises(GrafanaError, match="has no Loki data source: add one"):
        Loki(Grafana(grafana_server.url, TOKEN)).count(QUERY, 0, 3)


def test_a_data_source_is_found_by_type_or_by_uid(grafana_server):
    other = {**LOKI, "uid": "audit", "name": "Audit"}
    grafana_server.replies["/api/datasources"] = Reply([other, {**LOKI, "isDefault": True}])
    grafana = Grafana(grafana_server.url, TOKEN)
    assert grafana.source("loki").uid == "logs"
    assert grafana.source("loki", "audit").uid == "audit"
    with pytest.raises(GrafanaError, match="no Loki data source with the uid 'gone'"):
        grafana.source("loki", "gone")


def test_the_probes(loki, grafana_server):
    given = {"configuration": {"grafana_url": grafana_server.url}, "secrets": {"token": TOKEN}}
    answer(grafana_server, {"frames": [frame(3.0)]})
    assert log_count(QUERY, seconds=30, **given) == 3
    answer(grafana_server, {"frames": [log_frame("Time", "Line", [1000], ["first"])]})
    assert log_lines(QUERY, **given) == ["first"]
    with pytest.raises(BadInput, match="seconds is -1"):
        log_count(QUERY, seconds=-1, **given)


@pytest.mark.parametrize(("given", "seconds"), [({}, 60), ({"seconds": 5}, 5), ({"windows": 3}, 30)])
def test_a_time_is_seconds_or_windows_of_the_environment(loki, grafana_server, monkeypatch, given, seconds):
    monkeypatch.setenv("CHAOS_ENVIRONMENT", "lab")
    answer(grafana_server, {})
    table = str(ROOT / "manifests" / "windows.yaml")
    configuration = {"grafana_url": grafana_server.url, "windows_file": table}
    log_count(QUERY, **given, configuration=configuration, secrets={"token": TOKEN})
    (body,) = [body for _, path, body in grafana_server.requests if path == "/api/ds/query"]
    assert int(body["to"]) - int(body["from"]) == pytest.approx(seconds * 1000, abs=1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"windows": 0}, "windows is 0: it must be above 0"),
        ({"windows": True}, "windows is True"),
        ({"windows": "3"}, "windows is '3'"),
        ({"seconds": 1, "windows": 1}, "seconds or windows, not both"),
    ],
)
def test_a_wrong_time_is_one_clear_line(grafana_server, wrong, said):
    given = {"configuration": {"grafana_url": grafana_server.url}, "secrets": {"token": TOKEN}}
    for probe in (
        log_count,
        log_lines,
        traces,
        trace_count,
        slowest_trace,
        slowest_trace_seconds,
        service_graph,
    ):
        with pytest.raises(BadInput, match=said):
            probe("x", **wrong, **given)
