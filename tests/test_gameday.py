"""One game day of all experiments on the lab, as CI would run it: what each must have proved."""

import json
import math
import re
import time
from datetime import datetime

import pytest
import requests

from chaosext.gameday.day import read_day
from chaosext.result import AlertOutcome, AlertResult, Outcome, Phase, Verdict, Verification

from .chaosext.evidence_assertions import VARIANTS, assert_evidence, assert_no_secrets
from .conftest import CHECKOUT, DAY_SECONDS, EXPERIMENTS, TARGET, WINDOW, Day
from .secrecy import assert_not_written, secrets_of

pytestmark = [pytest.mark.lab, pytest.mark.timeout(DAY_SECONDS + 60)]


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


def test_the_day_leaves_a_summary_of_the_whole_plan_and_of_how_long_it_took(day: Day):
    (folder,) = day.folder.glob("*-gameday")
    record = read_day(folder)
    assert (sorted(record.planned), record.stopped) == (EXPERIMENTS, None)
    assert {run.verdict for run in record.runs} == {Verdict.VERIFIED}
    assert {path.name for path in folder.iterdir()} == {"day.json", "index.html", "summary.md", "junit.xml"}
    summary = (folder / "summary.md").read_text()
    print(summary)
    assert re.search(r", which took \d+:\d\d", summary)


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


@pytest.mark.skipif(bool(TARGET), reason="a target's alerts go to a Slack of its own")
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_alert_that_fired_was_delivered_as_firing_and_as_resolved(day: Day, lab, name: str):
    found = day.results()[name]
    fired = [alert for alert in found.alerts if alert.outcome is AlertOutcome.FIRED]
    # An SLO's ticket, which is in one message with its page, ends two minutes after the failure at the latest.
    deadline = time.monotonic() + 24 * WINDOW
    while lacking := [a for alert in fired if (a := undelivered(lab, alert, started(found)))]:
        assert time.monotonic() < deadline, lacking
        time.sleep(1)


def undelivered(lab, alert: AlertResult, since: float) -> str | None:
    """Return what the lab's receiver was not told of an alert since a moment; None: its start, then its end."""
    shown = lab.run("python", "-m", "lab", "alerts", "--json")
    assert shown.returncode == 0, shown.stderr
    said = [json.loads(line) for line in shown.stdout.splitlines()]
    title = f"{alert.name} ({alert.labels['service']})" if "service" in alert.labels else alert.name
    mine = [m for m in said if datetime.fromisoformat(m["time"]).timestamp() >= since and title in m["title"]]
    severity = f"({alert.labels.get('severity', 'page')})"
    firing = [m for m in mine if m["title"].startswith("[FIRING] ") and severity in m["text"]]
    if not firing:
        return f"[FIRING] {title} {severity}"
    resolved = [m for m in mine if m["title"].startswith("[RESOLVED] ") and m["number"] > firing[0]["number"]]
    return None if resolved else f"[RESOLVED] {title}"


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


def annotation(lab, *tags: str) -> dict:
    """Return the one annotation that has all these tags."""
    answer = requests.get(
        f"{lab.grafana_url}/api/annotations",
        params={"tags": ["chaos", *tags]},
        headers={"Authorization": f"Bearer {lab.grafana_token}"},
        timeout=5,
    )
    (found,) = answer.json()
    return found


