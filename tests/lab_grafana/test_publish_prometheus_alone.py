"""dashboards/publish.py in a Grafana with Prometheus and neither Loki nor Tempo, as setup/existing allows."""

import os
import subprocess
import sys

import pytest

from lab.grafana.server import GrafanaSettings

from .conftest import CHECKOUT, TOKEN, running_grafana


@pytest.fixture
def alone(tmp_path):
    """A Grafana whose only data source is a Prometheus; none is asked to publish."""
    settings = GrafanaSettings("127.0.0.1", 0, TOKEN, "http://127.0.0.1:9", tmp_path / "state")
    with running_grafana(settings) as client:
        yield client


def publish(url, *words):
    return subprocess.run(
        [sys.executable, str(CHECKOUT / "dashboards" / "publish.py"), *words],
        env={**os.environ, "GRAFANA_URL": url, "GRAFANA_TOKEN": TOKEN},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_every_dashboard_is_imported_and_what_is_lacking_is_said(alone):
    done = publish(alone.url)
    assert (done.returncode, done.stderr) == (0, "")
    files = {path.stem for path in (CHECKOUT / "dashboards").glob("*.json")}
    assert len(alone.get("/api/search", type="dash-db").json()) == len(files)
    notes = [line for line in done.stdout.splitlines() if line.startswith("note: ")]
    assert [line.split(" has no ")[1].split()[0] for line in notes] == ["Loki", "Tempo"]


def test_a_source_that_was_named_must_be_there(alone):
    done = publish(alone.url, "--loki", "mine")
    assert done.returncode == 2
    assert "has no Loki data source with the uid 'mine'" in done.stderr
