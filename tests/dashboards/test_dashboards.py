"""The committed dashboards: as they are built, as Grafana wants them, and every query one that can be asked."""

import itertools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import promql_parser
import pytest
import yaml

from chaosext.architecture import load_architecture
from lab.grafana.logstore.logql.parser import parse as parse_logql
from lab.grafana.tracestore.traceql import parse as parse_traceql

from .reds import MODELS, ROOT

VARIABLES = {"$__rate_interval": "4s", "$__interval": "15s", "$__range": "900s", "$workload": "payment"}
VARIABLES["$store"] = "(cart-data|session-data)"
TARGETS = [
    pytest.param(target, id=f"{name}: {panel['title']} {target['refId']}")
    for name, model in MODELS.items()
    for panel in model["panels"]
    for target in panel.get("targets", [])
]
STORES = {
    "product-data": "/d/postgresql?",
    "cart-data": "/d/redis?var-store=cart-data&",
    "session-data": "/d/redis?var-store=session-data&",
}
LINKS = sorted({
    link["url"]
    for model in MODELS.values()
    for panel in model["panels"]
    for override in panel.get("fieldConfig", {}).get("overrides", [])
    for prop in override["properties"] if prop["id"] == "links"
    for link in prop["value"]
})  # fmt: skip


def filled(text: str) -> str:
    for name, value in VARIABLES.items():
        text = text.replace(name, value)
    return text


