"""Traces: received as OpenTelemetry's own exporter sends them, kept within bounds, found by TraceQL."""

import gzip
import json
import secrets
import time

import pytest
import requests
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from lab.grafana.server import GrafanaSettings
from lab.grafana.tracestore import otlp, traceql
from lab.grafana.tracestore.store import Span, TraceStore
from lab.grafana.tracestore.traceql import TraceQLError

from .conftest import TOKEN, failed_purchase, running_grafana

PROXY = "/api/datasources/proxy/uid/tempo/api"
SECOND = 1_000_000_000


def export(*spans, resource=None):
    """Return an export of spans, given as dicts: trace, and perhaps id, parent, name, start, seconds..."""
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    for name, text in (resource or {"service.name": "shop"}).items():
        group.resource.attributes.add(key=name).value.string_value = text
    scope = group.scope_spans.add()
    for given in spans:
        start = given.get("start", time.time_ns())
        span = scope.spans.add(
            trace_id=given["trace"],
            span_id=given.get("id", secrets.token_bytes(8)),
            parent_span_id=given.get("parent", b""),
            name=given.get("name", "GET /"),
            kind=given.get("kind", 2),
            start_time_unix_nano=start,
            end_time_unix_nano=start + int(given.get("seconds", 0.1) * SECOND),
        )
        span.status.code = given.get("status", 0)
        for name, value in given.get("attributes", {}).items():
            kind = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}[
                type(value)
            ]
            setattr(span.attributes.add(key=name).value, kind, value)
    return request


def spans_of(*spans, resource=None):
    request = export(*spans, resource=resource)
    return otlp.spans(request.SerializeToString(), otlp.PROTOBUF, "")


class TestRoom:
    def test_traces_without_an_error_make_room_first(self):
        store = TraceStore(max_bytes=20_000, max_error_bytes=20_000)
        failed = secrets.token_bytes(16)
        store.add(spans_of({"trace": failed, "status": 2}))
        ids = [secrets.token_bytes(16) for _ in range(100)]
        for trace in ids:
            store.add(spans_of({"trace": trace}))
        kept = [trace for trace in ids if store.get(trace)]
        assert 0 < len(kept) < 100
        assert kept == ids[-len(kept) :]
        assert store.get(failed) is not None
        assert store.counters.dropped_traces == {False: 100 - len(kept), True: 0}
        assert store.cost <= 40_000

    def test_an_error_that_comes_late_saves_its_trace(self):
        store = TraceStore(max_bytes=20_000, max_error_bytes=20_000)
        trace = secrets.token_bytes(16)
        store.add(spans_of({"trace": trace}))
        store.add(spans_of({"trace": trace, "status": 2}))
        for _ in range(100):
            store.add(spans_of({"trace": secrets.token_bytes(16)}))
        assert len(store.get(trace).spans) == 2

    def test_the_spans_of_a_trace_are_bounded(self):
        store = TraceStore()
        trace = secrets.token_bytes(16)
        store.add(spans_of(*({"trace": trace} for _ in range(5010))))
        assert len(store.get(trace).spans) == 5000
        assert store.counters.dropped_spans == {False: 10, True: 0}

    def test_an_error_after_the_last_span_that_a_trace_may_have_still_marks_and_explains_it(self):
        store = TraceStore(max_bytes=10_000_000, max_error_bytes=10_000_000)
        trace = secrets.token_bytes(16)
        store.add(spans_of(*({"trace": trace} for _ in range(5000)), {"trace": trace, "status": 2}))
        kept = store.get(trace)
        assert (kept.failed, len(kept.spans), kept.spans[-1].status) == (True, 5001, 2)
        store.add(spans_of(*({"trace": trace, "status": 2} for _ in range(501)), {"trace": trace}))
        assert len(store.get(trace).spans) == 5500
        assert store.counters.dropped_spans == {False: 0, True: 3}

    def test_what_a_burst_of_errors_drops_is_counted_as_such(self):
        store = TraceStore(max_bytes=20_000, max_error_bytes=20_000)
        for _ in range(100):
            store.add(spans_of({"trace": secrets.token_bytes(16), "status": 2}))
        assert store.counters.dropped_traces == store.counters.dropped_spans
        assert store.counters.dropped_traces[False] == 0
        assert store.counters.dropped_traces[True] == 100 - len(store.all()) > 0


