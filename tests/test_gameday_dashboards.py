"""The dashboards on the recorded game day: every query has data, each failure turns the right things red."""

import json
import math
import time
from datetime import datetime
from itertools import chain, pairwise

import pytest
import requests

from chaosext.architecture import load_architecture
from chaosext.result import Outcome, Phase, Verification

from .conftest import CHECKOUT, DAY_SECONDS, EXPERIMENTS, Day
from .dashboards.reds import (
    CAN_TURN_RED,
    DETAIL,
    MATRIX,
    MODELS,
    NOT_RED,
    OVERVIEW,
    RED,
    colour,
    expected,
)
from .dashboards.test_dashboards import VARIABLES

pytestmark = [pytest.mark.lab, pytest.mark.timeout(DAY_SECONDS + 60)]
STEP = 2
CONTROLS = ("no-fault", "product-pod")
SHOP = load_architecture(CHECKOUT / "manifests" / "architecture.yaml")
(WORKLOADS,) = [
    variable["query"].split(",")
    for variable in MODELS[DETAIL]["templating"]["list"]
    if variable["name"] == "workload"
]
SOURCES = {"${datasource}": "prometheus", "${loki}": "loki", "${tempo}": "tempo"}
CASES = [
    pytest.param(panel, workload, id=f"{uid}: {panel['title']}{f' of {workload}' if workload else ''}")
    for uid, model in MODELS.items()
    for panel in model["panels"]
    for workload in (WORKLOADS if uid == DETAIL else [""])
    if panel.get("targets")
]


def filled(text: str, workload: str = "", seconds: float = 900) -> str:
    known = {**VARIABLES, "$workload": workload, "$__range": f"{seconds:.0f}s"}
    for name, value in known.items():
        text = text.replace(name, value)
    return text


def values(lab, expression: str, start: float, end: float) -> list[list[float]]:
    """Return the values of each series of a query between two times; NaN is none."""
    answer = requests.get(
        f"{lab.prometheus_url}/api/v1/query_range",
        params={"query": expression, "start": start, "end": end, "step": STEP},
        timeout=20,
    )
    assert answer.ok, answer.text
    series = answer.json()["data"]["result"]
    return [[number for _, text in one["values"] if not math.isnan(number := float(text))] for one in series]


def stays_red(series: list[tuple[float, str]]) -> bool:
    """Return whether it is red for longer than a moment: a scrape that came late makes `or vector(0)` one."""
    return any(before[1] == after[1] == "red" for before, after in pairwise(series))


def fault_time(found: Verification) -> tuple[float, float]:
    began = datetime.fromisoformat(found.started).timestamp()
    # The report's start is a whole second; rules and scrapes are a little late.
    return began + found.phases[Phase.FAULT], began + found.phases[Phase.RECOVERY] + 4


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_right_panels_and_boxes_turn_red(day: Day, lab, name: str):
    start, end = fault_time(day.results()[name])
    wrong = {}
    for uid, panels in CAN_TURN_RED.items():
        for panel, queries in panels.items():
            seen = [
                [(value, colour(steps, value)) for value in series]
                for expression, steps in queries
                for series in values(lab, filled(expression, MATRIX[name]["workload"]), start, end)
            ]
            shown, wanted = RED if any(map(stays_red, seen)) else NOT_RED, expected(name, uid, panel)
            # Without a failure, what is not red is not just grey.
            if wanted not in {shown, "either"} or (name in CONTROLS and not any(seen)):
                wrong[f"{uid}/{panel}"] = f"expected {wanted}, and saw {sorted(set(chain(*seen)))}"
    assert wrong == {}


@pytest.mark.parametrize("name", CONTROLS)
def test_where_nothing_deviates_no_box_of_an_sli_that_held_and_no_alert_may_be_red(day: Day, name: str):
    slis = day.results()[name].slis
    held = {sli.name for sli in slis if sli.outcome is Outcome.HELD}
    assert {sli.name for sli in slis if sli.expected} <= held
    boxes = [component.name for component in SHOP.components if held & {*component.slis}]
    assert len(boxes) > 5
    assert {expected(name, OVERVIEW, box) for box in [*boxes, "Alerts firing"]} == {NOT_RED}