def started(found: Verification) -> float:
    return datetime.fromisoformat(found.started).timestamp()


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_grafana_shows_the_verdict(day: Day, lab, name: str):
    found = day.results()[name]
    shown = annotation(lab, "verdict", found.run_id)
    assert shown["text"].startswith(f"{name}: verified, ")
    assert found.phases[Phase.RECOVERY] <= shown["time"] / 1000 - started(found) <= found.duration_seconds + 10


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_grafana_shows_when_the_fault_lasted(day: Day, lab, name: str):
    found = day.results()[name]
    fault = annotation(lab, "fault", found.run_id)
    lasted = (fault["timeEnd"] - fault["time"]) / 1000
    assert lasted == pytest.approx(found.phases[Phase.RECOVERY] - found.phases[Phase.FAULT], abs=2)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_logs_and_traces_prove_what_happened_and_name_the_expected_root_cause(day: Day, name: str):
    found = day.results()[name]
    assert_evidence(found)
    expected = json.loads((CHECKOUT / "experiments" / f"{name}.json").read_text())["extensions"][0]
    stated = expected.get("evidence", {}).get("root_cause")
    assert found.evidence.root_cause.as_expected is (None if stated is None else True)


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_the_faulty_release_shows_in_the_fault_s_traces(day: Day, lab, name: str):
    found = day.results()[name]
    service, version = VARIANTS[name]
    worst = {span.version for span in found.evidence.worst_trace.spans if span.service == service}
    query = f'{{ resource.service.name = "{service}" && resource.service.version = "{version}" }}'
    start, end = (int(started(found) + found.phases[phase]) for phase in (Phase.FAULT, Phase.RECOVERY))
    # Where the worst trace is of a caller that gave up first, another one has the release that it waited for.
    asked = {"q": query, "start": start, "end": end + 1, "limit": 1}
    assert version in worst or _ask(lab, "tempo/api/search", **asked).json()["traces"]


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_no_secret_is_in_anything_that_a_run_wrote(day: Day, lab, name: str):
    secrets = secrets_of(lab)
    assert_no_secrets(day.results()[name], *secrets)
    assert_not_written(secrets, [day.report(name)])


def test_no_secret_is_in_any_log_line_of_the_day(day: Day, lab):
    assert day.results()

    def lines(pattern: str) -> int:
        counted = f'sum(count_over_time({{namespace="ecommerce"}} |~ "{pattern}" [1h]))'
        found = _ask(lab, "loki/loki/api/v1/query", query=counted).json()["data"]["result"]
        return int(found[0]["value"][1]) if found else 0

    assert lines("traceID=[0-9a-f]{32}") > 1000
    grouped = [re.escape(secret).replace("\\", "\\\\") for secret in secrets_of(lab)]
    assert lines("|".join([*grouped, "4242[ -]4242"])) == 0


def test_no_secret_is_in_the_spans_of_the_day(day: Day, lab):
    assert day.results()
    now = time.time()
    words = {"limit": 60, "start": int(now - 3600), "end": int(now)}
    found = [
        trace["traceID"]
        for query in ("{ status = error }", '{ name = "POST /process" }', "{}")
        for trace in _ask(lab, "tempo/api/search", q=query, **words).json()["traces"]
    ]
    assert len(set(found)) > 60
    secrets = [secret.encode() for secret in secrets_of(lab)]
    for trace in set(found):
        # As protobuf, whose texts are as they are, and which the store need not translate.
        spans = _ask(lab, f"tempo/api/traces/{trace}", "application/protobuf").content
        assert b"service.name" in spans
        assert not [secret for secret in secrets if secret in spans], trace


def test_no_failure_s_span_was_lost_on_its_way_or_in_the_store(day: Day, lab):
    lasted = int(time.time() - min(started(found) for found in day.results().values())) + 60
    lost = f'sum(max_over_time(shop_spans_dropped_total{{failed="true"}}[{lasted}s]))'
    dropped = f'sum(increase(lab_tempo_dropped_spans_total{{failed="true"}}[{lasted}s]))'
    for query in (lost, dropped) if lab.prometheus_url else (lost,):
        found = _ask(lab, "prometheus/api/v1/query", query=query).json()["data"]["result"]
        assert [one["value"][1] for one in found] == ["0"], query


def _ask(lab, path: str, accept: str = "application/json", **params: object) -> requests.Response:
    """Ask a data source through Grafana's proxy."""
    answer = requests.get(
        f"{lab.grafana_url}/api/datasources/proxy/uid/{path}",
        params=params,
        headers={"Authorization": f"Bearer {lab.grafana_token}", "Accept": accept},
        timeout=30,
    )
    answer.raise_for_status()
    return answer


def test_the_shop_is_as_app_yaml_says_and_nobody_holds_it(day: Day, lab):
    diff = lab.run("kubectl", "diff", "-f", "manifests/app.yaml")
    assert (diff.returncode, diff.stdout) == (0, "")
    lease = lab.run("kubectl", "get", "lease", "chaos-run", "-n", "ecommerce", "-o", "json")
    assert not json.loads(lease.stdout)["spec"].get("holderIdentity")
    left = lab.run("kubectl", "get", "all,cm,secret", "-n", "ecommerce", "-l", "chaos.run-id", "-o", "name")
    assert left.stdout == ""
