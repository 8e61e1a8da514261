import pytest


class TestRequest:
    @pytest.mark.parametrize("queries", [{}, {"queries": None}, {"queries": []}])
    def test_no_queries(self, grafana, queries):
        answer = grafana.post("/api/ds/query", {"from": "now-1m", "to": "now"} | queries)
        assert answer.status_code == 400
        assert answer.json()["message"] == "No queries found"
        assert answer.json()["messageId"] == "query.noQueries"

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("from", "yesterday"),
            ("to", "now+"),
            ("to", "now/d"),
            ("from", ""),
            ("from", "1.5"),
            ("to", "9" * 30),
            ("to", "now+99999999999w"),
            ("from", "now-1M"),
        ],
    )
    def test_a_time_that_is_none(self, grafana, name, text):
        answer = grafana.query({"expr": "demo_gauge"}, **{name: text})
        assert answer.status_code == 400
        assert answer.json()["message"].startswith(f"invalid time range: {name} is ")

    @pytest.mark.parametrize(
        "body",
        [
            {"from": 1700000000000, "to": "now", "queries": [{"expr": "1"}]},
            {"from": "now-1m", "to": "now", "queries": {"A": {}}},
            {"from": "now-1m", "to": "now", "queries": ["demo_gauge"]},
            [],
            "text",
            None,
        ],
    )
    def test_a_body_of_another_shape(self, grafana, body):
        answer = grafana.post("/api/ds/query", body)
        assert (answer.status_code, answer.json()) == (400, {"message": "bad request data"})

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"\xff\xfe", b'{"from": NaN}', b'{"from": 1e999}', b"[" * 100_000], ids=repr
    )
    def test_a_body_that_is_no_json(self, grafana, body):
        answer = grafana.call("POST", "/api/ds/query", data=body)
        assert (answer.status_code, answer.json()) == (400, {"message": "bad request data"})

    def test_a_body_that_is_too_large(self, grafana):
        answer = grafana.call("POST", "/api/ds/query", data=b" " * (5 * 1024 * 1024))
        assert answer.status_code == 413

    @pytest.mark.parametrize("source", [None, {}, {"type": "prometheus"}, {"uid": ""}, {"uid": 7}, 7])
    def test_no_data_source(self, grafana, source):
        answer = grafana.query({"expr": "demo_gauge", "datasource": source})
        assert answer.status_code == 400
        assert answer.json()["message"] == "Query does not contain a valid data source identifier"

    def test_an_unknown_data_source(self, grafana):
        answer = grafana.query({"expr": "x", "datasource": {"uid": "mimir", "type": "prometheus"}})
        assert (answer.status_code, answer.json()) == (404, {"message": "Data source not found"})

    def test_a_type_that_is_not_supported(self, grafana):
        answer = grafana.query({"expr": "x", "datasource": {"uid": "__expr__", "type": "__expr__"}})
        assert answer.status_code == 400
        assert answer.json()["message"] == "data sources of type __expr__ are not supported here"

    @pytest.mark.parametrize(
        "query",
        [
            {"maxDataPoints": -5},
            {"maxDataPoints": "many"},
            {"intervalMs": 1e300},
            {"intervalMs": 10**400},
            {"intervalMs": -1},
            {"utcOffsetSec": 2**62},
            {"interval": "9" * 400 + "d"},
            {"legendFormat": "\ud800"},
            {"expr": "\ud800"},
            {"expr": ""},
        ],
        ids=repr,
    )
    def test_absurd_values_are_answered_all_the_same(self, grafana, query):
        answer = grafana.query({"expr": "demo_gauge"} | query)
        assert answer.status_code in {200, 400}, answer.text