class TestTraceQL:
    @pytest.fixture(scope="class")
    def trace(self):
        store, trace_id, root = TraceStore(), secrets.token_bytes(16), b"rootroot"
        store.add(
            spans_of(
                {"trace": trace_id, "id": root, "name": "POST /pay", "seconds": 1.2,
                 "attributes": {"http.route": "/pay", "code": 500, "ratio": 0.5, "retry": True}},
                resource={"service.name": "gateway", "service.version": "1.0"},
            )
        )  # fmt: skip
        store.add(
            spans_of(
                {"trace": trace_id, "parent": root, "name": "charge", "kind": 3, "status": 2, "seconds": 0.7,
                 "attributes": {"code": "500"}},
                resource={"service.name": "payment"},
            )
        )  # fmt: skip
        return store.get(trace_id)

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("{}", ["POST /pay", "charge"]),
            ('{ resource.service.name="payment" && status=error && duration>500ms }', ["charge"]),
            ('{ resource.service.name = "payment" && duration > 1s }', []),
            ('{ .service.name =~ "pay.*|x" }', ["charge"]),
            ('{ .service.name !~ "pay" }', ["POST /pay", "charge"]),
            ("{ .code = 500 }", ["POST /pay"]),
            ('{ span.code = "500" }', ["charge"]),
            ('{ span.code != "400" }', ["charge"]),
            ("{ span.code >= 500 || span.ratio < 0.6 }", ["POST /pay"]),
            ("{ span.retry }", ["POST /pay"]),
            ("{ span.retry = true && !(status = error) }", ["POST /pay"]),
            ("{ span.retry = false }", []),
            ("{ span.http.route = nil }", ["charge"]),
            ("{ span.http.route != nil }", ["POST /pay"]),
            ("{ kind = client }", ["charge"]),
            ('{ name = "charge" || (kind = server && status != error) }', ["POST /pay", "charge"]),
            ("{ span:status = error && trace:duration >= 1.2s }", ["charge"]),
            ('{ rootServiceName = "gateway" && rootName = `POST /pay` }', ["POST /pay", "charge"]),
            ('{ name = "charge" } && { kind = server }', ["charge", "POST /pay"]),
            ('{ name = "charge" } && { kind = producer }', []),
            ('{ name = "charge" } || { kind = producer }', ["charge"]),
            ("{ true }", ["POST /pay", "charge"]),
        ],
    )
    def test_which_spans_match(self, trace, query, names):
        assert [span.name for span in traceql.parse(query)(trace)] == names

    @pytest.mark.parametrize(
        ("query", "reason"),
        [
            ("", "syntax error: unexpected $end"),
            ("{ status = error", "parse error at line 1, col 17: syntax error: unexpected $end"),
            ("{ status = red }", "unexpected red"),
            ("{ duration > fast }", "unexpected fast"),
            ('{ duration > "fast" }', "> needs a number or a duration"),
            ("{ name =~ 3 }", "=~ needs a text"),
            ('{ name =~ "(" }', "error parsing regexp"),
            ("{ childCount > 2 }", "not supported here: childCount"),
            ("{ event.name = 1 }", "not supported here: event.name"),
            ("{} | count() > 2", "not supported here: | between spansets"),
            ("{} >> {}", "not supported here: >> between spansets"),
            ("{ name = 'x' }", "unexpected '"),
            ("(" * 3000 + "{}" + ")" * 3000, "so many brackets"),
        ],
    )
    def test_what_is_refused_and_why(self, query, reason):
        with pytest.raises(TraceQLError) as caught:
            traceql.parse(query)
        assert reason in str(caught.value)


