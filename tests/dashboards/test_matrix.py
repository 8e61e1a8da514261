"""The matrix of what turns red names what there is, and colours are told as Grafana tells them."""

import re
from pathlib import Path

import pytest

from .reds import BOXES, CAN_TURN_RED, EITHER, MATRIX, OVERVIEW, RED, ROOT, can_turn_red, colour

EXPERIMENTS = sorted(path.stem for path in (ROOT / "experiments").glob("*.json"))
FALLING = [{"value": None, "color": "red"}, {"value": 50, "color": "orange"}, {"value": 250, "color": "green"}]
RISING = [{"value": None, "color": "green"}, {"value": 1, "color": "orange"}, {"value": 6, "color": "red"}]


@pytest.mark.parametrize(
    ("steps", "value", "seen"),
    [
        (FALLING, -1, "red"),
        (FALLING, 49.9, "red"),
        (FALLING, 50, "orange"),
        (FALLING, 500, "green"),
        (RISING, 0, "green"),
        (RISING, 1, "orange"),
        (RISING, 6, "red"),
        (RISING, 1e9, "red"),
    ],
)
def test_a_colour_holds_from_its_value_to_the_next_one_s(steps, value, seen):
    assert colour(steps, value) == seen


def test_a_box_s_own_thresholds_win_and_what_cannot_be_red_is_left_out():
    never = [{"value": None, "color": "blue"}]
    own = {"id": "thresholds", "value": {"steps": FALLING}}
    config = {
        "defaults": {"thresholds": {"steps": RISING}},
        "overrides": [
            {"matcher": {"options": "b"}, "properties": [own]},
            {"matcher": {"options": "c"}, "properties": [{"id": "thresholds", "value": {"steps": never}}]},
        ],
    }
    targets = [{"legendFormat": name, "expr": name.upper()} for name in "abc"]
    canvas = {"type": "canvas", "title": "drawn", "targets": targets, "fieldConfig": config}
    found = can_turn_red({"panels": [canvas, {**canvas, "type": "table"}]}, {"canvas"})
    assert found == {"a": [("A", RISING)], "b": [("B", FALLING)]}


def test_every_service_and_store_and_every_key_figure_is_judged():
    assert set(BOXES) - set(CAN_TURN_RED[OVERVIEW]) == {"load"}
    assert {"Alerts firing", "Payment budget left", "Storefront up", "Errors"} <= set(CAN_TURN_RED[OVERVIEW])
    assert {"Containers ready", "Least error budget left"} <= set(CAN_TURN_RED["service-detail"])


def test_the_matrix_names_every_experiment_and_only_what_there_is():
    assert sorted(MATRIX) == EXPERIMENTS
    for experiment, row in MATRIX.items():
        unknown = [
            f"{experiment}: {uid}/{name}: {said}"
            for uid, panels in row.items()
            if uid != "workload"
            for name, said in panels.items()
            if name not in CAN_TURN_RED[uid] or said not in {RED, EITHER}
        ]
        assert unknown == []


def test_whatever_may_be_either_has_a_reason():
    lines = (Path(__file__).with_name("matrix.yaml")).read_text().splitlines()
    assert [line for line in lines if re.search(r":\s+either", line) and " # " not in line] == []
