"""The verdict, from records: one row for each way that a run can end."""

from pathlib import Path

import pytest

from chaosext.gameday.runner import exit_code
from chaosext.result import EXIT_CODES, BudgetResult, Outcome, Phase, Rollback, Sample, Tolerance, Verdict
from chaosext.slo.load import load_slos
from chaosext.slo.sli import Measurement
from chaosext.verification.alerts import AlertWatch
from chaosext.verification.detection import alert_results, time_to_detect
from chaosext.verification.expectations import Expectations
from chaosext.verification.judge import judge, sli_results
from chaosext.verification.record import Record

SLOS = load_slos(Path(__file__).parents[2] / "manifests" / "slo.yaml")
PAY, LAT = "payment-success", "product-latency"
WINDOW = 10


def samples(pay, lat=None) -> list[Sample]:
    """One sample a second: 5 of the baseline, 20 of the fault, 15 of the recovery; None is no data."""
    found = []
    for at in range(40):
        phase = Phase.BASELINE if at < 5 else Phase.FAULT if at < 25 else Phase.RECOVERY
        values = {PAY: pay(at), LAT: (lat or (lambda _: 1.0))(at)}
        missing = {name: "no traffic" for name, value in values.items() if value is None}
        found.append(Sample(at=at, phase=phase, values=values, missing=missing))
    return found


def fails_by_a_quarter(at):
    return 0.75 if 7 <= at < 30 else 1.0


@pytest.fixture
def record():
    """A run in which everything went as it should."""
    return Record(
        window_seconds=WINDOW,
        expectations=Expectations.model_validate(
            {
                "name": "chaosext",
                "expect": [
                    {"sli": PAY, "outcome": "deviates", "at_most": 0.88, "at_least": 0.6},
                    {"sli": LAT, "outcome": "holds"},
                ],
                "recover_within_windows": 4,
                "budget": [{"slo": PAY, "spend_at_most_per_window_second": 10}],
            }
        ),
        slos={name: SLOS[name] for name in (PAY, LAT)},
        tolerances={PAY: Tolerance(low=0.95, min_events=40), LAT: Tolerance(low=0.9)},
        samples=samples(fails_by_a_quarter),
        settled={PAY: Measurement(160, 40, 0.75), LAT: Measurement(500, 0, 1.0)},
        budget=[
            BudgetResult(slo=PAY, unit="failures", size=500, before=500, spent=60, after=440, spend_at_most=100)
        ],
        rollback=Rollback(proved=True),
        phases={Phase.BASELINE: 0.0, Phase.FAULT: 5.0, Phase.RECOVERY: 25.0},
        applied=6.5,
        recovered=33.0,
        recover_within=40.0,
        steady=True,
    )


def verdict_of(record: Record) -> tuple[Verdict, str]:
    verdict, reasons = judge(record, sli_results(record), alert_results(record))
    return verdict, "; ".join(reasons)


def test_a_run_as_expected_is_verified_without_a_reason(record):
    assert verdict_of(record) == (Verdict.VERIFIED, "")
    pay, lat = sli_results(record)
    assert (pay.outcome, pay.baseline, pay.worst, pay.during, pay.recovered) == (
        Outcome.DEVIATED,
        1,
        0.75,
        0.75,
        1,
    )
    assert pay.deviated_after_seconds == 0.5
    assert (lat.outcome, lat.worst, lat.deviated_after_seconds) == (Outcome.HELD, 1.0, None)
    assert record.time_to_recover == 8.0


def no_effect(r):
    r.samples, r.settled[PAY] = samples(lambda _: 1.0), Measurement(160, 0, 1.0)


def too_far(r):
    r.settled[PAY] = Measurement(160, 160, 0.0)


def unexpected(r):
    r.samples = samples(fails_by_a_quarter, lambda at: 0.5 if at == 12 else 1.0)


def never_back(r):
    r.samples, r.recovered = samples(lambda at: 0.75 if at >= 7 else 1.0), None


def no_data_to_the_end(r):
    r.samples, r.recovered = samples(lambda at: None if at >= 25 else fails_by_a_quarter(at)), None


def uncounted(r):
    r.budget = []


def rollback_failed(r):
    r.not_restored = ["action 'reapply' failed: not rolled out"]


def late(r):
    r.recovered = 70.0


