"""The configuration that Prometheus and the blackbox exporter get."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from lab import prometheus
from lab.errors import LabError
from lab.settings import Settings

CHECKOUT = Path(__file__).parents[2]


def _settings(tmp_path: Path, checkout: Path = CHECKOUT) -> Settings:
    return Settings(checkout, tmp_path / ".lab", offset=40)


def test_promtool_accepts_the_configuration(tmp_path):
    prometheus.write(_settings(tmp_path), tmp_path / "prometheus", None)
    path = tmp_path / "prometheus" / "prometheus.yaml"
    done = subprocess.run(["promtool", "check", "config", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_exporter_accepts_its_modules(tmp_path):
    prometheus.write(_settings(tmp_path), tmp_path / "prometheus", None)
    path = tmp_path / "prometheus" / "blackbox.yaml"
    words = ["prometheus-blackbox-exporter", f"--config.file={path}", "--config.check"]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 0


def test_the_relabelling_is_the_clusters_own_and_the_exporter_comes_last(tmp_path):
    source = yaml.safe_load((CHECKOUT / "manifests" / "observability" / "scrape.yaml").read_text())[
        "scrape_configs"
    ]
    made = prometheus.configuration(_settings(tmp_path))
    jobs = {job["job_name"]: job for job in made["scrape_configs"]}
    for job in source:
        ours = jobs[job["job_name"]]["relabel_configs"]
        assert ours[: len(job["relabel_configs"])] == job["relabel_configs"]
    last = jobs["synthetic"]["relabel_configs"][-1]
    assert last == {"target_label": "__address__", "replacement": "127.0.0.1:19155"}
    assert jobs["pods"]["http_sd_configs"][0]["url"] == "http://127.0.0.1:16484/sd/pods"
    # What the trace store drops is seen by whoever asks Prometheus.
    assert jobs["tempo"]["static_configs"] == [{"targets": ["127.0.0.1:13249"]}]
    assert made["global"]["scrape_interval"] == made["global"]["evaluation_interval"] == "1s"


def test_a_job_that_the_lab_cannot_discover_is_refused(tmp_path):
    shutil.copytree(CHECKOUT / "manifests", tmp_path / "manifests")
    path = tmp_path / "manifests" / "observability" / "scrape.yaml"
    path.write_text(path.read_text() + "  - job_name: nodes\n")
    with pytest.raises(LabError, match="nodes"):
        prometheus.configuration(_settings(tmp_path, tmp_path))


def test_everything_listens_on_loopback_only(tmp_path):
    settings = _settings(tmp_path)
    for words in (
        prometheus.prometheus_words(settings, tmp_path),
        prometheus.blackbox_words(settings, tmp_path),
    ):
        address = next(word for word in words if word.startswith("--web.listen-address="))
        assert address.partition("=")[2].startswith("127.0.0.1:")
    assert os.fspath(tmp_path) in " ".join(prometheus.prometheus_words(settings, tmp_path))