def began(day: Day) -> float:
    return min(datetime.fromisoformat(found.started).timestamp() for found in day.results().values())


# Panels of Service Detail that show only what is wrong: by workload, why nothing was.
NO_FAILURE = {"content": "no experiment makes it fail"}
NO_DELAY = {
    "content": "no experiment makes it slow",
    "cart": "it fails at once, and is slow on a busy machine only",
}
SHOW_WHAT_IS_WRONG = {
    "Errors in its log": NO_FAILURE,
    "Traces with an error here": NO_FAILURE,
    "Traces that took over half a second here": NO_DELAY,
}


def why_empty(panel: dict, target: dict, workload: str) -> str:
    """Return why a query rightly has no data of the day; "" when it has to have some."""
    text = json.dumps(target)
    if workload.endswith(("-data", "-replica")):
        if target["datasource"]["type"] == "tempo" or "http_" in text or "error_budget" in text:
            return "a store answers no HTTP, sends no spans, and its SLI is a count without a budget"
        if "current_burn_rate" in text:
            return "a count burns no budget"
    return SHOW_WHAT_IS_WRONG.get(panel["title"], {}).get(workload, "")


@pytest.mark.parametrize(("panel", "workload"), CASES)
def test_every_query_has_data(day: Day, lab, panel: dict, workload: str):
    now, start = time.time(), began(day)
    # Since the day began: what only a failure shows is found there.
    queries = [query(target, workload, now - start) for target in panel["targets"]]
    answer = ask(lab, "POST", "api/ds/query", json={"from": ms(start), "to": ms(now), "queries": queries})
    results = answer.json()["results"]
    assert [ref for ref, result in results.items() if result.get("error")] == [], results
    empty = [
        target["expr" if "expr" in target else "query"]
        for target in panel["targets"]
        if not why_empty(panel, target, workload)
        and not any(has_data(frame) for frame in results[target["refId"]]["frames"])
    ]
    assert empty == []


def query(target: dict, workload: str, seconds: float) -> dict:
    asked = json.loads(filled(json.dumps(target), workload, seconds))
    asked["datasource"]["uid"] = SOURCES[target["datasource"]["uid"]]
    return {**asked, "intervalMs": 5000, "maxDataPoints": 500}


def has_data(frame: dict) -> bool:
    """Return whether a frame has a value beside its times; what is no number arrives as null."""
    fields = zip(frame["schema"]["fields"], frame["data"]["values"], strict=True)
    return any(value is not None for field, column in fields if field["type"] != "time" for value in column)


def ms(seconds: float) -> str:
    return str(int(seconds * 1000))


def ask(lab, method: str, path: str, **how: object) -> requests.Response:
    headers = {"Authorization": f"Bearer {lab.grafana_token}"}
    answer = requests.request(method, f"{lab.grafana_url}/{path}", headers=headers, timeout=30, **how)
    answer.raise_for_status()
    return answer


def test_the_day_s_runs_and_verdicts_are_counted(day: Day, lab):
    counted = {}
    now, start = time.time(), began(day)
    for panel in MODELS["game-days"]["panels"]:
        if panel["type"] == "stat":
            asked = query(panel["targets"][0], "", now - start + 60)
            answer = ask(
                lab, "POST", "api/ds/query", json={"from": ms(start), "to": ms(now), "queries": [asked]}
            )
            (frame,) = answer.json()["results"]["A"]["frames"]
            counted[panel["title"]] = frame["data"]["values"][-1][-1]
    assert counted["Runs"] >= len(EXPERIMENTS)
    assert counted["Verified"] > 0
    assert counted["Runs"] == counted["Verified"] + counted["Not verified"]


@pytest.mark.parametrize("uid", MODELS)
def test_annotations_of_the_day_are_found(day: Day, lab, uid: str):
    model = MODELS[uid]
    tags = [query["target"]["tags"] for query in model["annotations"]["list"]]
    tags += [panel["options"]["tags"] for panel in model["panels"] if panel["type"] == "annolist"]
    for wanted in tags:
        how = {"tags": wanted, "from": ms(began(day)), "to": ms(time.time()), "limit": 100}
        assert len(ask(lab, "GET", "api/annotations", params=how).json()) >= len(EXPERIMENTS), wanted
