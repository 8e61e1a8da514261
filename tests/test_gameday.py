"""One game day of all experiments on the lab, as CI would run it: what each must have proved."""

import json
import math

import pytest
import requests

from chaosext.environment import load_windows
from chaosext.result import AlertOutcome, Outcome, Phase, Verdict

from .conftest import CHECKOUT, DAY_SECONDS, EXPERIMENTS, Day

pytestmark = [pytest.mark.lab, pytest.mark.timeout(DAY_SECONDS + 60)]
WINDOW = load_windows(CHECKOUT / "manifests" / "windows.yaml", "lab").short_window_seconds


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_is_verified(day: Day, name: str):
    found = day.results()[name]
    assert (found.verdict, found.reasons) == (Verdict.VERIFIED, []), day.log.read_text()[-6000:]
    assert found.rollback.proved
    assert {s.phase for s in found.samples} == set(Phase)
    assert found.time_to_recover_seconds <= found.recover_within_seconds
    assert found.deviated is any(sli.outcome in {Outcome.DEVIATED, Outcome.STARVED} for sli in found.slis)


def test_the_day_s_exit_code_is_that_of_its_worst_verdict(day: Day):
    assert day.wait() == 0


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_expected_alert_was_timed_from_the_fault_s_landing(day: Day, name: str):
    found = day.results()[name]
    expected = json.loads((CHECKOUT / "experiments" / f"{name}.json").read_text())["extensions"][0]
    assert [a.name for a in found.alerts] == [a["alert"] for a in expected.get("alerts", [])]
    firing = [a for a in found.alerts if a.outcome is AlertOutcome.FIRED]
    assert len(firing) == len([a for a in expected.get("alerts", []) if "within_windows" in a])
    for alert in firing:
        assert alert.firing_after_seconds <= alert.within_seconds
        assert alert.pending_after_seconds is None or alert.pending_after_seconds <= alert.firing_after_seconds
    assert found.time_to_detect_seconds == min((a.firing_after_seconds for a in firing), default=None)


@pytest.mark.parametrize("name", sorted({*EXPERIMENTS} - {"no-fault"}))
def test_a_fault_landed_after_it_was_applied_was_begun(day: Day, name: str):
    found = day.results()[name]
    assert found.phases[Phase.FAULT] <= found.fault_applied_seconds <= found.phases[Phase.RECOVERY]
    assert found.phases[Phase.FAULT] <= found.fault_landed_seconds <= found.phases[Phase.RECOVERY]


def test_without_a_fault_nothing_landed_and_everything_held(day: Day):
    found = day.results()["no-fault"]
    assert (found.fault_landed_seconds, found.time_to_detect_seconds) == (None, None)
    assert {sli.outcome for sli in found.slis if sli.expected} == {Outcome.HELD}


def test_one_payment_in_four_fails_within_chance_and_costs_as_much_budget(day: Day):
    found = day.results()["payment"]
    pay = found.slis[0]
    # The share of successes lies within four standard errors of 75%.
    assert pay.during_events >= 60
    assert abs(pay.during - 0.75) < 4 * math.sqrt(0.75 * 0.25 / pay.during_events)
    (budget,) = [b for b in found.budget if b.slo == "payment-success"]
    # The budget also counts the fault's beginning and what the recovery still saw of it.
    assert 0.5 < budget.spent / (0.25 * pay.during_events) < 4
    assert budget.before - budget.spent == pytest.approx(budget.after, abs=1)


def test_latency_holds_while_postgresql_has_no_connection_left(day: Day):
    slis = {sli.name: sli for sli in day.results()["postgres-connections"].slis}
    assert slis["product-latency"].outcome is Outcome.HELD
    assert slis["product-success"].during < 0.3
    assert slis["product-db-errors"].during >= 10


def test_the_downtime_budget_falls_while_the_api_gateway_is_gone(day: Day):
    found = day.results()["api-gateway"]
    (budget,) = [b for b in found.budget if b.slo == "api-gateway-availability"]
    lasted = found.phases[Phase.RECOVERY] - found.phases[Phase.FAULT]
    assert WINDOW < budget.spent < 2 * lasted
    assert budget.after < budget.size


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_grafana_shows_when_the_fault_lasted(day: Day, lab, name: str):
    found = day.results()[name]
    answer = requests.get(
        f"{lab.grafana_url}/api/annotations",
        params={"tags": ["chaos", "fault", found.run_id]},
        headers={"Authorization": f"Bearer {lab.grafana_token}"},
        timeout=5,
    )
    (annotation,) = answer.json()
    lasted = (annotation["timeEnd"] - annotation["time"]) / 1000
    assert lasted == pytest.approx(found.phases[Phase.RECOVERY] - found.phases[Phase.FAULT], abs=2)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_no_secret_is_in_anything_that_a_run_wrote(day: Day, lab, name: str):
    secrets = [lab.grafana_token, "demo-postgres-", "demo-product-", "demo-session-"]
    for path in day.report(name).iterdir():
        text = path.read_text(errors="replace")
        assert not [secret for secret in secrets if secret in text], path


def test_the_shop_is_as_app_yaml_says_and_nobody_holds_it(day: Day, lab):
    diff = lab.run("kubectl", "diff", "-f", "manifests/app.yaml")
    assert (diff.returncode, diff.stdout) == (0, "")
    lease = lab.run("kubectl", "get", "lease", "chaos-run", "-n", "ecommerce", "-o", "json")
    assert not json.loads(lease.stdout)["spec"].get("holderIdentity")
    left = lab.run("kubectl", "get", "all,cm,secret", "-n", "ecommerce", "-l", "chaos.run-id", "-o", "name")
    assert left.stdout == ""
