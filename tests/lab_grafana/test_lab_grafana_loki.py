"""The data source of type loki, as clients of Grafana's API meet it."""

import math
import time
from dataclasses import replace

import pytest
import requests

from chaosext.grafana import frames
from chaosext.grafana.alerts import alert_rules
from chaosext.grafana.client import Grafana

from .conftest import TOKEN, running_grafana, wait_until

PROXY = "/api/datasources/proxy/uid/loki/loki/api/v1"


@pytest.fixture(scope="module")
def moment(log_store):
    """Push four lines of two streams; return the time of the first (epoch ns), 30 s ago."""
    first = time.time_ns() - 30 * 10**9
    log_store.push(
        {"job": "shown", "kind": "a"},
        (first, "level=info n=1"),
        (first + 1_000_001, "level=error n=2"),
        (first + 2_000_000, "level=error n=2"),
    )
    log_store.push({"job": "shown", "kind": "b"}, (first + 500_000, "level=info n=3"))
    return first


def loki(**query):
    return {"datasource": {"uid": "loki", "type": "loki"}, "queryType": "range"} | query


def result(grafana, **query):
    answer = grafana.query(loki(**query), **{"from": "now-1h"})
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]["A"]


class TestLines:
    def test_the_whole_shape_of_a_frame(self, grafana, moment):
        [frame] = result(grafana, expr='{job="shown"} |= "error"')["frames"]
        stats = frame["schema"]["meta"].pop("stats")
        assert {"displayName": "Summary: total lines processed", "value": 4} in stats
        ids = frame["data"]["values"].pop()
        assert frame == {
            "schema": {
                "refId": "A",
                "meta": {
                    "type": "log-lines",
                    "typeVersion": [0, 0],
                    "executedQueryString": 'Expr: {job="shown"} |= "error"',
                },
                "fields": [
                    {"name": "labels", "type": "other", "typeInfo": {"frame": "json.RawMessage"}},
                    {"name": "timestamp", "type": "time", "typeInfo": {"frame": "time.Time"}},
                    {"name": "body", "type": "string", "typeInfo": {"frame": "string"}},
                    {"name": "id", "type": "string", "typeInfo": {"frame": "string"}},
                ],
            },
            "data": {
                "values": [
                    [{"job": "shown", "kind": "a"}] * 2,
                    [(moment + 2_000_000) // 10**6, (moment + 1_000_001) // 10**6],
                    ["level=error n=2"] * 2,
                ],
                "nanos": [None, [moment % 10**6, (moment + 1) % 10**6], None, None],
            },
        }
        assert len(set(ids)) == 2

    @pytest.mark.usefixtures("moment")
    def test_max_lines_and_direction(self, grafana):
        for direction, expected in (
            ("forward", ["n=1", "n=3"]),
            ("backward", ["n=2", "n=2"]),
            (None, ["n=2", "n=2"]),
        ):
            asked = {"expr": '{job="shown"}', "maxLines": 2} | ({"direction": direction} if direction else {})
            [frame] = result(grafana, **asked)["frames"]
            assert sorted(line.split()[1] for line in frame["data"]["values"][2]) == expected

    def test_nothing_found_has_no_frames(self, grafana):
        assert result(grafana, expr='{job="absent"}') == {"status": 200, "frames": []}

    def test_the_extension_reads_them(self, grafana, moment):
        found = frames.log_lines(result(grafana, expr='{job="shown"} | logfmt | level="error"')["frames"])
        assert [line.text for line in found] == ["level=error n=2"] * 2
        assert found[0].labels == {"job": "shown", "kind": "a", "level": "error", "n": "2"}
        assert found[0].time == pytest.approx(moment / 1e9, abs=0.01)

    def test_the_extensions_client_finds_the_data_source(self, grafana):
        found = {source.type: source for source in Grafana(grafana.url, TOKEN).datasources()}
        assert found["loki"].uid == "loki"
        assert not found["loki"].is_default


class TestNumbers:
    def test_an_instant_query_is_evaluated_at_to(self, grafana, moment):
        at = moment // 10**6 + 1000
        answer = grafana.query(
            loki(expr='sum by (kind) (count_over_time({job="shown"}[$__range]))', queryType="instant"),
            **{"from": str(at - 5000), "to": str(at)},
        )
        found = frames.series(answer.json()["results"]["A"]["frames"])
        assert {one.labels["kind"]: (one.times, one.values) for one in found} == {
            "a": ([at / 1000], [3]),
            "b": ([at / 1000], [1]),
        }
        frame = answer.json()["results"]["A"]["frames"][0]
        assert frame["schema"]["meta"]["executedQueryString"].endswith("[5s]))")
        assert frame["schema"]["fields"][1]["config"] == {"displayNameFromDS": '{kind="a"}'}

    def test_a_range_query_has_a_point_for_each_step(self, grafana, moment):
        answer = grafana.query(
            loki(
                expr='sum(count_over_time({job="shown"}[$__auto])) or vector(0)', step="2s", legendFormat="all"
            ),
            **{"from": str(moment // 10**6 - 4000), "to": str(moment // 10**6 + 4000)},
        )
        [frame] = answer.json()["results"]["A"]["frames"]
        times, values = frame["data"]["values"]
        assert [later - times[0] for later in times] == [0, 2000, 4000, 6000, 8000]
        assert sum(values) == 4
        assert frame["schema"]["fields"][0]["config"] == {"interval": 2000}
        assert frame["schema"]["fields"][1]["config"] == {"displayNameFromDS": "all"}
        assert frame["schema"]["meta"]["executedQueryString"].endswith("[2s])) or vector(0)\nStep: 2s")

    def test_what_json_cannot_say(self, grafana):
        [frame] = result(grafana, expr="vector(1) / 0", queryType="instant")["frames"]
        assert frame["data"]["entities"] == [None, {"NaN": [0]}]
        [series] = frames.series([frame])
        assert math.isnan(series.values[0])

    @pytest.mark.usefixtures("moment")
    def test_data_sources_may_be_mixed_in_one_request(self, grafana):
        answer = grafana.query(
            {"expr": "vector(7)", "instant": True},
            loki(expr='sum(count_over_time({job="shown"}[1h]))', queryType="instant"),
        )
        found = answer.json()["results"]
        assert [frames.series(found[ref]["frames"])[0].values for ref in "AB"] == [[7], [4]]


class TestErrors:
    @pytest.mark.parametrize(
        ("query", "status", "reason"),
        [
            (
                {"expr": '{job="x"'},
                400,
                "parse error at line 1, col 9: syntax error: unexpected $end, expecting }",
            ),
            ({"expr": '{job="x"} | unpack'}, 400, "not supported here: unpack"),
            ({"expr": '{job="x"}', "queryType": "instant"}, 400, "not supported as an instant query"),
            ({"expr": '{job="x"}', "queryType": "stream"}, 400, "invalid queryType: stream"),
            ({"expr": '{job="x"}', "direction": "up"}, 400, "invalid queryDirection: up"),
            ({"expr": '{job="x"}', "maxLines": 5001}, 400, "max entries limit per query exceeded"),
            ({"expr": '{job="x"}', "step": "often"}, 400, "invalid duration"),
            ({"expr": 1}, 400, "bad request data"),
        ],
    )
    def test_a_query_that_fails_says_why_and_the_others_are_whole(self, grafana, query, status, reason):
        answer = grafana.query(loki(**query), loki(expr="vector(1)", queryType="instant"))
        assert answer.status_code == 400
        failed, whole = answer.json()["results"]["A"], answer.json()["results"]["B"]
        assert (failed["status"], reason in failed["error"]) == (status, True), failed
        assert len(whole["frames"]) == 1

    def test_a_loki_that_is_down_is_a_bad_gateway(self, own_settings, own_log_store):
        own_log_store.stop()
        with running_grafana(replace(own_settings, loki_url=own_log_store.url)) as grafana:
            answer = grafana.query(loki(expr="vector(1)", queryType="instant"))
            assert answer.json()["results"]["A"]["status"] == 502
            assert grafana.get(f"{PROXY}/labels").status_code == 502
            health = grafana.get("/api/datasources/uid/loki/health")
            assert (health.status_code, health.json()["status"]) == (400, "ERROR")


class TestProxy:
    def test_it_speaks_lokis_own_api(self, grafana, moment):
        found = grafana.get(f"{PROXY}/query_range", query='{job="shown",kind="b"}').json()
        assert found["status"] == "success"
        assert found["data"]["resultType"] == "streams"
        assert found["data"]["result"] == [
            {"stream": {"job": "shown", "kind": "b"}, "values": [[str(moment + 500_000), "level=info n=3"]]}
        ]
        found = grafana.get(f"{PROXY}/query", query='sum(count_over_time({job="shown"}[1h]))').json()["data"]
        assert (found["resultType"], found["result"][0]["value"][1]) == ("vector", "4")
        assert grafana.get(f"{PROXY}/label/kind/values", query='{job="shown"}').json()["data"] == ["a", "b"]
        assert grafana.get(f"{PROXY}/index/stats", query='{job="shown"}').json()["entries"] == 4

    def test_errors_pass_as_they_are(self, grafana):
        answer = grafana.get(f"{PROXY}/query_range", query="{")
        assert answer.status_code == 400
        assert answer.text.startswith("parse error at line 1, col 2")

    def test_run_events_may_be_pushed(self, grafana):
        body = {"streams": [{"stream": {"job": "pushed"}, "values": [[str(time.time_ns()), "started"]]}]}
        answer = grafana.post(f"{PROXY}/push", body)
        assert (answer.status_code, answer.text) == (204, "")
        [frame] = result(grafana, expr='{job="pushed"}')["frames"]
        assert frame["data"]["values"][2] == ["started"]
        answer = grafana.call(
            "POST", f"{PROXY}/push", data=b"x", headers={"Content-Type": "application/x-protobuf"}
        )
        assert (answer.status_code, answer.text) == (415, "not supported here: protobuf; push JSON "
                                                          "(Content-Type: application/json)\n")  # fmt: skip

    @pytest.mark.parametrize("path", ["metrics", "loki/api/v1/delete", "loki/api/v1/tail", "ready"])
    def test_nothing_else_is_passed_on(self, grafana, path):
        assert grafana.get(f"/api/datasources/proxy/uid/loki/{path}").status_code == 403

    def test_all_of_it_asks_for_the_token(self, grafana):
        for method, path in (("GET", f"{PROXY}/labels"), ("POST", f"{PROXY}/push"), ("POST", "/api/ds/query")):
            assert requests.request(method, grafana.url + path, timeout=10).status_code == 401


class TestPlace:
    def test_the_data_source_and_its_health(self, grafana):
        found = grafana.get("/api/datasources/uid/loki").json()
        assert (found["type"], found["name"], found["isDefault"]) == ("loki", "Loki", False)
        assert grafana.get("/api/datasources/uid/loki/health").json()["status"] == "OK"

    def test_its_rules_are_listed_as_a_rulers(self, grafana):
        [group] = grafana.get("/api/prometheus/loki/api/v1/rules").json()["data"]["groups"]
        assert {rule["type"] for rule in group["rules"]} == {"recording"}
        assert grafana.get("/api/prometheus/loki/api/v1/alerts").json()["data"] == {"alerts": []}


class TestFiringAlert:
    """Rules that Prometheus evaluates, in the shape that the extension follows alerts by."""

    def test_a_rule_with_its_alert(self, grafana):
        def groups():
            return grafana.get("/api/prometheus/prometheus/api/v1/rules").json()

        def firing():
            found = groups()["data"]["groups"]
            [rule] = [rule for group in found for rule in group["rules"] if rule["name"] == "DemoAlwaysFires"]
            return rule if rule["state"] == "firing" else None

        wait_until(lambda: firing() is not None, "the alert fires")
        [read] = [one for one in alert_rules(groups()) if one.name == "DemoAlwaysFires"]
        assert read.active == [({"alertname": "DemoAlwaysFires", "severity": "page"}, "firing")]
        rule = firing()
        assert rule["type"] == "alerting"
        [alert] = rule["alerts"]
        assert alert["state"] == "firing"
        assert alert["labels"] == {"alertname": "DemoAlwaysFires", "severity": "page"}
        assert alert["activeAt"].startswith("20")
        [same] = grafana.get("/api/prometheus/prometheus/api/v1/alerts").json()["data"]["alerts"]
        assert (same["labels"], same["state"], same["activeAt"]) == (
            alert["labels"], "firing", alert["activeAt"]
        )  # fmt: skip