def not_restored(r):
    r.rollback = Rollback(proved=False, differences=["deployment/payment: spec.replicas is 0, not 1"])


def overspent(r):
    r.budget[0].spent = 101.0


def underspent(r):
    r.budget[0].spend_at_least, r.budget[0].spent = 20.0, 19.0


def action_failed(r):
    r.tool_errors = ["action 'release' failed: 403"]


def no_rollback(r):
    del r.phases[Phase.RECOVERY]


def unmeasured_during_the_fault(r):
    r.settled[PAY] = Measurement(no_data="no traffic")


def unmeasured_for_longer_than_a_window(r):
    r.samples = samples(fails_by_a_quarter, lambda at: None if 8 <= at < 19 else 1.0)


def unmeasured_at_the_end(r):
    r.samples = samples(lambda at: None if at == 39 else fails_by_a_quarter(at))


def unsteady(r):
    r.steady, r.unsteady, r.phases = False, "payment-success is 50.0%", {Phase.BASELINE: 0.0}
    r.samples = samples(lambda _: 0.5)[:5]


def unmeasured_baseline(r):
    unsteady(r)
    r.samples = samples(lambda _: None)[:5]


def refused(r):
    r.refusal, r.phases, r.samples, r.steady = "refused: namespace 'x'", {}, [], None


def wrong_input(r):
    r.bad_input, r.phases, r.samples, r.steady = "slo.yaml: wrong", {}, [], None


def interrupted(r):
    r.interrupted = True


def interrupted_and_not_restored(r):
    interrupted(r)
    not_restored(r)


def method_skipped(r):
    r.phases = {Phase.BASELINE: 0.0, Phase.RECOVERY: 25.0}


@pytest.mark.parametrize(
    ("change", "verdict", "reason"),
    [
        (
            no_effect,
            Verdict.FAULT_NOT_LANDED,
            "Payment success stayed at 100% (deviates to 60% to 88% was expected)",
        ),
        (too_far, Verdict.SYSTEM_FAILED, "Payment success fell to 0%, further than expected"),
        (
            unexpected,
            Verdict.SYSTEM_FAILED,
            "Product latency fell to 50%, outside its tolerance of at least 90%",
        ),
        (never_back, Verdict.SYSTEM_FAILED, "Payment success ended at 75%"),
        (never_back, Verdict.SYSTEM_FAILED, "recovery of all SLIs was not seen, where 40 s were allowed"),
        (late, Verdict.SYSTEM_FAILED, "recovery of all SLIs took 45.0 s, where 40 s were allowed"),
        (not_restored, Verdict.SYSTEM_FAILED, "the rollback is not proved: deployment/payment: spec.replicas"),
        (no_data_to_the_end, Verdict.NO_DATA, "Payment success could not be measured"),
        (uncounted, Verdict.NO_DATA, "spent of the error budget of payment-success is not known"),
        (rollback_failed, Verdict.SYSTEM_FAILED, "action 'reapply' failed: not rolled out"),
        (overspent, Verdict.SYSTEM_FAILED, "spent 101 failures of the error budget of payment-success"),
        (
            underspent,
            Verdict.FAULT_NOT_LANDED,
            "spent 19 failures of the error budget of payment-success",
        ),
        (action_failed, Verdict.TOOL_ERROR, "action 'release' failed: 403"),
        (no_rollback, Verdict.TOOL_ERROR, "no rollback ran"),
        (unmeasured_during_the_fault, Verdict.NO_DATA, "Payment success could not be measured"),
        (
            unmeasured_for_longer_than_a_window,
            Verdict.NO_DATA,
            "Product latency could not be measured: no traffic",
        ),
        (unmeasured_at_the_end, Verdict.NO_DATA, "Payment success could not be measured: no traffic"),
        (unsteady, Verdict.NOT_RUN, "no steady baseline, so no fault was applied: payment-success is 50.0%"),
        (unmeasured_baseline, Verdict.NO_DATA, "no steady baseline"),
        (refused, Verdict.NOT_RUN, "refused: namespace 'x'"),
        (wrong_input, Verdict.TOOL_ERROR, "slo.yaml: wrong"),
        (interrupted, Verdict.NOT_RUN, "the run was interrupted"),
        (interrupted_and_not_restored, Verdict.SYSTEM_FAILED, "the rollback is not proved"),
        (method_skipped, Verdict.NOT_RUN, "the method did not run"),
    ],
)
def test_every_other_end_has_its_verdict_and_its_reason(record, change, verdict, reason):
    change(record)
    found, reasons = verdict_of(record)
    assert reason in reasons
    assert found is verdict


