"""Tempo through Grafana: every form that an answer has had, against a scripted Grafana."""

import json

import pytest

from chaosext.errors import GrafanaError, NoData
from chaosext.grafana import probes
from chaosext.grafana.client import Grafana
from chaosext.grafana.servicegraph import service_graph
from chaosext.grafana.tempo import Tempo
from chaosext.grafana.traces import trace_of

from .conftest import TOKEN, Reply, ScriptedGrafana

TEMPO = {"uid": "traces", "name": "Tempo", "type": "tempo", "isDefault": False}
SEARCH = "/api/datasources/proxy/uid/traces/api/search"
FIRST = {
    "traceID": "abc",
    "rootServiceName": "web",
    "rootTraceName": "GET /",
    "startTimeUnixNano": "1700000001500000000",
    "durationMs": 250,
}


@pytest.fixture
def tempo(grafana_server: ScriptedGrafana) -> Tempo:
    grafana_server.replies["/api/datasources"] = Reply([TEMPO])
    return Tempo(Grafana(grafana_server.url, TOKEN, timeout=10))


def span(name: str, parent: str = "", service: str = "web", **columns: object) -> dict[str, object]:
    return {
        "traceID": "abc",
        "spanID": name,
        "parentSpanID": parent,
        "operationName": name,
        "serviceName": service,
        "kind": "server",
        "statusCode": 0,
        "startTime": 1000.0,
        "duration": 100.0,
        "tags": [],
        **columns,
    }


def frame_of(*spans: dict[str, object]) -> dict:
    fields = [{"name": name, "type": "other"} for name in spans[0]]
    return {
        "schema": {"fields": fields},
        "data": {"values": [list(c) for c in zip(*(s.values() for s in spans), strict=True)]},
    }


def test_a_search_asks_tempo_s_own_api(tempo, grafana_server):
    grafana_server.replies[SEARCH] = Reply({"traces": [FIRST]})
    (found,) = tempo.search("{ status = error }", 1700000000.7, 1700000009.2, 5)
    assert (found.id, found.service, found.seconds) == ("abc".zfill(32), "web", 0.25)
    assert found.start == pytest.approx(1700000001.5)
    (path,) = [path for _, path, _ in grafana_server.requests if path.startswith(SEARCH)]
    assert "q=%7B+status+%3D+error+%7D&start=1700000000&end=1700000010&limit=5" in path


def test_what_tempo_adds_from_around_the_time_is_left_out(tempo, grafana_server):
    grafana_server.replies[SEARCH] = Reply({"traces": [FIRST]})
    assert len(tempo.search("{ }", 1700000001.7, 1700000003)) == 1
    assert tempo.search("{ }", 1700000001.8, 1700000003) == []
    assert tempo.search("{ }", 1700000000, 1700000001.4) == []


@pytest.mark.parametrize("answer", [{}, {"traces": None}, {"traces": [], "metrics": {}}])
def test_nothing_found_is_an_empty_list(tempo, grafana_server, answer):
    grafana_server.replies[SEARCH] = Reply(answer)
    assert tempo.search("{ }", 0, 1) == []
    assert tempo.slowest("", 0, 1) is None


def test_what_protobuf_s_json_leaves_out_is_zero(tempo, grafana_server):
    grafana_server.replies[SEARCH] = Reply({"traces": [{"traceID": "1"}]})
    (found,) = tempo.search("{ }", 0, 1)
    assert (found.service, found.name, found.start, found.seconds) == ("unknown", "", 0.0, 0.0)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply({"message": "no access"}, 403), "no access"),
        (Reply(b"parse error at line 1", 400, {"Content-Type": "text/plain"}), "parse error at line 1"),
        (Reply({"traces": [{"durationMs": 3}]}), "not an answer of Tempo's search"),
        (Reply({"traces": ["abc"]}), "not an answer of Tempo's search"),
        (Reply([1]), "where an object is documented"),
    ],
)
def test_a_search_that_fails_says_itself_and_why(tempo, grafana_server, reply, said):
    grafana_server.replies[SEARCH] = reply
    with pytest.raises(GrafanaError, match=said) as raised:
        tempo.search("{ x }", 0, 1)
    assert str(raised.value).startswith("{ x }: ")


def test_the_slowest_is_looked_for_until_there_is_no_slower_one(tempo, grafana_server):
    answers = [[FIRST], [{**FIRST, "traceID": "d", "durationMs": 900}, FIRST], []]
    scripted = iter(answers)
    grafana_server.replies[SEARCH] = lambda _: Reply({"traces": next(scripted)})
    found = tempo.slowest("status = error", 1700000000, 1700000003)
    assert (found.id[-1], found.seconds) == ("d", 0.9)
    asked = [path for _, path, _ in grafana_server.requests if path.startswith(SEARCH)]
    assert len(asked) == 3
    assert "traceDuration+%3E+900ms" in asked[-1]


