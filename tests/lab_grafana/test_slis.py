"""The exit codes of setup/slis.py when it does not come to data: a Grafana without the shop's, and none."""

import os
import subprocess
import sys

import pytest

from .conftest import CHECKOUT, TOKEN

SLIS = CHECKOUT / "setup" / "slis.py"


def slis(*words, **environment):
    given = {"GRAFANA_TOKEN": TOKEN, "CHAOS_ENVIRONMENT": "lab"} | environment
    return subprocess.run(
        [sys.executable, str(SLIS), "--manifests", str(CHECKOUT / "manifests"), "--seconds", "0", *words],
        env={"PATH": os.environ["PATH"]} | given,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_slis_without_data_in_time_are_named(grafana):
    done = slis(GRAFANA_URL=grafana.url)
    assert done.returncode == 4, done.stderr
    assert done.stderr.startswith("slis.py: no data within 0 s: payment-success, ")
    assert "payment-success" in done.stdout


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"GRAFANA_URL": ""}, "slis.py: GRAFANA_URL is not set"),
        ({"GRAFANA_URL": "http://127.0.0.1:9"}, "slis.py: http://127.0.0.1:9"),
        (
            {"GRAFANA_URL": "http://127.0.0.1:9", "CHAOS_ENVIRONMENT": "moon"},
            "slis.py: CHAOS_ENVIRONMENT is 'moon'",
        ),
    ],
    ids=["no address", "nobody answers", "an unknown environment"],
)
def test_what_keeps_it_from_asking_is_one_line(environment, said):
    done = slis(**environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1


def test_a_folder_without_slos_is_one_line(tmp_path):
    done = slis("--manifests", str(tmp_path), GRAFANA_URL="http://127.0.0.1:9")
    assert done.returncode == 2
    assert done.stderr.startswith(f"slis.py: {tmp_path}/slo.yaml: ")
