from pathlib import Path

import pytest

from chaosext.environment import load_windows
from chaosext.errors import BadInput

TABLE = Path(__file__).parents[2] / "manifests" / "windows.yaml"


@pytest.mark.parametrize("name", ["lab", "kind", "gke", "production"])
def test_every_environment_has_a_row_of_at_least_four_scrapes(name):
    windows = load_windows(TABLE, name)
    assert windows.short_window_seconds >= 4 * windows.scrape_interval_seconds
    assert windows.seconds(2.5) == 2.5 * windows.short_window_seconds


def test_the_environment_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("CHAOS_ENVIRONMENT", "kind")
    assert load_windows(TABLE).environment == "kind"


@pytest.mark.parametrize(("name", "said"), [("", "is not set"), ("moon", "is 'moon'")])
def test_an_unknown_environment_lists_the_known_ones(monkeypatch, name, said):
    monkeypatch.setenv("CHAOS_ENVIRONMENT", name)
    with pytest.raises(BadInput, match=rf"{said}.*knows lab, kind, gke, production"):
        load_windows(TABLE)


ROW = "short_window_seconds: {}, scrape_interval_seconds: 5, sample_interval_seconds: 1, compressed: true, "
ROW += "alert_for_seconds: 1, rule_interval_seconds: 1, budget_interval_seconds: 1, burn_rates: {{page: [{}]}}"
PAIR = "{long_seconds: 60, short_seconds: 20, burn_rate: 2}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not YAML"),
        ("[]", "not a window table"),
        (
            "environments: {x: {short_window_seconds: 1}}",
            r"environments.x: scrape_interval_seconds: Field required",
        ),
        (f"environments: {{x: {{{ROW.format(19, PAIR)}}}}}", "19 is less than 4 scrape intervals of 5 s"),
        (
            f"environments: {{x: {{{ROW.format(0, PAIR)}}}}}",
            "short_window_seconds: Input should be greater than 0",
        ),
        (
            f"environments: {{x: {{{ROW.format(20, PAIR.replace('20', '60'))}}}}}",
            "short_seconds 60 is not below long_seconds 60",
        ),
        (
            f"environments: {{x: {{{ROW.format(20, PAIR.replace('20', '10'))}}}}}",
            "the shortest burn-rate window 10 is less than 4 scrape intervals",
        ),
    ],
)
def test_a_wrong_table_is_said_with_its_place(tmp_path, text, said):
    path = tmp_path / "windows.yaml"
    path.write_text(text)
    with pytest.raises(BadInput, match=said):
        load_windows(path, "x")