def test_missed_samples_within_a_window_hide_nothing(record):
    record.samples = samples(fails_by_a_quarter, lambda at: None if 8 <= at < 17 else 1.0)
    assert verdict_of(record)[0] is Verdict.VERIFIED


def expect_starvation(record):
    pay, lat = record.expectations.expect
    starved = lat.model_copy(update={"outcome": "starved"})
    record.expectations = record.expectations.model_copy(update={"expect": [pay, starved]})


def test_a_starved_sli_may_have_no_data_between_fault_and_recovery(record):
    expect_starvation(record)
    record.settled[LAT] = Measurement(no_data="no traffic: 0 events in the window")
    record.samples = samples(fails_by_a_quarter, lambda at: None if 8 <= at < 30 else 1.0)
    assert verdict_of(record)[0] is Verdict.VERIFIED
    record.samples = samples(fails_by_a_quarter, lambda at: None if at >= 8 else 1.0)
    assert verdict_of(record)[0] is Verdict.NO_DATA


def test_an_sli_that_had_traffic_all_along_was_not_starved(record):
    expect_starvation(record)
    record.settled[LAT] = Measurement(500, 0, 1.0)
    assert verdict_of(record)[0] is Verdict.FAULT_NOT_LANDED
    # A dip of traffic in some samples is no famine of the whole fault.
    record.samples = samples(fails_by_a_quarter, lambda at: None if at in {9, 10, 11} else 1.0)
    assert verdict_of(record)[0] is Verdict.FAULT_NOT_LANDED
    record.settled[LAT] = Measurement(3, 0, None, "3 events, fewer than 20")
    record.samples = samples(fails_by_a_quarter, lambda at: 0.0 if at == 9 else None if 10 <= at < 30 else 1.0)
    assert verdict_of(record)[0] is Verdict.SYSTEM_FAILED


def test_a_query_that_failed_is_neither_famine_nor_a_fault_that_landed(record):
    expect_starvation(record)
    record.samples = samples(lambda _: 1.0, lambda at: None if at in {8, 9} else 1.0)
    assert record.landed == 8.0
    for sample in record.samples:
        sample.failed = [*sample.missing]
    assert record.landed is None
    record.settled[LAT] = Measurement(no_data="the query failed: 502", failed=True)
    assert sli_results(record)[1].outcome is Outcome.NO_DATA


def expect_alerts(record, *expected, pending=None, firing=None):
    """Let the run expect alerts; the first one was pending and firing at these times."""
    parsed = Expectations.model_validate({**record.expectations.model_dump(), "alerts": list(expected)})
    record.expectations = parsed
    record.alerts = AlertWatch(parsed.alerts)
    record.alerts.pending[0], record.alerts.firing[0] = pending, firing


BURN = {"alert": "PaymentSuccessBudgetBurn", "labels": {"severity": "page"}, "within_windows": 1.5}


@pytest.mark.parametrize(
    ("pending", "firing", "verdict", "reason"),
    [
        (12.0, 20.0, Verdict.VERIFIED, ""),
        (12.0, 23.0, Verdict.SYSTEM_FAILED, "BudgetBurn fired too late after 16.0 s, where 15 s were allowed"),
        (12.0, 26.0, Verdict.SYSTEM_FAILED, "BudgetBurn fired only when the rollback had begun"),
        (12.0, None, Verdict.SYSTEM_FAILED, "BudgetBurn did not fire, where 15 s were allowed"),
    ],
)
def test_an_alert_must_fire_in_time_after_the_fault_landed(record, pending, firing, verdict, reason):
    expect_alerts(record, BURN, pending=pending, firing=firing)
    found, reasons = verdict_of(record)
    assert found is verdict
    assert reason in reasons
    (alert,) = alert_results(record)
    # The fault was applied at 6.5 s and moved the SLI at 7 s: times count from there.
    assert alert.pending_after_seconds == 5.0
    assert time_to_detect([alert]) == (None if firing is None else firing - 7)


