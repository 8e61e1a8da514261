"""Runs that tests make up: a payment failure, with whatever verdict is asked for."""

from pathlib import Path
from typing import Any

from chaosext.architecture import load_architecture
from chaosext.result import (
    About,
    AlertOutcome,
    AlertResult,
    BudgetResult,
    Outcome,
    Phase,
    Rollback,
    Sample,
    SliResult,
    Tolerance,
    Verdict,
    Verification,
)

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results"
HOSTILE = "<script>alert(1)</script> & \"quoted\" 'too' | `x` \x00\x1b[31m ]]> ${token}"
BEFORE_FAULT = {Verdict.TOOL_ERROR, Verdict.NOT_RUN}
OUTCOMES = {
    Verdict.VERIFIED: Outcome.DEVIATED,
    Verdict.SYSTEM_FAILED: Outcome.NOT_RECOVERED,
    Verdict.FAULT_NOT_LANDED: Outcome.NOT_DEVIATED,
    Verdict.NO_DATA: Outcome.NO_DATA,
}


def real(name: str) -> Verification:
    """A result that a run on the lab left, with fewer samples."""
    return Verification.model_validate_json((RESULTS / f"{name}.json").read_text())


def made(verdict: Verdict = Verdict.VERIFIED, **changes: Any) -> Verification:
    """A run with one SLI that moves, one that holds, one count, and one that nobody judges."""
    ran = verdict not in BEFORE_FAULT
    phases = {Phase.BASELINE: 0.0, Phase.FAULT: 10.0, Phase.RECOVERY: 40.0} if ran else {Phase.BASELINE: 0.0}
    outcome = OUTCOMES.get(verdict, Outcome.NOT_JUDGED)
    slis = [
        sli("payment-success", outcome=outcome, expected="deviates to 60% to 88%", worst=0.7, during=0.75),
        sli("product-success", outcome=Outcome.HELD if ran else Outcome.NOT_JUDGED, expected="holds"),
        sli(
            "product-db-errors",
            unit="count",
            objective=0,
            tolerance=Tolerance(low=0, high=0),
            outcome=Outcome.HELD if ran else Outcome.NOT_JUDGED,
            expected="holds",
            baseline=0,
            worst=0,
            recovered=0,
        ),
        sli("storefront-success", tolerance=None, worst=0.9, outcome=Outcome.NOT_JUDGED, expected=""),
    ]
    alert = AlertResult(
        name="PaymentSuccessBudgetBurn",
        labels={"severity": "page"},
        pending_after_seconds=4.0 if ran else None,
        firing_after_seconds=6.0 if ran else None,
        within_seconds=30,
        outcome=AlertOutcome.FIRED if ran else AlertOutcome.NOT_JUDGED,
    )
    fields: dict[str, Any] = {
        "experiment": "payment",
        "title": "When one payment in four fails, an alert says so",
        "run_id": "20261124t100000-abcdef",
        "environment": "lab",
        "compressed_windows": True,
        "short_window_seconds": 10,
        "started": "2026-11-24T10:00:00+00:00",
        "duration_seconds": 62.5,
        "verdict": verdict,
        "reasons": [] if verdict is Verdict.VERIFIED else [f"this is why it is {verdict}"],
        "slis": slis,
        "alerts": [alert],
        "phases": phases,
        "fault_landed_seconds": 14.0 if ran else None,
        "time_to_detect_seconds": 6.0 if ran else None,
        "time_to_recover_seconds": 9.0 if verdict is Verdict.VERIFIED else None,
        "recover_within_seconds": 15.0,
        "budget": [
            BudgetResult(
                slo="payment-success",
                unit="failures",
                size=500,
                before=480,
                spent=60,
                after=420,
                spend_at_most=120,
            )
        ],
        "rollback": Rollback(proved=ran, differences=[] if ran else ["not checked"]),
        "about": About(
            hypothesis="The shop takes payments",
            tags=["payment"],
            grafana_url="http://grafana.example:3000",
            versions={"Grafana": "12.0.0"},
            architecture=load_architecture(ROOT / "manifests" / "architecture.yaml"),
        ),
        "samples": samples(60 if ran else 10),
    }
    return Verification(**(fields | changes))


def sli(name: str, **changes: Any) -> SliResult:
    fields: dict[str, Any] = {
        "name": name,
        "display_name": name.replace("-", " ").capitalize(),
        "objective": 0.99,
        "tolerance": Tolerance(low=0.95),
        "baseline": 1.0,
        "worst": 1.0,
        "during": 1.0,
        "recovered": 1.0,
        "expected": "holds",
        "outcome": Outcome.HELD,
    }
    return SliResult(**(fields | changes))


def samples(count: int) -> list[Sample]:
    """One a second: payments fail from 12 to 45, and there is no data at 20 to 22."""
    found = []
    for at in range(count):
        phase = Phase.BASELINE if at < 10 else Phase.FAULT if at < 40 else Phase.RECOVERY
        pay = None if 20 <= at <= 22 else 0.75 if 12 <= at < 45 else 1.0
        values = {"payment-success": pay, "product-success": 1.0, "product-db-errors": 0.0}
        found.append(Sample(at=at, phase=phase, values={**values, "storefront-success": 0.98}))
    return found
