import math

import pytest

from chaosext.errors import GrafanaError
from chaosext.grafana.frames import log_lines, notices, series

TIME = {"name": "Time", "type": "time"}


def value_field(**labels: str) -> dict:
    return {"name": "Value", "type": "number", "labels": labels}


def test_one_series_a_frame_with_labels_on_the_value_field():
    frame = {"schema": {"fields": [TIME, value_field(job="a")]}, "data": {"values": [[1000, 2000], [1, 2.5]]}}
    (found,) = series([frame])
    assert (found.labels, found.times, found.values) == ({"job": "a"}, [1.0, 2.0], [1, 2.5])


def test_a_wide_frame_has_a_series_for_each_number_field():
    frame = {
        "schema": {"fields": [TIME, value_field(job="a"), value_field(job="b")]},
        "data": {"values": [[1000], [1], [2]]},
    }
    assert [(s.labels["job"], s.values) for s in series([frame])] == [("a", [1]), ("b", [2])]


def test_entities_are_nan_and_infinities_and_a_bare_null_stays_none():
    frame = {
        "schema": {"fields": [TIME, value_field()]},
        "data": {
            "values": [[1, 2, 3, 4], [None, None, None, None]],
            "entities": [None, {"NaN": [0], "Inf": [1], "NegInf": [2]}],
        },
    }
    (found,) = series([frame])
    assert math.isnan(found.values[0])
    assert found.values[1:] == [math.inf, -math.inf, None]


@pytest.mark.parametrize("frames", [[], [{"schema": {"fields": []}, "data": {"values": []}}], [{"schema": {}}]])
def test_the_empty_answers_of_prometheus_and_loki_have_no_series(frames):
    assert series(frames) == []
    assert log_lines(frames) == []


def test_notices_are_kept():
    assert notices([{"schema": {"meta": {"notices": [{"severity": "warning", "text": "partial"}]}}}]) == [
        "partial"
    ]


@pytest.mark.parametrize(("time_name", "line_name"), [("Time", "Line"), ("timestamp", "body")])
def test_log_frames_of_both_shapes(time_name, line_name):
    fields = [{"name": n, "type": "other"} for n in ("labels", time_name, line_name, "id")]
    frame = {"schema": {"fields": fields}, "data": {"values": [[{"pod": "p"}], [5000], ["boom"], ["x"]]}}
    (line,) = log_lines([frame])
    assert (line.time, line.labels, line.text) == (5.0, {"pod": "p"}, "boom")


@pytest.mark.parametrize(
    "frame",
    [
        {"schema": {"fields": [TIME]}, "data": {"values": [[1], [2]]}},
        {"schema": {"fields": [TIME, value_field()]}, "data": {"values": [[1], [2]], "entities": [None]}},
        {"schema": {"fields": [TIME, value_field()]}, "data": {"values": [1, 2]}},
        {"schema": [1], "data": {}},
    ],
)
def test_a_frame_of_another_form_is_an_error_and_no_guess(frame):
    with pytest.raises(GrafanaError, match="frame"):
        series([frame])
