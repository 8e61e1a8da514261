import itertools
import time

import pytest


def value_field(frame):
    return frame["schema"]["fields"][1]


def columns(frame):
    return frame["data"]["values"]


class TestInstant:
    def test_one_frame_per_series_with_labels_on_the_value_field(self, grafana):
        frames = grafana.result(expr="demo_gauge", instant=True)["frames"]
        found = {
            value_field(frame)["labels"]["kind"]: (value_field(frame)["name"], columns(frame)[1])
            for frame in frames
        }
        assert found == {"one": ("demo_gauge", [1]), "two": ("demo_gauge", [2.5])}

    def test_the_whole_shape_of_a_frame(self, grafana):
        result = grafana.result(expr="sum by (kind) (demo_gauge{kind='two'})", instant=True)
        [frame] = result["frames"]
        moment = columns(frame)[0][0]
        assert abs(moment - time.time() * 1000) < 10_000
        assert result == {
            "status": 200,
            "frames": [
                {
                    "schema": {
                        "refId": "A",
                        "meta": {
                            "type": "numeric-multi",
                            "typeVersion": [0, 1],
                            "custom": {"resultType": "vector"},
                            "executedQueryString": "Expr: sum by (kind) (demo_gauge{kind='two'})\nStep: 1s",
                        },
                        "fields": [
                            {
                                "name": "Time",
                                "type": "time",
                                "typeInfo": {"frame": "time.Time"},
                                "config": {"interval": 1000},
                            },
                            {
                                "name": "Value",
                                "type": "number",
                                "typeInfo": {"frame": "float64"},
                                "labels": {"kind": "two"},
                                "config": {"displayNameFromDS": '{kind="two"}'},
                            },
                        ],
                    },
                    "data": {"values": [[moment], [2.5]]},
                }
            ],
        }

    def test_it_is_evaluated_at_to(self, grafana):
        moment = int(time.time() * 1000) - 1500
        answer = grafana.query({"expr": "time()", "instant": True}, to=str(moment))
        [frame] = answer.json()["results"]["A"]["frames"]
        assert columns(frame) == [[moment], [moment / 1000]]
        assert frame["schema"]["meta"]["custom"] == {"resultType": "scalar"}

    def test_relative_times_count_from_now(self, grafana):
        answer = grafana.query({"expr": "time()", "instant": True}, **{"from": "now-2h", "to": "now-1h-90s"})
        [frame] = answer.json()["results"]["A"]["frames"]
        assert columns(frame)[1][0] == pytest.approx(time.time() - 3690, abs=5)

    @pytest.mark.parametrize(("kind", "entity"), [("nan", "NaN"), ("inf", "Inf"), ("neginf", "NegInf")])
    def test_what_json_cannot_say_is_null_and_an_entity(self, grafana, kind, entity):
        [frame] = grafana.result(expr=f"demo_odd{{kind='{kind}'}}", instant=True)["frames"]
        assert columns(frame)[1] == [None]
        assert frame["data"]["entities"] == [None, {entity: [0]}]

    def test_nothing_found_is_a_frame_without_fields(self, grafana):
        [frame] = grafana.result(expr="demo_absent", instant=True)["frames"]
        assert frame["schema"]["fields"] == []
        assert frame["data"] == {"values": []}
        assert frame["schema"]["meta"]["executedQueryString"].startswith("Expr: demo_absent")

    def test_a_string_is_a_field_of_strings(self, grafana):
        [frame] = grafana.result(expr='"words"', instant=True)["frames"]
        assert value_field(frame)["type"] == "string"
        assert columns(frame)[1] == ["words"]

    @pytest.mark.parametrize(
        ("legend", "name"),
        [
            ("{{kind}} of {{ job }}", "one of demo"),
            ("fixed", "fixed"),
            ("{{absent}}-", "-"),
            ("", None),
            ("__auto", ""),
        ],
    )
    def test_legend_format_names_the_series(self, grafana, legend, name):
        query = {"expr": "demo_gauge{kind='one'}", "instant": True, "legendFormat": legend}
        [frame] = grafana.result(**query)["frames"]
        labels = value_field(frame)["labels"]
        whole = f'demo_gauge{{instance="{labels["instance"]}", job="demo", kind="one"}}'
        expected = {"displayNameFromDS": whole if name is None else name}
        assert value_field(frame).get("config", {}) == (expected if name != "" else {})

    def test_a_series_without_labels_is_named_after_the_expression(self, grafana):
        [frame] = grafana.result(expr="sum(demo_gauge)", instant=True)["frames"]
        assert value_field(frame)["config"] == {"displayNameFromDS": "sum(demo_gauge)"}


