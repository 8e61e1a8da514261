"""What is still missing until the lab is of use, asked of the daemon and of Prometheus."""

import urllib.parse
from pathlib import Path
from typing import Any

import yaml

from lab.presence import own_lab
from lab.settings import HOST, Settings
from lab.status import fetch

Object = dict[str, Any]


def rollouts_missing(settings: Settings) -> str:
    """Return which Deployments are not rolled out, and what their pods say; empty when all are."""
    found = own_lab(settings)
    waiting = [entry for entry in found["deployments"] if not entry["rolled_out"]]
    if not waiting:
        return ""
    names = ", ".join(f"{entry['name']} ({entry['ready']}/{entry['wanted']} ready)" for entry in waiting)
    reasons = sorted({f"{pod['name']}: {pod['reason']}" for pod in found["pods"] if pod["reason"]})
    return "; ".join([names, *reasons])


def targets_missing(settings: Settings) -> str:
    """Return which pods Prometheus cannot scrape and which checks fail; empty when all are well."""
    found = own_lab(settings)
    scraped = _names(settings, 'up{job="pods"} == 1', "pod")
    checked = _names(settings, "probe_success == 1", "job")
    pods = {pod["name"] for pod in found["pods"] if pod["scraped"] and pod["phase"] == "Running"}
    missing = [f"scrape of {name}" for name in sorted(pods - scraped)]
    missing += [f"check {name}" for name in sorted(set(found["checks"]) - checked)]
    seen = _names(settings, "pg_up == 1 or redis_up == 1", "instance")
    missing += [f"exporter of {name}" for name in sorted(set(found["exported"]) - seen)]
    return ", ".join(missing)


def data_missing(settings: Settings) -> str:
    """Return which service level indicators have seen no event yet; empty when all have data."""
    window = _lab_window(settings.manifests / "windows.yaml")
    queries = _totals(settings.manifests / "slo.yaml", f"{window}s")
    return ", ".join(name for name, query in queries.items() if not _query(settings, query))


def storefront(settings: Settings) -> str:
    """Return the address of the shop's NodePort Service."""
    for document in yaml.safe_load_all((settings.manifests / "app.yaml").read_text(encoding="utf-8")):
        if document["kind"] == "Service" and document["spec"].get("type") == "NodePort":
            return f"http://{HOST}:{document['spec']['ports'][0]['nodePort'] + settings.offset}"
    return "not exposed"


def _lab_window(path: Path) -> int:
    return int(yaml.safe_load(path.read_text(encoding="utf-8"))["environments"]["lab"]["short_window_seconds"])


def _totals(path: Path, window: str) -> dict[str, str]:
    """Return what each SLO rests on over a window: all its events, and more than none, or its count.

    That is OpenSLO's ratioMetric.total, or thresholdMetric.
    """
    result = {}
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        if document["kind"] == "SLO":
            indicator = document["spec"]["indicator"]["spec"]
            counted = "thresholdMetric" in indicator
            metric = indicator["thresholdMetric"] if counted else indicator["ratioMetric"]["total"]
            query = metric["metricSource"]["spec"]["query"].replace("{{.window}}", window)
            result[document["metadata"]["name"]] = query if counted else f"({query}) > 0"
    return result


def _names(settings: Settings, query: str, label: str) -> set[str]:
    return {series["metric"].get(label, "") for series in _query(settings, query)}


def _query(settings: Settings, query: str) -> list[Object]:
    """Return the series of an instant query; none while Prometheus does not answer."""
    words = urllib.parse.urlencode({"query": query})
    try:
        answer = fetch(f"http://{HOST}:{settings.ports.prometheus}/api/v1/query?{words}")
    except (OSError, ValueError):
        return []
    result: list[Object] = answer["data"]["result"]
    return result
