import time

import pytest

from lab.grafana.annotation_store import Annotation, AnnotationStore, Search
from lab.grafana.store import connect

from .conftest import running_grafana

PATH = "/api/annotations"


def add(grafana, **fields):
    answer = grafana.post(PATH, {"text": "fault landed"} | fields)
    assert answer.status_code == 200, answer.text
    assert answer.json()["message"] == "Annotation added"
    return answer.json()["id"]


def ids(grafana, **parameters):
    answer = grafana.get(PATH, **parameters)
    assert answer.status_code == 200, answer.text
    return [found["id"] for found in answer.json()]


class TestOne:
    def test_a_region_comes_back_as_it_was_posted(self, own_grafana):
        fields = {
            "time": 1700000000000,
            "timeEnd": 1700000060000,
            "tags": ["chaos", "run:abc"],
            "text": "payments fail → ½",
            "dashboardUID": "shop",
            "panelId": 4,
            "data": {"run": 1},
        }
        number = add(own_grafana, **fields)
        shown = own_grafana.get(f"{PATH}/{number}").json()
        assert fields.items() <= shown.items()
        assert shown["id"] == number
        assert abs(shown["created"] - time.time() * 1000) < 10_000

    def test_a_point_has_one_time(self, own_grafana):
        shown = own_grafana.get(f"{PATH}/{add(own_grafana, time=1700000000000)}").json()
        assert (shown["time"], shown["timeEnd"]) == (1700000000000, 1700000000000)
        assert (shown["tags"], shown["dashboardUID"]) == ([], None)

    def test_without_a_time_it_is_now(self, own_grafana):
        shown = own_grafana.get(f"{PATH}/{add(own_grafana)}").json()
        assert shown["time"] == shown["timeEnd"] == pytest.approx(time.time() * 1000, abs=10_000)

    def test_times_in_the_wrong_order_are_swapped(self, own_grafana):
        shown = own_grafana.get(f"{PATH}/{add(own_grafana, time=2000, timeEnd=1000)}").json()
        assert (shown["time"], shown["timeEnd"]) == (1000, 2000)

    @pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": None}])
    def test_text_is_needed(self, own_grafana, body):
        answer = own_grafana.post(PATH, body)
        assert answer.status_code == 400
        assert answer.json() == {
            "message": "Failed to save annotation",
            "error": "text field should not be empty",
        }

    @pytest.mark.parametrize(
        "field",
        [
            {"time": "1700000000000"},
            {"time": 1700000000000.5},
            {"time": 1700000000000.0},
            {"time": True},
            {"time": 2**63},
            {"timeEnd": "now"},
            {"tags": "chaos"},
            {"tags": [1]},
            {"text": 5},
            {"panelId": "4"},
            {"dashboardUID": 4},
            {"data": []},
        ],
        ids=repr,
    )
    def test_values_of_another_type(self, own_grafana, field):
        answer = own_grafana.post(PATH, {"text": "x"} | field)
        assert (answer.status_code, answer.json()) == (400, {"message": "bad request data"})
        assert ids(own_grafana) == []

    def test_patch_changes_what_is_given(self, own_grafana):
        number = add(own_grafana, time=1000, tags=["a"], data={"x": 1})
        answer = own_grafana.call("PATCH", f"{PATH}/{number}", json={"timeEnd": 5000})
        assert (answer.status_code, answer.json()) == (200, {"message": "Annotation patched"})
        answer = own_grafana.call("PATCH", f"{PATH}/{number}", json={"text": "over", "tags": ["b", "c"]})
        shown = own_grafana.get(f"{PATH}/{number}").json()
        found = [shown[key] for key in ("time", "timeEnd", "text", "tags", "data")]
        assert found == [1000, 5000, "over", ["b", "c"], {"x": 1}]
        assert own_grafana.get(PATH, tags="a").json() == []

    def test_put_replaces_text_and_tags(self, own_grafana):
        number = add(own_grafana, time=1000, timeEnd=2000, tags=["a"])
        answer = own_grafana.call("PUT", f"{PATH}/{number}", json={"text": "new"})
        assert answer.json() == {"message": "Annotation updated"}
        shown = own_grafana.get(f"{PATH}/{number}").json()
        assert [shown[key] for key in ("time", "timeEnd", "text", "tags")] == [1000, 2000, "new", []]

    def test_delete(self, own_grafana):
        number = add(own_grafana, tags=["a"])
        assert own_grafana.call("DELETE", f"{PATH}/{number}").json() == {"message": "Annotation deleted"}
        assert own_grafana.get(f"{PATH}/{number}").status_code == 404
        assert own_grafana.get(f"{PATH}/tags").json() == {"result": {"tags": []}}

    @pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
    @pytest.mark.parametrize(
        ("number", "status", "message"),
        [
            ("77", 404, "Annotation not found"),
            ("abc", 400, "annotationId is invalid"),
            ("9" * 20, 400, "annotationId is invalid"),
            ("²", 400, "annotationId is invalid"),
        ],
    )
    def test_no_such_annotation(self, own_grafana, method, number, status, message):
        answer = own_grafana.call(method, f"{PATH}/{number}", json={"text": "x"})
        assert (answer.status_code, answer.json()["message"]) == (status, message)


