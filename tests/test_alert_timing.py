"""Every expected alert can fire while its experiment watches, with the windows of every environment it runs in.

The time is computed, not measured: how long the stated deviation must last until the alert's expression is
true, then how long the series and the rules take to say so.
"""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from chaosext.environment import Windows, environments, load_windows
from chaosext.slo.load import load_slos
from chaosext.slo.model import TYPE, Slo
from chaosext.slo.rules import alert_name
from chaosext.verification.expectations import AlertExpectation, Expectations, parse_expectations

ROOT = Path(__file__).parents[1]
MANIFESTS = ROOT / "manifests"
TABLE = MANIFESTS / "windows.yaml"
SLOS = load_slos(MANIFESTS / "slo.yaml")
BURNS = {alert_name(slo): slo for slo in SLOS.values() if not slo.is_count}
EXPERIMENTS = {p.stem: json.loads(p.read_text()) for p in sorted((ROOT / "experiments").glob("*.json"))}
#: The share of a short window's events that makes an alert of alerts.yaml true; 0 for a gauge.
SYMPTOMS = {
    "HighLatency": 0.05,
    "ServiceErrorRate": 0.05,
    "TooManyOpenPostgresClients": 0.0,
    "DataStoreDown": 0.0,
}
#: A pod is scheduled, its image is there, and the program has begun: at most, before a Job does its work.
START_SECONDS = 60


def expectations(experiment: dict[str, Any]) -> Expectations:
    return parse_expectations(experiment, SLOS)


def arguments(experiment: dict[str, Any], function: str, name: str) -> float:
    """Return the sum of an argument of the method's activities that call a function."""
    providers = [activity["provider"] for activity in experiment["method"]]
    return sum(p["arguments"][name] for p in providers if p["func"] == function)


def bad_share(expected: Expectations, slo: Slo) -> float:
    """Return the smallest share of bad events that the experiment calls its failure; all, if it states none."""
    stated = [e.at_most for e in expected.expect if e.sli == slo.name and e.outcome == "deviates"]
    return 1 - (stated[0] or 0.0) if stated else 1.0


def burning(slo: Slo, share: float, windows: Windows) -> float:
    """Return how long a share of bad events must last until the page's expression is true; inf: it never is.

    Before the fault nothing failed, so that the long window's share rises in proportion; the short is quicker.
    """
    budget = 1 - slo.objective.target
    rows = [(row.long_seconds, row.burn_rate * budget) for row in windows.burn_rates["page"]]
    return min((seconds * limit / share for seconds, limit in rows if share > limit), default=math.inf)


def showing(alert: str, expected: AlertExpectation, all_expected: Expectations, windows: Windows) -> float:
    """Return how long a symptom must last until its alert's expression is true."""
    asked = [s for s in SLOS.values() if s.spec.service == expected.labels.get("service")]
    of_type = [s for s in asked if s.metadata.annotations[TYPE] == "latency"]
    share = min((bad_share(all_expected, slo) for slo in of_type), default=1.0)
    return SYMPTOMS[alert] / share * windows.short_window_seconds


def saying(windows: Windows, *, recorded: bool) -> float:
    """Return what it takes at most from a true expression to a firing alert: a scrape, evaluations, and `for`.

    Prometheus evaluates a group's recorded series and its alerts together. Grafana's own rules on GKE are in
    groups apart, so that an alert may see a recorded series one interval late.
    """
    interval = windows.rule_interval_seconds
    evaluations = 2 if recorded and windows.environment == "gke" else 1
    pending = math.ceil(windows.alert_for_seconds / interval) * interval
    return windows.scrape_interval_seconds + evaluations * interval + pending


def earliest(expected: AlertExpectation, all_expected: Expectations, windows: Windows) -> float:
    """Return after how many seconds of the stated failure an alert fires, at the latest."""
    if expected.alert in SYMPTOMS:
        return showing(expected.alert, expected, all_expected, windows) + saying(windows, recorded=False)
    slo = BURNS[expected.alert]
    return burning(slo, bad_share(all_expected, slo), windows) + saying(windows, recorded=True)


def too_late(experiment: dict[str, Any], windows: Windows) -> list[str]:
    """Return the expected alerts that cannot fire while the fault is watched, or within what is stated."""
    stated, found = expectations(experiment), []
    watched = windows.seconds(arguments(experiment, "observe", "windows"))
    for alert in stated.alerts:
        if alert.within_windows is None:
            continue
        limit = min(watched, windows.seconds(alert.within_windows))
        if (needs := earliest(alert, stated, windows)) > limit:
            found.append(f"{alert} needs {needs:.0f} s, of {limit:.0f} s")
    return found


def game_days() -> list[str]:
    """Return the environments that game days run in: those whose windows are compressed."""
    return [name for name in environments(TABLE) if load_windows(TABLE, name).compressed]


def cases() -> list[Any]:
    return [
        pytest.param(experiment, environment, id=f"{experiment}-{environment}")
        for environment in game_days()
        for experiment in EXPERIMENTS
    ]


@pytest.mark.parametrize(("experiment", "environment"), cases())
def test_every_expected_alert_can_fire_while_the_fault_is_watched(experiment, environment):
    assert too_late(EXPERIMENTS[experiment], load_windows(TABLE, environment)) == []


def test_with_productions_windows_no_experiment_would_see_them():
    """Why gke has compressed ones, and what setup/gke/README.md says of the other row."""
    production = load_windows(TABLE, "production")
    payment = EXPERIMENTS["payment"]
    measured = burning(SLOS["payment-success"], 0.25, production)
    assert measured == pytest.approx(2074, abs=1)
    assert measured > production.seconds(arguments(payment, "observe", "windows"))
    assert too_late(payment, production)


@pytest.mark.parametrize("environment", game_days())
def test_burn_rates_are_the_labs_in_short_windows(environment):
    """What was measured in the lab holds where all durations have the same proportions."""
    assert proportions(environment) == proportions("lab")


def proportions(environment: str) -> dict[str, list[tuple[float, ...]]]:
    windows = load_windows(TABLE, environment)
    short = windows.short_window_seconds
    return {
        severity: [(r.long_seconds / short, r.short_seconds / short, r.burn_rate) for r in rows]
        for severity, rows in windows.burn_rates.items()
    }


def test_every_alert_by_hand_is_known_here():
    groups = yaml.safe_load((MANIFESTS / "observability" / "alerts.yaml").read_text())["groups"]
    assert {rule["alert"] for group in groups for rule in group["rules"]} == SYMPTOMS.keys()


@pytest.mark.parametrize("environment", game_days())
def test_the_client_that_takes_connections_outlives_the_watching(environment):
    experiment = EXPERIMENTS["postgres-connections"]
    windows = load_windows(TABLE, environment)
    lands = arguments(experiment, "prometheus_reaches", "within_windows")
    watched = lands + arguments(experiment, "observe", "windows")
    (job,) = yaml.safe_load_all((MANIFESTS / "variants" / "too-many-connections.yaml").read_text())
    assert job["spec"]["activeDeadlineSeconds"] >= START_SECONDS + windows.seconds(watched)
