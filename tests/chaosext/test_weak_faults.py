"""Each experiment's numbers, judged without a lab: what a broken or a weak fault shows is never verified."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chaosext.environment import load_windows
from chaosext.result import BudgetResult, Outcome, Phase, Rollback, Sample, Verdict
from chaosext.slo.load import load_slos
from chaosext.slo.sli import Measurement
from chaosext.verification.alerts import AlertWatch
from chaosext.verification.detection import alert_results
from chaosext.verification.expectations import Expectation, Expectations, parse_expectations
from chaosext.verification.judge import judge, sli_results
from chaosext.verification.record import Record
from chaosext.verification.tolerances import parse_tolerances

ROOT = Path(__file__).parents[2]
SLOS = load_slos(ROOT / "manifests" / "slo.yaml")
WINDOWS = load_windows(ROOT / "manifests" / "windows.yaml", "lab")
FAULT, RECOVERY, END = 10, 40, 60
EVENTS = 200.0
EXPERIMENTS = {path.stem: json.loads(path.read_text()) for path in (ROOT / "experiments").glob("*.json")}


def expecting(*outcomes: str) -> list[Any]:
    """Return every experiment and SLI of it of which one of these outcomes is expected."""
    return [
        pytest.param(name, sli["sli"], id=f"{name}: {sli['sli']}")
        for name, experiment in sorted(EXPERIMENTS.items())
        for sli in experiment["extensions"][0]["expect"]
        if sli["outcome"] in outcomes
    ]


def steady(sli: str) -> float:
    return 0.0 if SLOS[sli].is_count else 1.0


def stated(expectation: Expectation) -> float | None:
    """Return what the SLI shows when it does what is stated; None: no data."""
    if expectation.outcome == "starved":
        return None
    if expectation.outcome == "holds":
        return steady(expectation.sli)
    bounds = [b for b in (expectation.at_least, expectation.at_most) if b is not None]
    return sum(bounds) / len(bounds)


def record_of(name: str, during: dict[str, float | None]) -> Record:
    """Return the record of a run whose SLIs showed this during the fault, in which all else went as stated."""
    experiment = EXPERIMENTS[name]
    expectations = parse_expectations(experiment, SLOS)
    tolerances = parse_tolerances(experiment)
    alerts = AlertWatch(expectations.alerts)
    for index, alert in enumerate(expectations.alerts):
        if alert.outcome == "fires":
            alerts.pending[index] = alerts.firing[index] = FAULT + 2.0
    return Record(
        window_seconds=WINDOWS.short_window_seconds,
        expectations=without_evidence(expectations),
        slos={name: SLOS[name] for name in tolerances},
        tolerances=tolerances,
        samples=[sample(at, during) for at in range(END)],
        settled={sli: settled(sli, value) for sli, value in during.items()},
        budget=[budget(limit) for limit in expectations.budget],
        rollback=Rollback(proved=True),
        phases={Phase.BASELINE: 0.0, Phase.FAULT: float(FAULT), Phase.RECOVERY: float(RECOVERY)},
        applied=FAULT + 1.0,
        shown=FAULT + 1.5 if expectations.landed_when else None,
        alerts=alerts,
        recovered=RECOVERY + 10.0,
        recover_within=WINDOWS.seconds(expectations.recover_within_windows),
        steady=True,
    )


def without_evidence(expectations: Expectations) -> Expectations:
    """What logs and traces say is judged elsewhere."""
    empty = type(expectations.evidence)()
    return expectations.model_copy(update={"evidence": empty})


def sample(at: int, during: dict[str, float | None]) -> Sample:
    phase = Phase.BASELINE if at < FAULT else Phase.FAULT if at < RECOVERY else Phase.RECOVERY
    shown = FAULT + 2 <= at < RECOVERY + 5
    values = {sli: value if shown else steady(sli) for sli, value in during.items()}
    return Sample(at=at, phase=phase, values=values)


def settled(sli: str, value: float | None) -> Measurement:
    if value is None:
        return Measurement(no_data="no traffic: 0 events in the window")
    return Measurement(None if SLOS[sli].is_count else EVENTS, value=value)


def budget(limit: Any) -> BudgetResult:
    least, most = (
        WINDOWS.seconds(number)
        for number in (limit.spend_at_least_per_window_second, limit.spend_at_most_per_window_second)
    )
    return BudgetResult(
        slo=limit.slo,
        unit="failures",
        size=10 * most,
        before=10 * most,
        spent=(least + most) / 2,
        after=10 * most - (least + most) / 2,
        spend_at_least=least or None,
        spend_at_most=most,
    )


def verdict(record: Record) -> Verdict:
    return judge(record, sli_results(record), alert_results(record))[0]


def as_stated(name: str) -> dict[str, float | None]:
    return {e.sli: stated(e) for e in parse_expectations(EXPERIMENTS[name], SLOS).expect}


@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_what_it_states_is_verified(name: str) -> None:
    assert verdict(record_of(name, as_stated(name))) is Verdict.VERIFIED


@pytest.mark.parametrize(("name", "sli"), expecting("deviates", "starved"))
def test_an_sli_that_stays_steady_is_not_verified(name: str, sli: str) -> None:
    record = record_of(name, as_stated(name) | {sli: steady(sli)})
    assert verdict(record) in {Verdict.FAULT_NOT_LANDED, Verdict.SYSTEM_FAILED}
    assert {r.name: r.outcome for r in sli_results(record)}[sli] is Outcome.NOT_DEVIATED


@pytest.mark.parametrize(("name", "sli"), expecting("deviates"))
def test_a_third_of_the_stated_effect_is_not_verified(name: str, sli: str) -> None:
    """What is stated is the mildest that is accepted, or the middle of its bounds."""
    full = as_stated(name)[sli]
    assert full is not None
    weak = steady(sli) + (full - steady(sli)) / 3
    assert verdict(record_of(name, as_stated(name) | {sli: weak})) is not Verdict.VERIFIED


@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_an_sli_that_is_to_hold_and_moves_is_the_system_s_failure(name: str) -> None:
    for expectation in parse_expectations(EXPERIMENTS[name], SLOS).expect:
        if expectation.outcome == "holds":
            moved = 3.0 if SLOS[expectation.sli].is_count else 0.8
            record = record_of(name, as_stated(name) | {expectation.sli: moved})
            assert verdict(record) is Verdict.SYSTEM_FAILED, expectation.sli


@pytest.mark.parametrize("name", sorted(n for n, e in EXPERIMENTS.items() if e["extensions"][0].get("budget")))
def test_a_budget_that_nothing_was_spent_of_is_not_verified(name: str) -> None:
    record = record_of(name, as_stated(name))
    record.budget[0].spent = 0.0
    assert verdict(record) is Verdict.FAULT_NOT_LANDED
