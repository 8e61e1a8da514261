"""The dashboards on the recorded game day: each panel has data, and each failure turns the right boxes red."""

import json
import time
from datetime import datetime

import pytest
import requests
import yaml

from chaosext.result import Phase

from .conftest import CHECKOUT, DAY_SECONDS, EXPERIMENTS, Day
from .dashboards.test_dashboards import MODELS, VARIABLES

pytestmark = [pytest.mark.lab, pytest.mark.timeout(DAY_SECONDS + 60)]
MATRIX = yaml.safe_load((CHECKOUT / "tests" / "dashboards" / "matrix.yaml").read_text())
OVERVIEW = MODELS["services-overview"]
STEP = 2
# A panel of these is rightly empty when nothing is wrong at this moment.
EMPTY_WITHOUT_A_FAULT = {
    "Errors, as callers see them": "no request to the service fails now",
}
PANELS = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name, model in MODELS.items()
    for panel in model["panels"]
    if panel.get("targets") and panel["title"] not in EMPTY_WITHOUT_A_FAULT
]
SOURCES = {"${datasource}": "prometheus", "${loki}": "loki", "${tempo}": "tempo"}


def worst(lab, expression: str, start: float, end: float) -> float:
    """Return the highest value of a query between two times, 0 when there was none."""
    filled = expression.replace("$__rate_interval", VARIABLES["$__rate_interval"])
    answer = requests.get(
        f"{lab.prometheus_url}/api/v1/query_range",
        params={"query": filled, "start": start, "end": end, "step": STEP},
        timeout=20,
    )
    assert answer.ok, answer.text
    series = answer.json()["data"]["result"]
    return max((float(value) for one in series for _, value in one["values"] if value != "NaN"), default=0.0)


def reds(panel: dict) -> dict[str, float]:
    """Return from which value on each field of a panel is red."""
    default = panel["fieldConfig"]["defaults"]["thresholds"]
    own = {
        override["matcher"]["options"]: prop["value"]
        for override in panel["fieldConfig"]["overrides"]
        for prop in override["properties"]
        if prop["id"] == "thresholds"
    }
    found = {}
    for target in panel["targets"]:
        steps = own.get(target.get("legendFormat"), default)["steps"]
        found[target["refId"]] = next((s["value"] for s in steps if s["color"] == "red"), float("inf"))
    return found


def fault_time(day: Day, name: str) -> tuple[float, float]:
    found = day.results()[name]
    began = datetime.fromisoformat(found.started).timestamp()
    # The report's start is a whole second; rules and scrapes are a little late.
    return began + found.phases[Phase.FAULT], began + found.phases[Phase.RECOVERY] + 4


def test_the_matrix_names_every_experiment():
    assert sorted(MATRIX) == EXPERIMENTS


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_right_boxes_turn_red(day: Day, lab, name: str):
    (canvas,) = [panel for panel in OVERVIEW["panels"] if panel["type"] == "canvas"]
    limits = reds(canvas)
    start, end = fault_time(day, name)
    seen = {t["legendFormat"]: worst(lab, t["expr"], start, end) for t in canvas["targets"]}
    red = {t["legendFormat"] for t in canvas["targets"] if seen[t["legendFormat"]] >= limits[t["refId"]]}
    assert set(MATRIX[name]["red"]) <= red, seen
    assert not set(MATRIX[name]["never_red"]) & red, seen


@pytest.mark.parametrize("name", [name for name in EXPERIMENTS if MATRIX[name].get("alert")])
def test_the_key_figure_of_alerts_turns_red(day: Day, lab, name: str):
    (panel,) = [panel for panel in OVERVIEW["panels"] if panel["title"] == "Alerts firing"]
    assert worst(lab, panel["targets"][0]["expr"], *fault_time(day, name)) >= reds(panel)["A"]


@pytest.mark.parametrize("panel", PANELS)
def test_every_panel_has_data(day: Day, lab, panel: dict):
    now = time.time()
    # Since the day began: what only a failure shows is found there.
    start = min(datetime.fromisoformat(found.started).timestamp() for found in day.results().values())
    queries = [_query(target) for target in panel["targets"]]
    answer = requests.post(
        f"{lab.grafana_url}/api/ds/query",
        json={"from": str(int(start * 1000)), "to": str(int(now * 1000)), "queries": queries},
        headers={"Authorization": f"Bearer {lab.grafana_token}"},
        timeout=30,
    )
    assert answer.ok, answer.text
    results = answer.json()["results"]
    assert [ref for ref, result in results.items() if result.get("error")] == [], results
    rows = [
        len(values) for r in results.values() for frame in r["frames"] for values in frame["data"]["values"]
    ]
    assert any(rows), queries


def _query(target: dict) -> dict:
    text = json.dumps(target)
    for name, value in VARIABLES.items():
        text = text.replace(name, value)
    query = json.loads(text)
    query["datasource"]["uid"] = SOURCES[target["datasource"]["uid"]]
    return {**query, "intervalMs": 5000, "maxDataPoints": 500}
