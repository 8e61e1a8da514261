import copy
import json
from pathlib import Path

import pytest

from chaosext.errors import BadInput
from chaosext.slo.load import load_slos
from chaosext.verification.expectations import parse_expectations
from chaosext.verification.tolerances import parse_tolerances

ROOT = Path(__file__).parents[2]
SLOS = load_slos(ROOT / "manifests" / "slo.yaml")
PAYMENT = json.loads((ROOT / "experiments" / "payment.json").read_text())


def test_tolerances_are_the_hypothesis_s_own():
    found = parse_tolerances(PAYMENT)
    assert found["payment-success"].model_dump() == {"low": 0.95, "high": 1.0, "min_events": 30}
    assert len(found) == 10


def test_the_payment_experiment_says_what_it_expects():
    parsed = parse_expectations(PAYMENT, SLOS)
    assert parsed.expect[0].words("ratio") == "deviates to 60% to 88%"
    assert {e.outcome for e in parsed.expect[1:]} == {"holds"}


def mine(experiment: dict) -> dict:
    return experiment["extensions"][0]


def probes(experiment: dict) -> list:
    return experiment["steady-state-hypothesis"]["probes"]


NO_BOUND = {"sli": "payment-success", "outcome": "deviates"}
HOLDS = {"sli": "payment-success", "outcome": "holds"}


def first_probe(experiment: dict) -> dict:
    return experiment["steady-state-hypothesis"]["probes"][0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda e: e.pop("extensions"), "one entry named 'chaosext'"),
        (lambda e: e["extensions"].append(mine(e)), "found 2"),
        (lambda e: mine(e).update(recover_within_windows=0), "recover_within_windows: Input should be greater"),
        (lambda e: mine(e).update(recovers=1), "recovers: Extra inputs"),
        (lambda e: mine(e)["expect"][0].update(outcome="breaks"), "expect.0.outcome: Input should be"),
        (lambda e: mine(e)["expect"].__setitem__(0, NO_BOUND), "belong to outcome 'deviates', which needs one"),
        (lambda e: mine(e)["expect"][1].update(at_most=0.5), "belong to outcome 'deviates', which needs one"),
        (lambda e: mine(e)["expect"][0].update(at_most=88), "a ratio lies between 0 and 1, not at 88"),
        (lambda e: mine(e)["expect"][0].pop("at_most"), "payment-success may deviate to 0.6, in its tolerance"),
        (lambda e: mine(e)["expect"][0].update(at_least=0.9), "at_least is above at_most"),
        (lambda e: mine(e)["expect"][0].update(sli="payments"), "unknown SLI 'payments'"),
        (lambda e: mine(e)["expect"].pop(), "only one of them names cart-db-errors"),
        (lambda e: mine(e)["expect"].append(mine(e)["expect"][0]), "an SLI is named twice"),
        (lambda e: mine(e)["budget"][0].update(slo="x"), "unknown SLI 'x'"),
        (
            lambda e: mine(e).update(alerts=[{"alert": "X"}]),
            "alerts.0: within_windows belongs to outcome 'fires'",
        ),
        (
            lambda e: mine(e).update(alerts=[{"alert": "X", "outcome": "silent", "within_windows": 1}]),
            "alerts.0: within_windows belongs to outcome 'fires'",
        ),
        (lambda e: mine(e).update(landed_when="it"), "landed_when: the method has no activity named 'it'"),
        (lambda e: mine(e)["expect"].__setitem__(0, HOLDS), "landed_when must name the method's activity"),
        (lambda e: mine(e)["budget"][0].update(slo="cart-db-errors"), "is a count, which has no error budget"),
        (lambda e: first_probe(e).update(tolerance=True), "tolerance must be a range of numbers"),
        (lambda e: first_probe(e).update(tolerance=[True, 1]), "tolerance must be a range of numbers"),
        (lambda e: first_probe(e)["provider"]["arguments"].pop("name"), "name is missing: which SLI?"),
        (lambda e: probes(e).append(probes(e)[0]), "another probe asks for payment-success already"),
        (
            lambda e: mine(e)["expect"][0].update(at_most=0.95),
            "payment-success may deviate to 0.95, in its tolerance",
        ),
    ],
)
def test_wrong_expectations_are_one_clear_line(change, said):
    experiment = copy.deepcopy(PAYMENT)
    change(experiment)
    with pytest.raises(BadInput) as caught:
        parse_expectations(experiment, SLOS)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