class TestRange:
    def test_a_range_has_many_points_a_step_apart(self, grafana):
        result = grafana.result(expr="demo_gauge{kind='one'}", range=True, interval="1s", maxDataPoints=1000)
        [frame] = result["frames"]
        times, values = columns(frame)
        assert len(times) >= 2
        assert {later - earlier for earlier, later in itertools.pairwise(times)} == {1000}
        assert times[0] % 1000 == 0
        assert set(values) == {1}
        assert frame["schema"]["meta"]["type"] == "timeseries-multi"

    @pytest.mark.parametrize(
        ("flags", "kinds"),
        [
            ({}, ["matrix"]),
            ({"range": True}, ["matrix"]),
            ({"instant": True}, ["vector"]),
            ({"instant": True, "range": True}, ["vector", "matrix"]),
        ],
    )
    def test_flags_say_which_frames_there_are(self, grafana, flags, kinds):
        frames = grafana.result(expr="demo_gauge{kind='one'}", **flags)["frames"]
        assert [frame["schema"]["meta"]["custom"]["resultType"] for frame in frames] == kinds

    def test_odd_values_are_entities_by_index(self, grafana):
        query = {"expr": "demo_odd{kind='inf'} * (time() % 2 - 0.5)", "interval": "1s"}
        [frame] = grafana.result(**query, maxDataPoints=1000)["frames"]
        entities = frame["data"]["entities"][1]
        assert set(columns(frame)[1]) == {None}
        indexes = entities["Inf"] + entities["NegInf"]
        assert sorted(indexes) == list(range(len(columns(frame)[1])))
        assert {index % 2 for index in entities["Inf"]} != {index % 2 for index in entities["NegInf"]}

    @pytest.mark.parametrize(
        ("query", "step"),
        [
            ({"interval": "30s", "maxDataPoints": 10_000}, "30s"),
            ({"interval": "30s", "intervalMs": 5000, "maxDataPoints": 10_000}, "30s"),
            ({"intervalMs": 5000, "maxDataPoints": 10_000}, "5s"),
            ({"maxDataPoints": 10_000}, "1s"),
            ({"maxDataPoints": 60}, "1m0s"),
            ({"maxDataPoints": 50}, "1m0s"),
            ({"maxDataPoints": 36}, "2m0s"),
            ({}, "30s"),
            ({"maxDataPoints": 0}, "2s"),
            ({"interval": "$__rate_interval", "maxDataPoints": 360}, "11s"),
            ({"interval": "<1m", "intervalFactor": 2}, "2m0s"),
        ],
    )
    def test_the_step_is_the_range_by_the_points_or_the_least_interval(self, grafana, query, step):
        answer = grafana.query(
            {"expr": "demo_gauge"} | query, **{"from": "1700000000000", "to": "1700003600000"}
        )
        [frame] = answer.json()["results"]["A"]["frames"]
        assert frame["schema"]["meta"]["executedQueryString"] == f"Expr: demo_gauge\nStep: {step}"

    @pytest.mark.parametrize(("offset", "rest"), [(0, 0), (7200, 86400 - 7200)])
    def test_points_lie_on_multiples_of_the_step_in_local_time(self, grafana, offset, rest):
        query = {"expr": "vector(1)", "interval": "1d", "utcOffsetSec": offset}
        answer = grafana.query(query, **{"from": "1700000000000", "to": "1700200000000"})
        [frame] = answer.json()["results"]["A"]["frames"]
        assert {moment // 1000 % 86400 for moment in columns(frame)[0]} == {rest}

    def test_no_step_is_too_fine_for_prometheus(self, grafana):
        answer = grafana.query(
            {"expr": "vector(1)", "interval": "1s", "maxDataPoints": 10**9}, **{"from": "now-30d"}
        )
        assert answer.status_code == 200, answer.text

    def test_a_range_that_ends_before_it_starts_is_prometheus_error(self, grafana):
        answer = grafana.query({"expr": "demo_gauge"}, **{"from": "now", "to": "now-1h"})
        assert answer.status_code == 400
        assert "end timestamp must not be before start time" in answer.json()["results"]["A"]["error"]

    def test_format_table_changes_nothing_as_in_grafana_12(self, grafana):
        series, table = (
            grafana.result(expr="demo_gauge", instant=True, format=kind)["frames"]
            for kind in ("time_series", "table")
        )
        assert [value_field(frame) for frame in series] == [value_field(frame) for frame in table]


class TestVariables:
    @pytest.mark.parametrize(
        ("given", "sent"),
        [
            ("rate(x[$__interval])", "rate(x[30s])"),
            ("rate(x[${__interval}])", "rate(x[30s])"),
            ("$__interval_ms", "30000"),
            ("rate(x[$__rate_interval])", "rate(x[4s])"),
            ("$__rate_interval_ms", "4000"),
            ("rate(x[$__range])", "rate(x[3600s])"),
            ("$__range_s + ${__range_ms}", "3600 + 3600000"),
        ],
    )
    def test_they_are_replaced(self, grafana, given, sent):
        answer = grafana.query({"expr": given}, **{"from": "1700000000000", "to": "1700003600000"})
        [frame] = answer.json()["results"]["A"]["frames"]
        assert frame["schema"]["meta"]["executedQueryString"] == f"Expr: {sent}\nStep: 30s"

    def test_rate_interval_is_four_scrapes_or_the_interval_and_one_scrape(self, grafana):
        query = {"expr": "rate(x[$__rate_interval])", "intervalMs": 10_000, "interval": "5s"}
        [frame] = grafana.result(**query)["frames"]
        assert "x[20s]" in frame["schema"]["meta"]["executedQueryString"]
        [frame] = grafana.result(**query | {"intervalMs": 60_000})["frames"]
        assert "x[1m5s]" in frame["schema"]["meta"]["executedQueryString"]

    def test_an_unknown_variable_is_an_error_not_an_empty_answer(self, grafana):
        answer = grafana.query({"expr": "rate(x[$window])", "instant": True})
        assert answer.json()["results"]["A"]["status"] == 400


class TestManyQueries:
    def test_each_is_answered_under_its_ref_id(self, grafana):
        answer = grafana.query(*({"expr": f"vector({n})", "instant": True} for n in range(8)))
        results = answer.json()["results"]
        assert {ref: columns(result["frames"][0])[1] for ref, result in results.items()} == {
            chr(ord("A") + n): [n] for n in range(8)
        }

    def test_a_failing_one_leaves_the_others(self, grafana):
        answer = grafana.query(
            {"expr": "demo_gauge", "instant": True},
            {"expr": "sum(", "instant": True},
            {"expr": "demo_gauge", "interval": "soon"},
            {"expr": "demo_gauge", "instant": "yes"},
            {"expr": ["demo_gauge"]},
        )
        assert answer.status_code == 400
        results = answer.json()["results"]
        assert len(results["A"]["frames"]) == 2
        assert results["A"]["status"] == 200
        assert results["B"]["error"].startswith('bad_data: invalid parameter "query"')
        assert results["B"]["status"] == 400
        assert results["B"]["errorSource"] == "downstream"
        assert results["C"]["error"] == 'invalid query: time: invalid duration "soon"'
        assert results["D"]["error"] == results["E"]["error"] == "invalid query: bad request data"

    def test_an_error_while_evaluating_keeps_prometheus_status(self, grafana):
        answer = grafana.query({"expr": "demo_gauge * on () demo_gauge", "instant": True})
        assert answer.status_code == 400
        result = answer.json()["results"]["A"]
        assert result["status"] == 422
        assert result["error"].startswith("execution: ")

    def test_hidden_queries_are_left_out(self, grafana):
        answer = grafana.query({"expr": "vector(1)", "instant": True}, {"expr": "sum(", "hide": True})
        assert answer.status_code == 200
        assert list(answer.json()["results"]) == ["A"]

    def test_a_query_without_ref_id_is_a(self, grafana):
        query = {"expr": "vector(1)", "instant": True, "datasource": "prometheus"}
        answer = grafana.post("/api/ds/query", {"from": "now-1m", "to": "now", "queries": [query]})
        assert list(answer.json()["results"]) == ["A"]


def test_a_batch_of_eight_is_answered_whole(grafana):
    queries = [{"expr": f"vector({n})", "instant": True} for n in range(8)]
    answer = grafana.query(*queries)
    assert answer.status_code == 200
    results = answer.json()["results"].values()
    assert [result["frames"][0]["data"]["values"][1] for result in results] == [[n] for n in range(8)]