class TestReceiving:
    @pytest.mark.parametrize("zipped", [False, True])
    def test_json_has_hexadecimal_ids(self, zipped):
        trace, span = secrets.token_bytes(16), secrets.token_bytes(8)
        tree = MessageToDict(export({"trace": trace, "id": span}))
        [item] = tree["resourceSpans"][0]["scopeSpans"][0]["spans"]
        item |= {"traceId": trace.hex(), "spanId": span.hex(), "field of the future": 1}
        body = json.dumps(tree).encode()
        [(found, kept)] = otlp.spans(
            gzip.compress(body) if zipped else body, otlp.JSON, "gzip" if zipped else ""
        )
        assert (found, kept.id, kept.resource.service) == (trace, span, "shop")

    @pytest.mark.parametrize(
        ("body", "kind", "encoding", "status"),
        [
            (b"{", otlp.JSON, "", 400),
            (b"[]", otlp.JSON, "", 400),
            (b'{"resourceSpans": 1}', otlp.JSON, "", 400),
            (b"\xff\xff", otlp.PROTOBUF, "", 400),
            (export({"trace": b"short"}).SerializeToString(), otlp.PROTOBUF, "", 400),
            (b"x", otlp.PROTOBUF, "gzip", 400),
            (gzip.compress(b"x" * 17 * 1024 * 1024), otlp.PROTOBUF, "gzip", 413),
            (b"", "text/plain", "", 415),
            (b"", otlp.PROTOBUF, "zstd", 415),
        ],
    )
    def test_what_is_refused(self, body, kind, encoding, status):
        with pytest.raises(otlp.Refused) as caught:
            otlp.spans(body, kind, encoding)
        assert caught.value.status == status

    def test_lists_and_maps_are_json(self):
        request = export({"trace": secrets.token_bytes(16)})
        attribute = request.resource_spans[0].scope_spans[0].spans[0].attributes.add(key="list")
        attribute.value.array_value.values.add(int_value=1)
        attribute.value.array_value.values.add(string_value="two")
        [(_, span)] = otlp.spans(request.SerializeToString(), otlp.PROTOBUF, "")
        assert isinstance(span, Span)
        assert otlp.attributes(span.message().attributes) == {"list": '[1, "two"]'}


@pytest.fixture(scope="module")
def shop_trace(tempo_url):
    return failed_purchase(tempo_url)


@pytest.fixture(scope="module")
def traced(tempo_url, tmp_path_factory):
    """The stand-in for Grafana with a data source of type tempo."""
    settings = GrafanaSettings(
        host="127.0.0.1",
        port=0,
        token=TOKEN,
        prometheus_url="http://127.0.0.1:1",
        state_dir=tmp_path_factory.mktemp("state"),
        loki_url="http://127.0.0.1:1",
        tempo_url=tempo_url,
    )
    with running_grafana(settings) as client:
        yield client


def tempo(**query):
    return {"datasource": {"uid": "tempo", "type": "tempo"}} | query


