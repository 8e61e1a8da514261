"""The configuration of Prometheus and the blackbox exporter, from the same files as on a cluster."""

import os
import shutil
from pathlib import Path
from typing import Any

import yaml

from lab.errors import LabError
from lab.grafana.logstore import wiring
from lab.node.processes import User
from lab.settings import HOST, Settings

Object = dict[str, Any]
#: The job of manifests/observability/scrape.yaml -> the list of lab.kube.discovery_sd that stands for it.
_DISCOVERY = {"pods": "pods", "synthetic": "services", "postgres": "services", "redis": "services"}
_REFRESH = "1s"
_RULES = "rules"
# About ten minutes of the default load; Prometheus' own limit of 100,000 would take five times the memory.
_EXEMPLARS = 20_000
# The PostgreSQL exporter waits a second before it says that the server is gone: a scrape of no more than a
# second would miss it, and pg_up would be absent where it has to be 0.
_SLOW = {"postgres": "2s"}
# Of the second that a scrape may take, this part is the exporter's own; the rest is the check's.
PROBE_OFFSET_SECONDS = 0.1


def configuration(settings: Settings) -> Object:
    """Return Prometheus' configuration for this lab.

    :raises LabError: a contract file lacks what the lab needs.
    """
    interval = f"{_scrape_seconds(settings.manifests / 'windows.yaml')}s"
    ports = settings.ports
    scrape = settings.manifests / "observability" / "scrape.yaml"
    jobs = yaml.safe_load(scrape.read_text(encoding="utf-8"))["scrape_configs"]
    names = {job["job_name"] for job in jobs}
    if names != _DISCOVERY.keys():
        raise LabError(f"{scrape}: the lab knows the jobs {sorted(_DISCOVERY)}, the file has {sorted(names)}")
    exporters = {"synthetic": ports.blackbox, "postgres": ports.postgres, "redis": ports.redis}
    for job in jobs:
        name = job["job_name"]
        url = f"http://{HOST}:{ports.internal}/sd/{_DISCOVERY[name]}"
        job["http_sd_configs"] = [{"url": url, "refresh_interval": _REFRESH}]
        if name in exporters:
            exporter = {"target_label": "__address__", "replacement": f"{HOST}:{exporters[name]}"}
            job["relabel_configs"].append(exporter)
        if name in _SLOW:
            job |= {"scrape_interval": _SLOW[name], "scrape_timeout": _SLOW[name]}
    cluster = _job("kube-state-metrics", ports.internal) | {"honor_labels": True}
    timing = {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval}
    alertmanager = {"static_configs": [{"targets": [f"{HOST}:{ports.alertmanager}"]}]}
    return {
        "global": timing,
        "storage": {"exemplars": {"max_exemplars": _EXEMPLARS}},
        "alerting": {"alertmanagers": [alertmanager]},
        # Beside the configuration: Prometheus' user may not be able to enter the checkout.
        "rule_files": [f"{_RULES}/*.yaml"],
        "scrape_configs": [*jobs, cluster, wiring.scrape_job(settings), _job("tempo", ports.tempo)],
    }


def write(settings: Settings, folder: Path, user: User | None) -> None:
    """Write both programs' configuration, the rules, and Prometheus' storage folder."""
    (folder / "storage").mkdir(parents=True)
    text = yaml.safe_dump(configuration(settings), sort_keys=False)
    (folder / "prometheus.yaml").write_text(text, encoding="utf-8")
    observability = settings.manifests / "observability"
    shutil.copyfile(observability / "blackbox.yaml", folder / "blackbox.yaml")
    (folder / _RULES).mkdir()
    for path in (observability / "rules" / "lab").glob("*.yaml"):
        shutil.copyfile(path, folder / _RULES / path.name)
    if user is not None:
        os.chown(folder / "storage", user.uid, user.gid)


def prometheus_words(settings: Settings, folder: Path) -> list[str]:
    """Return the words that start Prometheus."""
    return [
        "prometheus",
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'storage'}",
        # A game day's length; and the smallest log of writes that Prometheus allows.
        "--storage.tsdb.retention.time=6h",
        "--storage.tsdb.wal-segment-size=10MB",
        # Traces' ids beside the counts of the latency histograms.
        "--enable-feature=exemplar-storage",
        # How soon an Alertmanager that was started again knows what fires.
        "--rules.alert.resend-delay=10s",
        f"--web.listen-address={HOST}:{settings.ports.prometheus}",
        "--log.level=warn",
    ]


def blackbox_words(settings: Settings, folder: Path) -> list[str]:
    """Return the words that start the blackbox exporter."""
    return [
        "prometheus-blackbox-exporter",
        f"--config.file={folder / 'blackbox.yaml'}",
        f"--web.listen-address={HOST}:{settings.ports.blackbox}",
        f"--timeout-offset={PROBE_OFFSET_SECONDS}",
        "--log.level=warn",
    ]


def _job(name: str, port: int) -> Object:
    return {"job_name": name, "static_configs": [{"targets": [f"{HOST}:{port}"]}]}


def _scrape_seconds(windows: Path) -> int:
    return int(
        yaml.safe_load(windows.read_text(encoding="utf-8"))["environments"]["lab"]["scrape_interval_seconds"]
    )