def test_the_files_are_as_they_are_built():
    done = subprocess.run(
        [sys.executable, "dashboards/build.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_file_that_was_changed_by_hand_is_found(tmp_path):
    for path in (ROOT / "dashboards").glob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    spoilt = tmp_path / "load.json"
    spoilt.write_text(spoilt.read_text().replace("Requests", "Request", 1))
    (tmp_path / "extra.json").write_text("{}")
    code = (tmp_path / "shop.py").read_text()
    (tmp_path / "shop.py").write_text(
        code.replace("Path(__file__).resolve().parents[1]", f"Path({str(ROOT)!r})")
    )
    done = subprocess.run(
        [sys.executable, "build.py", "--check"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [
        str(spoilt),
        str(tmp_path / "extra.json"),
    ]


def test_each_dashboard_has_an_address_of_its_own():
    assert {model["uid"] for model in MODELS.values()} == set(MODELS)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", uid) for uid in MODELS)
    assert len({model["title"] for model in MODELS.values()}) == len(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_grafana_s_rules_are_kept(name):
    model = MODELS[name]
    assert model.get("id") is None
    assert model["schemaVersion"] >= 39
    assert "chaos-gameday" in model["tags"]
    ids = [panel["id"] for panel in model["panels"]]
    assert len(ids) == len(set(ids))
    places = [panel["gridPos"] for panel in model["panels"]]
    assert all(p["x"] >= 0 and p["x"] + p["w"] <= 24 and p["w"] > 0 and p["h"] > 0 for p in places)
    for one, other in itertools.combinations(places, 2):
        apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart or above, (one, other)


@pytest.mark.parametrize("name", MODELS)
def test_data_sources_are_variables_and_faults_are_annotated(name):
    model = MODELS[name]
    kinds = {v["name"]: v["query"] for v in model["templating"]["list"] if v["type"] == "datasource"}
    assert kinds == {"datasource": "prometheus", "loki": "loki", "tempo": "tempo"}
    uids = {kind: f"${{{variable}}}" for variable, kind in kinds.items()}
    for panel in model["panels"]:
        for target in panel.get("targets", []):
            assert target["datasource"]["uid"] == uids[target["datasource"]["type"]], panel["title"]
        refs = [target["refId"] for target in panel.get("targets", [])]
        assert len(refs) == len(set(refs))
    assert [a["target"]["tags"] for a in model["annotations"]["list"]] == [
        ["chaos", "fault"],
        ["chaos", "verdict"],
    ]


@pytest.mark.parametrize("target", TARGETS)
def test_every_query_can_be_parsed(target):
    kind = target["datasource"]["type"]
    if kind == "prometheus":
        promql_parser.parse(filled(target["expr"]))
    elif kind == "loki":
        parse_logql(filled(target["expr"]))
    else:
        parse_traceql(filled(target["query"]))


def test_the_architecture_has_a_box_for_each_component_that_leads_to_its_detail():
    shop = load_architecture(ROOT / "manifests" / "architecture.yaml")
    (canvas,) = [p for p in MODELS[shop.overview]["panels"] if p["type"] == "canvas"]
    bound = {
        element["background"]["color"]["field"]: element
        for element in canvas["options"]["root"]["elements"]
        if element.get("background")
    }
    assert list(bound) == [component.name for component in shop.components]
    assert [target["legendFormat"] for target in canvas["targets"]] == list(bound)
    drawn = {(e["name"], c["targetName"]) for e in bound.values() for c in e.get("connections", [])}
    titles = {component.name: component.title for component in shop.components}
    assert drawn == {(titles[edge.source], titles[edge.target]) for edge in shop.edges}
    for component in shop.components:
        if component.kind == "users":
            continue
        (own,) = [o for o in canvas["fieldConfig"]["overrides"] if o["matcher"]["options"] == component.name]
        (links,) = [p["value"] for p in own["properties"] if p["id"] == "links"]
        leads_to = f"/d/{shop.detail}?var-workload={component.name}&"
        assert links[0]["url"].startswith(STORES.get(component.name, leads_to))
    (workload,) = [v for v in MODELS[shop.detail]["templating"]["list"] if v["name"] == "workload"]
    offered = workload["query"].split(",")
    assert {c.name for c in shop.components if c.kind != "users"} <= set(offered)


@pytest.mark.parametrize("address", LINKS)
def test_a_link_leads_to_a_dashboard_and_to_what_its_variables_may_be(address):
    target = urlsplit(address.replace("${__url_time_range}", "from=now-15m&to=now"))
    model = MODELS[target.path.removeprefix("/d/")]
    offered = {v["name"]: v["query"].split(",") for v in model["templating"]["list"] if v["type"] == "custom"}
    assert {key for key, _ in parse_qsl(target.query)} >= {"from", "to"}
    for key, value in parse_qsl(target.query):
        if key.startswith("var-"):
            assert value in offered[key.removeprefix("var-")]


def steps(model: dict, title: str) -> list[tuple[float | None, str]]:
    """Return from which value on a panel has which colour."""
    (found,) = [p["fieldConfig"]["defaults"]["thresholds"] for p in model["panels"] if p["title"] == title]
    return [(step["value"], step["color"]) for step in found["steps"]]


def test_thresholds_follow_the_objectives_and_the_rates_that_page(tmp_path):
    for name in ("dashboards", "manifests"):
        shutil.copytree(ROOT / name, tmp_path / name)
    change_objectives(tmp_path / "manifests" / "slo.yaml")
    windows = tmp_path / "manifests" / "windows.yaml"
    windows.write_text(windows.read_text().replace("burn_rate: 6}", "burn_rate: 5}"))
    build = [sys.executable, "dashboards/build.py"]
    assert subprocess.run(build, cwd=tmp_path, check=False).returncode == 0
    made = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "dashboards").glob("*.json")}
    overview, load = made["services-overview"], made["load"]
    assert steps(overview, "Architecture") == [(None, "green"), (1, "orange"), (5, "red")]
    assert steps(overview, "Payment budget left") == [(None, "red"), (40, "orange"), (200, "green")]
    assert steps(overview, "Storefront up") == [(None, "red"), (0.995, "orange"), (0.999, "green")]
    assert steps(overview, "Errors") == [(None, "transparent"), (0.05, "red")]
    assert steps(overview, "Duration, 90th percentile") == [(None, "transparent"), (1.5, "red")]
    assert steps(load, "Payments that succeed") == [(None, "red"), (0.9, "orange"), (0.98, "green")]
    assert steps(load, "Requests that fail") == [(None, "green"), (0.02, "orange"), (0.1, "red")]
    assert steps(load, "90th percentile") == [(None, "green"), (0.75, "orange"), (1.5, "red")]
    spent = steps(made["service-detail"], "Budget spent, times as fast as it lasts")
    assert spent == [(None, "green"), (1, "orange"), (5, "red")]
    (canvas,) = [panel for panel in overview["panels"] if panel["type"] == "canvas"]
    (own,) = [o for o in canvas["fieldConfig"]["overrides"] if o["matcher"]["options"] == "product-data"]
    (colors,) = [p["value"]["steps"] for p in own["properties"] if p["id"] == "thresholds"]
    assert [(step["value"], step["color"]) for step in colors] == [(None, "green"), (4, "red")]


def change_objectives(path: Path) -> None:
    """Ask for less, and for faster answers, in every kind of SLO."""
    documents = list(yaml.safe_load_all(path.read_text().replace('le="2.0"', 'le="1.5"')))
    targets = {"availability": 0.999, "latency": 0.9, "ratio": 0.99, "count": 0.99}
    for document in documents:
        if document["kind"] == "SLO":
            (objective,) = document["spec"]["objectives"]
            objective["target"] = targets[document["metadata"]["annotations"]["gameday/type"]]
            if document["metadata"]["name"] in {"payment-success", "storefront-success"}:
                objective["target"] = 0.98
            if document["metadata"]["name"] == "payment-success":
                document["metadata"]["annotations"]["gameday/error-budget"] = "400"
            if document["metadata"]["name"] == "product-db-errors":
                objective["value"] = 3
    path.write_text(yaml.safe_dump_all(documents))
