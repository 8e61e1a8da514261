"""Dashboards for the viewer's tests: one panel of each type, on what the tests' own servers hold."""

from __future__ import annotations

from typing import Any

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
RED_FROM_2 = {
    "mode": "absolute",
    "steps": [{"value": None, "color": "green"}, {"value": 2, "color": "red"}],
}


def variable(name: str, kind: str, query: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "query": query, "current": {}, **more}


def panel(number: int, kind: str, title: str, *targets: dict[str, Any], **more: Any) -> dict[str, Any]:
    named = [{"refId": "ABCD"[n], **target} for n, target in enumerate(targets)]
    grid = {"x": 12 * (number % 2), "y": 8 * (number // 2), "w": 12, "h": 8}
    return {
        "id": number,
        "type": kind,
        "title": title,
        "datasource": DATASOURCE,
        "gridPos": grid,
        "targets": named,
        "fieldConfig": {"defaults": {"thresholds": RED_FROM_2, "unit": "short"}, "overrides": []},
        "options": {},
        **more,
    }


def instant(expr: str, **more: Any) -> dict[str, Any]:
    return {"expr": expr, "instant": True, "range": False, **more}


def box(name: str, field: str, x: int, text: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "type": "rectangle",
        "placement": {"left": x, "top": 0, "width": 150, "height": 60},
        "background": {"color": {"field": field, "fixed": "transparent"}},
        "config": {"text": {"mode": "fixed", "fixed": text}, "size": 16, "align": "center", "valign": "middle"},
        **more,
    }


CANVAS = {
    "root": {
        "type": "frame",
        "name": "Canvas",
        "elements": [
            box(
                "Web",
                "one",
                0,
                "Web",
                connections=[{"source": {"x": 1, "y": 0}, "target": {"x": -1, "y": 0}, "targetName": "Data"}],
                links=[{"title": "Detail", "url": "/d/detail/detail?var-kind=one&${__url_time_range}"}],
            ),
            box("Data", "two", 250, "Data"),
            box("Lost", "nobody", 500, "Lost"),
            {
                "name": "number",
                "type": "metric-value",
                "placement": {"left": 250, "top": 35, "width": 150, "height": 20},
                "background": {"color": {"fixed": "transparent"}},
                "config": {"text": {"mode": "field", "field": "two"}, "size": 12},
            },
        ],
    }
}
LEGEND = {"legendFormat": "{{kind}}"}

BOARD: dict[str, Any] = {
    "uid": "every-type",
    "title": "Every type",
    "description": "A panel of each type.",
    "tags": ["test"],
    "schemaVersion": 41,
    "time": {"from": "now-1m", "to": "now"},
    "templating": {
        "list": [
            variable("datasource", "datasource", "prometheus"),
            variable("loki", "datasource", "loki"),
            variable("kind", "query", {"query": "label_values(demo_gauge, kind)"}, datasource=DATASOURCE),
            variable("limit", "custom", "2,5"),
        ]
    },
    "annotations": {
        "list": [
            {
                "name": "Faults",
                "enable": True,
                "datasource": {"type": "grafana", "uid": "-- Grafana --"},
                "target": {"type": "tags", "tags": ["fault"], "matchAny": False, "limit": 100},
            }
        ]
    },
    "links": [{"type": "link", "title": "The demo", "url": "https://example.com/demo?${__url_time_range}"}],
    "panels": [
        panel(0, "stat", "Gauge of $kind", instant('demo_gauge{kind="$kind"}', **LEGEND)),
        panel(1, "timeseries", "Gauges", {"expr": "demo_gauge", **LEGEND}),
        panel(2, "table", "Rows", instant("demo_gauge", format="table")),
        panel(3, "canvas", "System", instant("demo_gauge", **LEGEND), options=CANVAS),
        panel(
            4,
            "logs",
            "Lines",
            {"expr": '{service="payment"}', "refId": "A"},
            datasource={"type": "loki", "uid": "${loki}"},
        ),
        panel(5, "annolist", "Faults", options={"tags": ["fault"], "limit": 5}),
        panel(
            6, "text", "Words", options={"mode": "markdown", "content": "**$kind** <b>x</b> [d](javascript:x)"}
        ),
        panel(7, "row", "A row"),
        panel(8, "stat", "Wrong", instant("demo_gauge{")),
        panel(9, "piechart", "A pie", instant("demo_gauge")),
    ],
}
