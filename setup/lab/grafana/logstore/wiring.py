"""How the lab starts the log store, and how Prometheus asks it for the recorded series."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from lab.layout import interpreter
from lab.settings import HOST, Settings

_CLUSTER = "lab"


def words(settings: Settings, pod_logs: Path, since_ns: int) -> list[str]:
    """Return the words that start the log store; lines from before `since_ns` are not the lab's."""
    manifests, ports = settings.manifests, settings.ports
    windows = yaml.safe_load((manifests / "windows.yaml").read_text(encoding="utf-8"))["environments"]["lab"]
    options = {
        "port": ports.loki,
        "logs": pod_logs,
        "pods": f"http://{HOST}:{ports.internal}/sd/pods",
        "cluster": _CLUSTER,
        "since-ns": since_ns,
        "rules": manifests / "observability" / "loki-rules.yaml",
        "window-seconds": windows["short_window_seconds"],
        "interval-seconds": windows["scrape_interval_seconds"],
    }
    return [
        str(interpreter()),
        "-m",
        "lab.grafana.logstore",
        *(f"--{key}={value}" for key, value in options.items()),
    ]


def environment() -> dict[str, str]:
    """Return what the log store needs in its environment: where the package `lab` is."""
    return {"PYTHONPATH": str(Path(__file__).resolve().parents[3])}


def scrape_job(settings: Settings) -> dict[str, Any]:
    """Return Prometheus' job for the recorded series, without labels that a ruler's series do not have."""
    return {
        "job_name": "loki",
        "honor_labels": True,
        "static_configs": [{"targets": [f"{HOST}:{settings.ports.loki}"]}],
        "metric_relabel_configs": [{"action": "labeldrop", "regex": "instance|job"}],
    }
