import socket
import threading

import pytest

from chaosext.errors import BadInput, GrafanaError, NoData
from chaosext.grafana.client import Grafana
from chaosext.grafana.probes import prometheus_value

from .conftest import PROMETHEUS, TOKEN, Reply, ScriptedGrafana, frame


@pytest.fixture
def client(grafana_server: ScriptedGrafana) -> Grafana:
    return Grafana(grafana_server.url, TOKEN, timeout=1)


def test_a_batch_is_one_request_with_string_times(client, grafana_server):
    grafana_server.values({"a": 1.5, "b": None})
    answers = client.query({"a": "up", "b": "absent_series"}, at=1700000000.5)
    assert answers["a"].series[0].values == [1.5]
    assert answers["b"].series == []
    (body,) = [body for method, path, body in grafana_server.requests if path == "/api/ds/query"]
    assert body["to"] == "1700000000500"
    assert [(q["refId"], q["expr"], q["instant"]) for q in body["queries"]] == [
        ("a", "up", True),
        ("b", "absent_series", True),
    ]
    assert {q["datasource"]["uid"] for q in body["queries"]} == {"prom"}


@pytest.mark.parametrize("status", [200, 207, 400, 500])
def test_one_failing_query_leaves_the_others_whole_whatever_the_status(client, grafana_server, status):
    results = {"a": {"frames": [frame(1.0)]}, "b": {"error": "bad_data: parse\n error", "status": 400}}
    grafana_server.replies["/api/ds/query"] = Reply({"results": results}, status)
    answers = client.query({"a": "up", "b": "up{", "c": "up"})
    assert answers["a"].series[0].values == [1.0]
    assert answers["b"].error == "bad_data: parse error"
    assert "no answer" in answers["c"].error


def test_the_default_prometheus_is_taken(client, grafana_server):
    sources = [{**PROMETHEUS, "uid": "other", "isDefault": False}, {**PROMETHEUS, "type": "loki"}, PROMETHEUS]
    grafana_server.replies["/api/datasources"] = Reply(sources)
    assert client.prometheus().uid == "prom"


def test_no_prometheus_is_said(client, grafana_server):
    grafana_server.replies["/api/datasources"] = Reply([])
    with pytest.raises(GrafanaError, match="has no Prometheus data source"):
        client.prometheus()


LOGIN_PAGE = Reply(b"<html>Log in</html>", 200, {"Content-Type": "text/html"})


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply({"message": "Invalid API key"}, 401), "answered 401: GRAFANA_TOKEN is wrong"),
        (Reply({"message": "Access denied"}, 403), "answered 403: GRAFANA_TOKEN is wrong"),
        (Reply({"message": "Data source not found"}, 404), "answered 404: Data source not found"),
        (Reply({"message": "Internal error"}, 500), "answered 500: Internal error"),
        (
            Reply(b"upstream down", 502, {"Content-Type": "text/plain"}),
            "answered 502 with text/plain, not JSON",
        ),
        (LOGIN_PAGE, "answered 200 with text/html, not JSON"),
        (Reply({}, 302, {"Location": "/login"}), "answered 302"),
        (Reply({"unexpected": 1}), "no 'results'"),
        (
            Reply(
                {"results": {"a": {"frames": [{"schema": {"fields": [{}]}, "data": {"values": [[1], [2]]}}]}}}
            ),
            "columns",
        ),
        (Reply([1]), "where an object is documented"),
    ],
)
def test_every_bad_answer_is_one_clear_line(client, grafana_server, reply, said):
    grafana_server.replies["/api/ds/query"] = reply
    with pytest.raises(GrafanaError) as caught:
        client.query({"a": "up"})
    text = str(caught.value)
    assert said in text
    assert "\n" not in text
    assert TOKEN not in text


def test_a_slow_grafana_is_given_up(client, grafana_server):
    grafana_server.replies["/api/ds/query"] = Reply({}, hold=threading.Event())
    with pytest.raises(GrafanaError, match="did not answer within 1 s"):
        client.query({"a": "up"})


def test_a_grafana_that_is_down_is_named():
    with socket.socket() as unbound:
        unbound.bind(("127.0.0.1", 0))
        port = unbound.getsockname()[1]
    with pytest.raises(
        GrafanaError, match=rf"http://127.0.0.1:{port}/api/health cannot be reached \(Connection ref"
    ):
        Grafana(f"http://127.0.0.1:{port}", TOKEN).health()


@pytest.mark.parametrize(
    ("url", "token", "said"),
    [
        ("", "t", "GRAFANA_URL is not set"),
        ("grafana.example.org", "t", "must look like https://"),
        ("http://[", "t", "must look like https://"),
        ("http://admin:hunter2@127.0.0.1:1", "t", "without a user or a password"),
        ("http://127.0.0.1:1", "", "GRAFANA_TOKEN is not set"),
        ("http://127.0.0.1:1", "a\nb", "characters that no token has"),
    ],
)
def test_an_address_or_token_that_cannot_be_used(url, token, said):
    with pytest.raises(BadInput, match=said):
        Grafana(url, token)


def test_annotations_are_written_ended_and_found(client, grafana_server):
    grafana_server.replies["/api/annotations"] = lambda body: Reply({"id": 7} if body else [{"id": 7}])
    grafana_server.replies["/api/annotations/7"] = Reply({"message": "Annotation patched"})
    assert client.annotate("fault", ["chaos"], 10.0) == 7
    client.end_annotation(7, 12.5)
    assert client.annotations(["chaos", "a b"], 9, 13) == [{"id": 7}]
    assert grafana_server.requests == [
        ("POST", "/api/annotations", {"time": 10000, "tags": ["chaos"], "text": "fault"}),
        ("PATCH", "/api/annotations/7", {"timeEnd": 12500}),
        ("GET", "/api/annotations?from=9000&to=13000&tags=chaos&tags=a%20b", None),
    ]


@pytest.mark.parametrize(
    ("frames", "said"),
    [([], "0 series"), ([frame(1.0), frame(2.0)], "2 series"), ([frame(None, "NaN")], "not a number")],
)
def test_a_value_that_is_none_or_many_is_no_data(grafana_server, frames, said):
    grafana_server.replies["/api/ds/query"] = Reply({"results": {"A": {"frames": frames}}})
    with pytest.raises(NoData, match=said):
        prometheus_value("up", configuration={"grafana_url": grafana_server.url}, secrets={"token": TOKEN})


def test_a_single_value_is_a_float(grafana_server):
    grafana_server.values({"A": 3.0})
    given = {"configuration": {"grafana_url": grafana_server.url}, "secrets": {"token": TOKEN}}
    assert prometheus_value("up", **given) == 3.0
