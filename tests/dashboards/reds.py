"""What can turn red on the dashboards, and what the matrix says of it for each experiment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
MODELS = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "dashboards").glob("*.json"))}
MATRIX: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).with_name("matrix.yaml")).read_text())
OVERVIEW, DETAIL = "services-overview", "service-detail"
RED, NOT_RED, EITHER = "red", "not_red", "either"
# Everything on the overview, of the others the key figures.
JUDGED = {
    OVERVIEW: {"canvas", "stat", "timeseries"},
    DETAIL: {"stat"},
    "postgresql": {"stat"},
    "redis": {"stat"},
    "load": {"stat"},
}
Steps = list[dict[str, Any]]


def colour(steps: Steps, value: float) -> str:
    """Return the colour of the last step that a value has reached; the first holds from the lowest value."""
    return [step["color"] for step in steps if step["value"] is None or value >= step["value"]][-1]


def can_turn_red(model: dict[str, Any], kinds: set[str]) -> dict[str, list[tuple[str, Steps]]]:
    """Return the queries and the thresholds of each panel, and of each box of a canvas, that has a red step."""
    found: dict[str, list[tuple[str, Steps]]] = {}
    for panel in model["panels"]:
        for target in panel.get("targets", []) if panel["type"] in kinds else []:
            name = target["legendFormat"] if panel["type"] == "canvas" else panel["title"]
            steps = _steps(panel, target.get("legendFormat", ""))
            if any(step["color"] == "red" for step in steps):
                found.setdefault(name, []).append((target["expr"], steps))
    return found


def _steps(panel: dict[str, Any], field: str) -> Steps:
    """Return the thresholds of a panel's field: its own, else the panel's."""
    own = [
        prop["value"]["steps"]
        for override in panel["fieldConfig"]["overrides"]
        for prop in override["properties"]
        if prop["id"] == "thresholds" and override["matcher"]["options"] == field
    ]
    default = panel["fieldConfig"]["defaults"].get("thresholds", {})
    return own[0] if own else default.get("steps", [])


CAN_TURN_RED = {uid: can_turn_red(MODELS[uid], kinds) for uid, kinds in JUDGED.items()}
BOXES = [target["legendFormat"] for panel in MODELS[OVERVIEW]["panels"] if panel["type"] == "canvas"
         for target in panel["targets"]]  # fmt: skip


def expected(experiment: str, uid: str, name: str) -> str:
    """Return what a panel or box of a dashboard is to show of an experiment: red, not_red or either."""
    return MATRIX[experiment].get(uid, {}).get(name, NOT_RED)