def test_traces_come_in_batches_and_missing_ones_are_left_out(tempo, grafana_server):
    def reply(body):
        results = {q["refId"]: {"frames": [frame_of(span(q["query"]))]} for q in body["queries"]}
        results["t0"] = {"error": "trace not found", "status": 404}
        return Reply({"results": results}, 207)

    grafana_server.replies["/api/ds/query"] = reply
    found = tempo.traces([str(n) for n in range(12)], 1000, 1001)
    assert [trace.spans[0].name for trace in found] == [str(n) for n in range(12) if n not in {0, 10}]


def test_when_no_trace_can_be_had_the_reason_is_said(tempo, grafana_server):
    grafana_server.replies["/api/ds/query"] = Reply({"results": {"t0": {"error": "bad gateway"}}}, 502)
    with pytest.raises(GrafanaError, match="trace abc: bad gateway"):
        tempo.traces(["abc"], 0, 1)


@pytest.mark.parametrize("frames", [[], [{"schema": {"fields": []}, "data": {"values": []}}]])
def test_a_trace_without_spans_is_none(frames):
    assert trace_of("abc", frames) is None


def test_the_columns_of_a_span():
    logs = [
        {
            "timestamp": 1,
            "fields": [
                {"key": "message", "value": "exception"},
                {"key": "exception.type", "value": "asyncpg.exceptions.TooMany"},
                {"key": "exception.message", "value": "no slot"},
            ],
        },
    ]
    tags = [
        {"key": "db.statement", "value": "SELECT 1"},
        {"key": "net.peer.name", "value": "db"},
        {"key": "net.peer.port", "value": 5432},
    ]
    service = [{"key": "service.version", "value": "1.2"}]
    row = span("select", kind="client", statusCode=2, logs=logs, tags=tags, serviceTags=service)
    # Some versions send the lists as texts of JSON.
    texts = {**row, **{name: json.dumps(row[name]) for name in ("logs", "tags", "serviceTags")}}
    for given in (row, texts):
        (found,) = trace_of("abc", [frame_of(given)]).spans
        assert (found.statement, found.peer, found.version) == ("SELECT 1", "db", "1.2")
        assert (found.exception, found.failed) == ("TooMany: no slot", True)
        assert (found.start, found.seconds) == (1.0, 0.1)


def test_an_answer_of_4xx_is_no_failure():
    tags = [{"key": "http.response.status_code", "value": 402}]
    (found,) = trace_of("abc", [frame_of(span("pay", kind="client", statusCode=2, tags=tags))]).spans
    assert not found.failed


@pytest.mark.parametrize("spoilt", [{"startTime": None}, {"duration": "soon"}, {"tags": "{"}])
def test_a_frame_that_is_none_is_said(spoilt):
    with pytest.raises(GrafanaError, match="not of the documented form"):
        trace_of("abc", [frame_of(span("a", **spoilt))])


def test_a_trace_s_order_does_not_hang_on_the_order_of_its_spans():
    spans = [
        span("leaf", "child", startTime=1002.0),
        span("child", "root", startTime=1001.0),
        span("root"),
        span("orphan", "gone", startTime=1003.0),
        span("itself", "itself", startTime=1004.0),
    ]
    trace = trace_of("abc", [frame_of(*spans)])
    assert [(depth, one.name) for depth, one in trace.walk()] == [
        (0, "root"),
        (1, "child"),
        (2, "leaf"),
        (0, "orphan"),
        (0, "itself"),
    ]
    assert trace.root.name == "root"


def test_the_graph_of_calls():
    peer = [{"key": "server.address", "value": "db"}]
    spans = [
        span("root"),
        span(
            "ask",
            "root",
            kind="client",
            statusCode=2,
            tags=[{"key": "server.address", "value": "shop.internal"}],
        ),
        span("answer", "ask", "shop"),
        span("sql", "answer", "shop", kind="client", tags=peer, duration=50.0),
    ]
    edges = service_graph([trace_of("abc", [frame_of(*spans)])])
    assert [(e.caller, e.callee, e.calls, e.failed, e.mean_seconds) for e in edges] == [
        ("shop", "db", 1, 0, 0.05),
        ("web", "shop", 1, 1, 0.1),
    ]


def test_the_probes(tempo, grafana_server):
    given = {"configuration": {"grafana_url": grafana_server.url}, "secrets": {"token": TOKEN}}
    grafana_server.replies[SEARCH] = Reply({})
    assert probes.traces(**given) == []
    assert probes.trace_count(**given) == 0
    assert probes.service_graph(**given) == []
    for probe in (probes.slowest_trace, probes.slowest_trace_seconds):
        with pytest.raises(NoData, match="no trace in the last 60 s"):
            probe(**given)
