"""dashboards/publish.py puts the committed dashboards into a Grafana, and a second time changes nothing."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from .conftest import CHECKOUT, TOKEN, running_grafana

FILES = {path.stem: json.loads(path.read_text()) for path in (CHECKOUT / "dashboards").glob("*.json")}


@pytest.fixture
def own_settings(settings, tempo_url, tmp_path):
    return replace(settings, tempo_url=tempo_url, state_dir=tmp_path / "state")


def publish(url, *words):
    return subprocess.run(
        [sys.executable, str(CHECKOUT / "dashboards" / "publish.py"), *words],
        env={**os.environ, "GRAFANA_URL": url, "GRAFANA_TOKEN": TOKEN},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def folders(client):
    return [(folder["uid"], folder["title"]) for folder in client.get("/api/folders").json()]


def dashboards(client):
    """Return by its uid what Grafana holds of each dashboard, but for its version, and the folder it is in."""
    found = {}
    for hit in client.get("/api/search", type="dash-db").json():
        shown = client.get(f"/api/dashboards/uid/{hit['uid']}").json()
        model = {key: value for key, value in shown["dashboard"].items() if key != "version"}
        found[hit["uid"]] = (model, shown["meta"]["folderUid"])
    return found


def current(model):
    """Return which data source each variable of a dashboard is set to, by its name and its uid."""
    return {
        variable["name"]: (variable["current"]["text"], variable["current"]["value"])
        for variable in model["templating"]["list"]
        if variable["type"] == "datasource"
    }


def test_twice_is_as_once(own_grafana):
    first = publish(own_grafana.url)
    assert (first.returncode, first.stderr) == (0, "")
    assert folders(own_grafana) == [("chaos-gameday", "Chaos game days")]
    made = dashboards(own_grafana)
    assert sorted(made) == sorted(FILES)
    assert len(made) == 6
    mapped = {"datasource": ("Prometheus", "prometheus"), "loki": ("Loki", "loki"), "tempo": ("Tempo", "tempo")}
    for uid, (model, folder) in made.items():
        assert folder == "chaos-gameday"
        assert current(model) == mapped
        assert model["panels"] == FILES[uid]["panels"]
        assert f"{own_grafana.url}/d/{uid}/" in first.stdout

    second = publish(own_grafana.url)
    assert (second.returncode, second.stdout) == (0, first.stdout)
    assert folders(own_grafana) == [("chaos-gameday", "Chaos game days")]
    assert dashboards(own_grafana) == made


def test_a_data_source_is_chosen_by_its_uid(own_grafana):
    assert publish(own_grafana.url, "--prometheus", "prometheus", "--tempo", "tempo").returncode == 0
    wrong = publish(own_grafana.url, "--prometheus", "loki")
    assert wrong.returncode == 2
    assert "no Prometheus data source with the uid 'loki'" in wrong.stderr


def test_without_tempo_its_panels_stay_empty_and_that_is_said(own_settings):
    with running_grafana(replace(own_settings, tempo_url="")) as client:
        done = publish(client.url)
        assert done.returncode == 0, done.stderr
        assert "Tempo" in done.stdout.splitlines()[0]
        assert folders(client) == [("chaos-gameday", "Chaos game days")]


def test_without_a_grafana_it_says_so():
    assert "GRAFANA_URL is not set" in publish("").stderr