def test_an_alert_that_is_to_stay_silent_must(record):
    silent = {"alert": "HighLatency", "outcome": "silent"}
    expect_alerts(record, silent)
    assert verdict_of(record)[0] is Verdict.VERIFIED
    expect_alerts(record, silent, firing=20.0)
    assert verdict_of(record) == (
        Verdict.SYSTEM_FAILED,
        "alert HighLatency fired, and was expected to stay silent",
    )


def test_of_any_alert_that_is_to_stay_silent_the_one_that_fired_is_named(record):
    expect_alerts(record, {"alert": "*", "labels": {"severity": "page"}, "outcome": "silent"}, firing=20.0)
    record.alerts.fired[0] = "DataStoreDown"
    assert verdict_of(record) == (
        Verdict.SYSTEM_FAILED,
        "alert DataStoreDown fired, and was expected to stay silent",
    )


def test_alerts_that_could_not_be_asked_are_no_data(record):
    expect_alerts(record, BURN)
    record.alerts.failed("502")
    assert verdict_of(record) == (
        Verdict.NO_DATA,
        "alert PaymentSuccessBudgetBurn could not be asked",
    )


def expect_landing(record, **probed):
    record.expectations = record.expectations.model_copy(update={"landed_when": "pod-is-gone"})
    for name, value in probed.items():
        setattr(record, name, value)


def test_a_probe_can_say_that_the_fault_landed(record):
    expect_landing(record)
    assert verdict_of(record)[0] is Verdict.FAULT_NOT_LANDED
    expect_landing(record, not_shown="pod-is-gone: all pods are as they were")
    assert verdict_of(record) == (Verdict.FAULT_NOT_LANDED, "pod-is-gone: all pods are as they were")
    expect_landing(record, not_shown=None, shown=9.0)
    assert verdict_of(record)[0] is Verdict.VERIFIED
    assert record.landed == 9.0


def test_what_does_not_deviate_though_the_fault_landed_is_the_system_s_doing(record):
    expect_landing(record, shown=9.0)
    no_effect(record)
    found, reasons = verdict_of(record)
    assert found is Verdict.SYSTEM_FAILED
    assert "the fault landed, and did not show here" in reasons


ERRORS = "product-db-errors"


@pytest.mark.parametrize(
    ("bounds", "during", "verdict", "reason"),
    [
        ({"at_least": 3}, 5, Verdict.VERIFIED, ""),
        (
            {"at_least": 3},
            1,
            Verdict.FAULT_NOT_LANDED,
            "errors stayed at 1 (deviates to at least 3 was expected)",
        ),
        ({"at_least": 3, "at_most": 9}, 12, Verdict.SYSTEM_FAILED, "rose to 12, further than expected"),
        (None, 5, Verdict.SYSTEM_FAILED, "errors rose to 5, outside its tolerance of at most 0"),
    ],
)
def test_a_count_deviates_upwards(record, bounds, during, verdict, reason):
    expected = {"sli": ERRORS, "outcome": "holds"} if bounds is None else {"sli": ERRORS, "outcome": "deviates"}
    record.expectations = Expectations.model_validate(
        {
            "name": "chaosext",
            "expect": [{**expected, **(bounds or {})}],
            "recover_within_windows": 4,
            "landed_when": None,
        }
    )
    record.slos = {ERRORS: SLOS[ERRORS]}
    record.tolerances = {ERRORS: Tolerance(low=0, high=0)}
    for sample in record.samples:
        sample.values = {ERRORS: float(during) if 8 <= sample.at < 30 else 0.0}
    record.settled = {ERRORS: Measurement(None, value=during)}
    found, reasons = verdict_of(record)
    assert found is verdict
    assert reason in reasons


def test_the_worst_verdict_of_a_day_decides_its_exit_code():
    order = [
        Verdict.TOOL_ERROR,
        Verdict.SYSTEM_FAILED,
        Verdict.FAULT_NOT_LANDED,
        Verdict.NO_DATA,
        Verdict.NOT_RUN,
    ]
    assert [EXIT_CODES[v] for v in order] == [2, 1, 3, 4, 5]
    for index, worst in enumerate(order):
        assert exit_code([Verdict.VERIFIED, *order[index:]]) == EXIT_CODES[worst]
    assert exit_code([Verdict.VERIFIED]) == 0