class TestTags:
    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ([" a ", "a", "", "  "], ["a"]),
            (["k: v ", "k:v", "k"], ["k:v", "k"]),
            (["run:10:30"], ["run:10"]),
            ([":v"], []),
            (["k:"], ["k"]),
        ],
    )
    def test_they_are_tidied_as_grafana_does(self, own_grafana, given, kept):
        assert own_grafana.get(f"{PATH}/{add(own_grafana, tags=given)}").json()["tags"] == kept

    def test_too_many_are_refused(self, own_grafana):
        answer = own_grafana.post(PATH, {"text": "x", "tags": ["a" * 240, "b" * 300]})
        assert answer.status_code == 400
        assert answer.json()["message"] == "tags length (547) exceeds the maximum allowed (500)"

    def test_the_list_counts(self, own_grafana):
        add(own_grafana, tags=["b", "a:1"])
        add(own_grafana, tags=["b"])
        expected = [{"tag": "a:1", "count": 1}, {"tag": "b", "count": 2}]
        assert own_grafana.get(f"{PATH}/tags").json() == {"result": {"tags": expected}}
        assert own_grafana.get(f"{PATH}/tags", tag="B").json()["result"]["tags"] == expected[1:]
        assert own_grafana.get(f"{PATH}/tags", limit=1).json()["result"]["tags"] == expected[:1]


class TestFind:
    def test_newest_first_and_within_the_limit(self, own_grafana):
        added = [add(own_grafana, time=1000 * n) for n in (2, 3, 1)]
        assert ids(own_grafana) == [added[1], added[0], added[2]]
        assert ids(own_grafana, limit=2) == [added[1], added[0]]

    def test_the_default_limit_is_a_hundred(self, own_grafana):
        for n in range(101):
            add(own_grafana, time=1000 + n)
        assert len(ids(own_grafana)) == len(ids(own_grafana, limit="many")) == 100
        assert len(ids(own_grafana, limit=500)) == 101

    def test_what_touches_the_range_is_found(self, own_grafana):
        region = add(own_grafana, time=1000, timeEnd=2000)
        point = add(own_grafana, time=3000)
        for start, end, expected in [
            (1500, 1600, [region]),
            (2000, 3000, [point, region]),
            (1, 999, []),
            (2001, 2999, []),
            (3000, 3000, [point]),
        ]:
            assert ids(own_grafana, **{"from": start, "to": end}) == expected, (start, end)
        assert ids(own_grafana, **{"from": 2500}) == [point, region]  # one bound alone is no range

    def test_tags_must_all_match_unless_any_will_do(self, own_grafana):
        both = add(own_grafana, time=3, tags=["chaos", "run:1"])
        other = add(own_grafana, time=2, tags=["chaos", "run:2"])
        none = add(own_grafana, time=1)
        assert ids(own_grafana) == [both, other, none]
        assert ids(own_grafana, tags=["chaos", "run:1"]) == [both]
        assert ids(own_grafana, tags=["run:1", "run:2"]) == []
        assert ids(own_grafana, tags=["run:1", "run:2"], matchAny="true") == [both, other]
        assert ids(own_grafana, tags="run") == [both, other]  # a key alone matches every value
        assert ids(own_grafana, tags="chao") == []
        assert ids(own_grafana, tags="' OR 1=1 --") == []

    def test_by_dashboard_panel_and_type(self, own_grafana):
        first = add(own_grafana, time=2, dashboardUID="shop", panelId=1)
        second = add(own_grafana, time=1, dashboardUID="shop", panelId=2)
        add(own_grafana, time=3)
        assert ids(own_grafana, dashboardUID="shop") == [first, second]
        assert ids(own_grafana, dashboardUID="shop", panelId=2) == [second]
        assert len(ids(own_grafana, type="annotation")) == 3
        assert ids(own_grafana, type="alert") == []


class TestStore:
    def test_it_outlives_a_restart(self, own_settings):
        with running_grafana(own_settings) as grafana:
            number = add(grafana, text="before", tags=["a:b"])
        with running_grafana(own_settings) as grafana:
            [found] = grafana.get(PATH, tags="a:b").json()
            assert (found["id"], found["text"]) == (number, "before")
            assert add(grafana) > number

    def test_it_is_bounded(self, tmp_path):
        database = connect(tmp_path)
        store = AnnotationStore(database, limit=3)
        for n in range(1, 6):
            store.add(Annotation(time=n, time_end=n, text=str(n), tags=[("t", str(n))]))
        assert [found.text for found in store.find(Search())] == ["5", "4", "3"]
        assert store.tags("", 10) == [("t:3", 1), ("t:4", 1), ("t:5", 1)]
        database.close()
