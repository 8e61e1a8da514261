"""Alert rules as Grafana and Prometheus answer them, and following the expected ones."""

from pathlib import Path

import pytest

from chaosext import run
from chaosext.errors import BadInput, GrafanaError
from chaosext.grafana.alerts import alert_rules, worst_of
from chaosext.grafana.client import Grafana
from chaosext.grafana.probes import prometheus_reaches
from chaosext.verification.alerts import AlertWatch, ruler_of
from chaosext.verification.expectations import AlertExpectation

from .conftest import TOKEN, Reply, ScriptedGrafana, frame

BURN = AlertExpectation(alert="Burn", labels={"severity": "page"}, within_windows=2)


def rule(name="Burn", severity="page", *active):
    alerts = [{"labels": {"alertname": name, **labels}, "state": state} for labels, state in active]
    return {"type": "alerting", "name": name, "labels": {"severity": severity}, "alerts": alerts}


def rules(*found):
    return {"status": "success", "data": {"groups": [{"name": "g", "rules": list(found)}]}}


def state(*found, labels=None):
    worst = worst_of(alert_rules(rules(*found)), "Burn", labels or {})
    return None if worst is None else worst[1]


def test_an_alert_is_picked_by_its_labels_those_of_its_rule_among_them():
    page, ticket = rule("Burn", "page", ({"slo": "a"}, "pending")), rule("Burn", "ticket", ({}, "firing"))
    assert state(page, ticket) == "firing"
    assert state(page, ticket, labels={"severity": "page"}) == "pending"
    assert state(page, ticket, labels={"severity": "page", "slo": "b"}) == "inactive"
    assert state(page, ticket, labels={"severity": "none"}) is None
    assert state(rule("Other")) is None
    assert state({"type": "recording", "name": "Burn"}) is None


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("firing", "firing"),
        ("Alerting", "firing"),
        ("Alerting (NoData)", "firing"),
        ("Recovering", "firing"),
        ("Pending (Error)", "pending"),
        ("Normal", "inactive"),
        ("Normal (MissingSeries)", "inactive"),
        ("NoData", "inactive"),
        ("Error", "inactive"),
        ("something new", "inactive"),
    ],
)
def test_grafana_s_own_states_are_understood(said, meant):
    assert state(rule("Burn", "page", ({}, said))) == meant


@pytest.mark.parametrize("answer", [None, [], {"data": {}}, {"data": {"groups": [{"rules": [{}]}]}}])
def test_another_answer_is_an_error(answer):
    with pytest.raises(GrafanaError, match="not of the documented form"):
        alert_rules(answer)


@pytest.fixture
def client(grafana_server: ScriptedGrafana) -> Grafana:
    return Grafana(grafana_server.url, TOKEN, timeout=1)


OWN, RULER = "/api/prometheus/grafana/api/v1/rules", "/api/prometheus/prom/api/v1/rules"


def test_the_source_that_has_the_rules_is_taken(client, grafana_server):
    grafana_server.replies |= {OWN: Reply(rules(rule())), RULER: Reply(rules())}
    assert ruler_of(client, [BURN]) == "grafana"
    grafana_server.replies |= {OWN: Reply({"message": "no"}, 403), RULER: Reply(rules(rule()))}
    assert ruler_of(client, [BURN]) == "prom"
    assert ruler_of(client, []) is None


def test_an_alert_without_a_rule_is_bad_input(client, grafana_server):
    grafana_server.replies |= {OWN: Reply(rules()), RULER: Reply(rules(rule("Burn", "ticket")))}
    with pytest.raises(BadInput, match=r"no rule named Burn \(severity=page\) in http"):
        ruler_of(client, [BURN])


def test_a_grafana_that_cannot_be_asked_is_said(client, grafana_server):
    grafana_server.replies |= {OWN: Reply({"message": "no"}, 403), RULER: Reply({"message": "no"}, 502)}
    with pytest.raises(GrafanaError, match="502"):
        ruler_of(client, [BURN])


def test_an_alert_s_times_are_the_first_ones_after_the_fault_began():
    watch = AlertWatch([BURN])
    assert "was not seen yet" in watch.unsteady()
    watch.observe(1, alert_rules(rules(rule("Burn", "page", ({}, "firing")))))
    assert watch.unsteady() == "alert Burn (severity=page) is firing before the fault"
    watch.observe(2, alert_rules(rules(rule())))
    assert watch.unsteady() is None
    watch.fault_begins(3)
    for at, said in ((4, "pending"), (5, "inactive"), (6, "pending"), (7, "firing"), (8, "firing")):
        watch.observe(at, alert_rules(rules(rule("Burn", "page", ({}, said)))))
    assert (watch.pending, watch.firing) == ([4], [7])
    watch.failed("502")
    assert watch.unsteady() == "the alerts could not be asked: 502"


@pytest.fixture
def asked(grafana_server, monkeypatch):
    """Let the probe ask the scripted Grafana, with the lab's window table."""
    monkeypatch.setenv("CHAOS_ENVIRONMENT", "lab")
    monkeypatch.chdir(Path(__file__).parents[2] / "experiments")
    monkeypatch.setattr(run, "_current", None)

    def ask(**bounds):
        return prometheus_reaches(
            "x", configuration={"grafana_url": grafana_server.url}, secrets={"token": TOKEN}, **bounds
        )

    return ask


def test_a_value_is_waited_for(asked, grafana_server):
    values = iter([frame(None), frame(-3.0), frame(0.0)])
    grafana_server.replies["/api/ds/query"] = lambda _: Reply({"results": {"A": {"frames": [next(values)]}}})
    assert asked(at_least=0) is True


def test_a_value_that_is_never_reached_is_said_with_the_last_one(asked, grafana_server):
    grafana_server.values({"A": 5.0})
    with pytest.raises(Exception, match=r"not within 1 s: x: 5, not -inf to 4"):
        asked(at_most=4, within_windows=0.1)
    grafana_server.values({"A": None})
    with pytest.raises(Exception, match=r"x: 0 series, where one value was asked for"):
        asked(at_most=4, within_windows=0.1)
    with pytest.raises(BadInput, match="at_least, at_most or both"):
        asked()