class TestThroughGrafana:
    def test_a_search_by_the_proxy(self, traced, shop_trace):
        query = '{ resource.service.name="payment" && status=error }'
        [found] = traced.get(f"{PROXY}/search", q=query).json()["traces"]
        assert (found["traceID"], found["rootServiceName"], found["rootTraceName"]) == (
            shop_trace, "gateway", "POST /pay"
        )  # fmt: skip
        assert found["serviceStats"]["payment"] == {"spanCount": 1, "errorCount": 1}
        assert found["spanSet"]["matched"] == 1
        assert found["spanSet"]["spans"][0]["name"] == "charge"
        window = {"start": int(time.time()) - 7200, "end": int(time.time()) - 3600}
        assert traced.get(f"{PROXY}/search", q=query, **window).json()["traces"] == []

    def test_a_trace_by_the_proxy(self, traced, shop_trace):
        batches = traced.get(f"{PROXY}/traces/{shop_trace}").json()["batches"]
        assert sum(len(scope["spans"]) for batch in batches for scope in batch["scopeSpans"]) == 2
        second = traced.get(f"{PROXY}/v2/traces/{shop_trace}").json()
        assert second["trace"]["resourceSpans"] == batches
        raw = traced.call("GET", f"{PROXY}/traces/{shop_trace}", headers={"Accept": "application/protobuf"})
        data = TracesData()
        data.ParseFromString(raw.content)
        assert {span.trace_id.hex() for group in data.resource_spans for scope in group.scope_spans
                for span in scope.spans} == {shop_trace}  # fmt: skip
        assert traced.get(f"{PROXY}/traces/{'1' * 32}").status_code == 404

    @pytest.mark.usefixtures("shop_trace")
    def test_tags_and_their_values(self, traced):
        assert {"db.statement", "service.name"} <= set(traced.get(f"{PROXY}/search/tags").json()["tagNames"])
        scopes = {one["name"]: one["tags"] for one in traced.get(f"{PROXY}/v2/search/tags").json()["scopes"]}
        assert "db.statement" in scopes["span"]
        assert "service.name" in scopes["resource"]
        path = f"{PROXY}/search/tag/service.name/values"
        assert traced.get(path).json() == {"tagValues": ["gateway", "payment"]}
        path = f"{PROXY}/v2/search/tag/resource.service.name/values"
        assert {"type": "string", "value": "payment"} in traced.get(path).json()["tagValues"]

    def test_the_frame_of_a_trace(self, traced, shop_trace):
        answer = traced.query(tempo(query=shop_trace, queryType="traceId"))
        [frame] = answer.json()["results"]["A"]["frames"]
        names = [one["name"] for one in frame["schema"]["fields"]]
        rows = {row[names.index("operationName")]: dict(zip(names, row, strict=True))
                for row in zip(*frame["data"]["values"], strict=True)}  # fmt: skip
        root, span = rows["POST /pay"], rows["charge"]
        assert (root["parentSpanID"], span["parentSpanID"]) == ("", root["spanID"])
        assert (span["traceID"], span["serviceName"], span["kind"]) == (shop_trace, "payment", "client")
        assert (span["statusCode"], span["statusMessage"]) == (2, "Failed to connect")
        assert {"key": "db.statement", "value": "SELECT 1"} in span["tags"]
        assert {"key": "exception.message", "value": "no provider"} in span["logs"][0]["fields"]
        assert span["instrumentationLibraryName"] == "shop.test"
        assert abs(span["startTime"] - time.time() * 1000) < 600_000
        assert root["duration"] >= span["duration"] > 0

    @pytest.mark.usefixtures("shop_trace")
    def test_the_frame_of_a_search(self, traced):
        answer = traced.query(
            tempo(query="{ status = error }", queryType="traceql", limit=5), **{"from": "now-1h"}
        )
        [frame] = answer.json()["results"]["A"]["frames"]
        columns = {one["name"]: values for one, values in
                   zip(frame["schema"]["fields"], frame["data"]["values"], strict=True)}  # fmt: skip
        assert (columns["traceService"], columns["traceName"]) == (["gateway"], ["POST /pay"])

    @pytest.mark.parametrize(
        ("query", "status", "reason"),
        [
            ({"query": "{", "queryType": "traceql"}, 400, "syntax error"),
            ({"query": "1" * 32, "queryType": "traceId"}, 404, "trace not found"),
            ({"query": "xyz", "queryType": "traceId"}, 400, "is no trace id"),
            ({"query": "{}", "queryType": "serviceMap"}, 400, "not supported here: queryType 'serviceMap'"),
            ({"query": 1}, 400, "bad request data"),
        ],
    )
    def test_errors(self, traced, query, status, reason):
        failed = traced.query(tempo(**query)).json()["results"]["A"]
        assert (failed["status"], reason in failed["error"]) == (status, True), failed

    def test_metrics_logs_and_traces_lead_to_each_other(self, traced):
        sources = {one["uid"]: one for one in traced.get("/api/datasources").json()}
        assert sources["tempo"]["jsonData"]["tracesToLogsV2"]["datasourceUid"] == "loki"
        [field] = sources["loki"]["jsonData"]["derivedFields"]
        assert (field["matcherRegex"], field["datasourceUid"]) == (r"traceID=(\w+)", "tempo")
        [destination] = sources["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
        assert destination == {"name": "trace_id", "datasourceUid": "tempo"}

    def test_its_place(self, traced):
        assert traced.get("/api/datasources/uid/tempo/health").json()["status"] == "OK"
        assert traced.get("/api/prometheus/tempo/api/v1/rules").status_code == 404
        assert traced.call("POST", "/api/datasources/proxy/uid/tempo/v1/traces", data=b"").status_code == 403
        for path in (f"{PROXY}/search", f"{PROXY}/search/tags"):
            assert requests.get(traced.url + path, timeout=10).status_code == 401

    def test_what_a_sender_is_told(self, tempo_url):
        url = f"{tempo_url}/v1/traces"
        answer = requests.post(url, data=b"{", headers={"Content-Type": "application/json"}, timeout=10)
        assert answer.status_code == 400
        assert "not an export of traces" in answer.json()["message"]
        answer = requests.post(url, data=b"{}", headers={"Content-Type": "application/json"}, timeout=10)
        assert (answer.status_code, answer.text) == (200, "{}")
        answer = requests.post(url, data=b" " * 5_000_000, timeout=10)
        assert answer.status_code == 413
