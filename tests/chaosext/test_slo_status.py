"""`chaos slo status`: its numbers, from a scripted Grafana, for the SLOs and the window table of a folder."""

import json
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from chaosext.cli import slo

from .conftest import TOKEN, Reply, ScriptedGrafana, frame

MANIFESTS = Path(__file__).parents[2] / "manifests"
ASKED = (
    "payment-success",
    "product-success",
    "product-latency",
    "api-gateway-availability",
    "product-db-errors",
)
PERIOD = "[2592000s]"  # 30 days
NOW = "[10s]"
# (good or bad events, all events), or the count, over the short window and over the SLO's period.
WORLD: dict[str, dict[str, tuple[float | None, ...]]] = {
    "payment-success": {NOW: (75, 100), PERIOD: (9_900, 10_000)},
    "product-success": {NOW: (2, 400), PERIOD: (123, 1_000_000)},
    "product-latency": {NOW: (400, 400), PERIOD: (90_000, 100_000)},
    "api-gateway-availability": {NOW: (8, 10), PERIOD: (2_591_980, 2_592_000)},
    "product-db-errors": {NOW: (0,)},
}


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    """The repository's files, with five of the SLOs."""
    documents = yaml.safe_load_all((MANIFESTS / "slo.yaml").read_text())
    kept = [d for d in documents if d["kind"] == "Service" or d["metadata"]["name"] in ASKED]
    (tmp_path / "slo.yaml").write_text(yaml.safe_dump_all(kept))
    (tmp_path / "windows.yaml").write_text((MANIFESTS / "windows.yaml").read_text())
    return tmp_path


@pytest.fixture
def status(manifests: Path, grafana_server: ScriptedGrafana):
    """A function that asks for the status in a world that differs from WORLD as it is told."""

    def ask(
        *words: str, environment: str = "lab", short: str = NOW, **changes: dict[str, tuple[float | None, ...]]
    ) -> Result:
        world = {name: world | changes.get(name.replace("-", "_"), {}) for name, world in WORLD.items()}
        grafana_server.replies["/api/ds/query"] = lambda body: Reply(
            {"results": {q["refId"]: {"frames": [frame(value(world, q, short))]} for q in body["queries"]}}
        )
        return CliRunner().invoke(
            slo,
            ["status", "--manifests", str(manifests), *words],
            env={"GRAFANA_URL": grafana_server.url, "GRAFANA_TOKEN": TOKEN, "CHAOS_ENVIRONMENT": environment},
        )

    return ask


def value(world: dict, query: dict, short: str) -> float | None:
    """Return what a query's answer is: by its name, its part or total, and the window that it asks over."""
    name, _, which = query["refId"].partition(":")
    window = PERIOD if PERIOD in query["expr"] else NOW
    assert window == PERIOD or short in query["expr"]
    return world[name][window][-1 if which == "total" else 0]


def rows(done: Result) -> dict[str, list[str]]:
    """Return the table's cells by the SLO's name, and its head by the word SLO."""
    lines = [line for line in done.output.splitlines()[1:] if " has no data: " not in line]
    return {cells[0]: cells[1:] for cells in (re.split(r"  +", line) for line in lines)}


def cells(*words: str) -> list[str]:
    return list(words)


def test_the_table_has_objective_sli_burn_rate_and_budget_left(status):
    done = status()
    assert done.output.splitlines()[0] == "lab: over the last 10 s, compressed"
    assert rows(done) == {
        "SLO": cells("objective", "SLI now", "burn rate", "budget left"),
        # 25% failed where 1% may: 25 times as fast. 100 failures of 500 in the period.
        "payment-success": cells("99%", "75%", "25", "400 of 500 failures"),
        # Counted by its bad events: 2 of 400.
        "product-success": cells("99%", "99.5%", "0.5", "9877 of 10000 failures"),
        "product-latency": cells("95%", "100%", "0", "40000 of 50000 failures"),
        # Two checks of ten failed; 20 failed ones in the period, of a second each.
        "api-gateway-availability": cells("99.99%", "80%", "2000", "280 of 300 seconds"),
        "product-db-errors": cells("at most 0", "0", "-", "-"),
    }
    assert done.exit_code == 1


def test_a_failed_check_costs_the_time_between_two_checks(status):
    found = rows(status(environment="kind", short="[60s]"))
    assert found["api-gateway-availability"][-1] == "0 of 300 seconds"
    assert found["payment-success"][-1] == "400 of 500 failures"


def test_a_budget_can_be_overspent(status):
    found = rows(status(payment_success={PERIOD: (9_000, 10_000)}))
    assert found["payment-success"][-1] == "-500 of 500 failures"


def test_no_data_is_said_with_its_reason_and_is_no_success(status):
    healthy = {NOW: (100, 100)}
    done = status(
        payment_success={NOW: (0, 0), PERIOD: (None, None)},
        product_success={NOW: (None, None)},
        api_gateway_availability=healthy,
        product_db_errors={NOW: (None,)},
    )
    found = rows(done)
    assert found["payment-success"] == cells("99%", "no data", "-", "no data of 500 failures")
    assert found["product-success"] == cells("99%", "no data", "-", "9877 of 10000 failures")
    assert found["product-db-errors"] == cells("at most 0", "no data", "-", "-")
    assert [line for line in done.output.splitlines() if " has no data: " in line] == [
        "payment-success has no data: no traffic: 0 events in the window",
        "product-success has no data: the total is absent: no traffic, or not yet scraped",
        "product-db-errors has no data: the count is absent",
    ]
    assert done.exit_code == 1


MET = {
    "payment_success": {NOW: (99, 100)},
    "api_gateway_availability": {NOW: (10, 10)},
}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        (MET, 0),  # payment exactly at its objective
        (MET | {"payment_success": {NOW: (98, 100)}}, 1),
        (MET | {"product_db_errors": {NOW: (1,)}}, 1),
        (MET | {"product_success": {NOW: (None, 400)}}, 0),  # an error counter that does not exist yet
        (MET | {"product_success": {NOW: (None, None)}}, 1),
    ],
    ids=["met", "missed", "a count", "no errors yet", "no data"],
)
def test_the_exit_code_says_whether_every_objective_is_met_now(status, changes, code):
    done = status(**changes)
    assert done.exit_code == code, done.output


def test_json_has_the_same_numbers_for_programs(status):
    done = status("--json", product_db_errors={NOW: (3,)})
    found = {one["name"]: one for one in json.loads(done.output)}
    assert list(found) == list(ASKED)
    payment = found["payment-success"]
    numbers = ("objective", "value", "burn_rate", "budget_size", "budget_left", "budget_unit", "no_data")
    assert [payment[name] for name in numbers] == [0.99, 0.75, 25.0, 500, 400.0, "failures", None]
    errors = found["product-db-errors"]
    assert [errors[name] for name in numbers[:5]] == [0.0, 3.0, None, None, None]
    assert (errors["unit"], payment["unit"]) == ("count", "ratio")


def test_a_grafana_that_cannot_answer_is_one_line(status, grafana_server, manifests):
    assert status().exit_code == 1
    grafana_server.replies["/api/ds/query"] = Reply({"message": "upstream is down"}, 502)
    done = CliRunner().invoke(
        slo,
        ["status", "--manifests", str(manifests)],
        env={"GRAFANA_URL": grafana_server.url, "GRAFANA_TOKEN": TOKEN, "CHAOS_ENVIRONMENT": "lab"},
    )
    assert (done.exit_code, done.output.count("\n")) == (2, 1)
    assert "502" in done.output
