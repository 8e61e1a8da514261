"""The budget guard: what too little budget refuses, and what too much spending aborts."""

from pathlib import Path

import pytest

from chaosext.errors import NoData, Refused
from chaosext.grafana.client import Grafana
from chaosext.slo.load import load_slos
from chaosext.verification.burn import Burn, check_floor

from .conftest import TOKEN, ScriptedGrafana

SLOS = load_slos(Path(__file__).parents[2] / "manifests" / "slo.yaml")
PAY, GATEWAY = "payment-success", "api-gateway-availability"


@pytest.fixture
def client(grafana_server: ScriptedGrafana) -> Grafana:
    return Grafana(grafana_server.url, TOKEN, timeout=1)


def bad(grafana_server: ScriptedGrafana, name: str, number: float, total: float = 1000) -> None:
    """Let an SLO, whose query counts good events, have had so many bad ones."""
    grafana_server.values({f"{name}:part": total - number, f"{name}:total": total})


@pytest.mark.parametrize(("failed", "refused"), [(0, False), (449, False), (451, True), (700, True)])
def test_a_run_needs_the_floor_of_the_budget(client, grafana_server, failed, refused):
    bad(grafana_server, PAY, failed)  # of 500 a month
    if not refused:
        check_floor(client, [SLOS[PAY]], 0.1, 1)
        return
    with pytest.raises(Refused, match="of the error budget of payment-success is left, where a run needs 10%"):
        check_floor(client, [SLOS[PAY]], 0.1, 1)


def test_without_a_floor_nothing_is_asked(client, grafana_server):
    check_floor(client, [SLOS[PAY]], 0, 1)
    assert grafana_server.requests == []


def test_a_budget_that_cannot_be_counted_is_none_to_spend(client, grafana_server):
    grafana_server.values({f"{PAY}:part": None, f"{PAY}:total": None})
    with pytest.raises(NoData):
        check_floor(client, [SLOS[PAY]], 0.1, 1)


@pytest.mark.parametrize(("failed", "aborted"), [(0, False), (200, False), (201, True)])
def test_a_run_is_aborted_at_twice_what_it_states(client, grafana_server, failed, aborted):
    bad(grafana_server, PAY, failed)
    said = Burn(SLOS, {PAY: 100}, 1).excess(client, 30)
    assert (said is not None) is aborted
    if aborted:
        assert said == (
            "aborted on burn: the run spent 201 failures of the error budget of payment-success, more than 2 "
            "times the 100 that it states"
        )


def test_seconds_of_downtime_are_failed_checks_times_their_interval(client, grafana_server):
    bad(grafana_server, GATEWAY, 11, 20)
    assert Burn(SLOS, {GATEWAY: 60}, 10).excess(client, 30) is None
    assert "spent 165 seconds" in Burn(SLOS, {GATEWAY: 60}, 15).excess(client, 30)


def test_what_has_no_data_has_not_spent(client, grafana_server):
    grafana_server.values({f"{PAY}:part": None, f"{PAY}:total": None})
    assert Burn(SLOS, {PAY: 1}, 1).excess(client, 30) is None
    assert Burn(SLOS, {}, 1).excess(client, 30) is None
