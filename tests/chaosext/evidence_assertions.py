"""What the evidence of a run of this repository's experiments must say; for tests that have such a run."""

from __future__ import annotations

import json
from pathlib import Path

from chaosext.result import Verification
from chaosext.verification.expectations import EvidenceExpectation

ROOT = Path(__file__).parents[2]
VARIANTS = {
    "payment": ("payment", "1.0.1-payment-failures"),
    "slow-payments": ("payment", "1.0.1-slow-payments"),
    "product-latency": ("product", "1.0.1-basic-bug"),
}
"""Faults that are releases: their service, and the version that its spans tell."""
ERRORS = {"payment", "product-latency", "postgres-connections", "api-gateway", "cart-data", "session-data"}


def assert_evidence(found: Verification) -> None:
    """Assert what holds for every run that reached its fault; `found` is one experiment's verification."""
    evidence, expected = found.evidence, _expected(found.experiment)
    assert evidence.collected, evidence.not_collected
    assert evidence.not_collected == {}
    assert [(log.name, log.missing) for log in evidence.logs] == [
        (log["name"], None) for log in expected.get("logs", [])
    ]
    for log in evidence.logs:
        assert log.found, (log.name, log.count)
        assert log.first_at is not None
        assert 0 <= log.first_at <= found.duration_seconds
        assert 1 <= len(log.samples) <= min(5, log.count or 0)
    if (stated := EvidenceExpectation.model_validate(expected).root_cause) is not None:
        assert evidence.root_cause is not None
        assert stated.met_by(evidence.root_cause), evidence.root_cause
        assert (evidence.root_cause.expected, evidence.root_cause.as_expected) == (str(stated), True)
    assert evidence.services
    assert all(0 <= service.failed <= service.requests for service in evidence.services)
    assert_worst_trace(found)


def assert_worst_trace(found: Verification) -> None:
    """Assert that the worst trace is a tree that ends in the root cause, with statements and versions."""
    trace, cause = found.evidence.worst_trace, found.evidence.root_cause
    assert trace is not None
    known: set[str] = set()
    for span in trace.spans:
        assert (span.depth == 0) == (span.parent not in known)
        known.add(span.id)
        assert 0 <= span.start <= trace.duration
    assert trace.spans[0].service == trace.service
    assert any(span.statement for span in trace.spans), "no span has its SQL statement or Redis command"
    if found.experiment in ERRORS:
        assert trace.failed
        assert cause is not None
        assert cause.by == "errors"
        (blamed,) = [span for span in trace.spans if span.to_blame]
        assert cause.service in {blamed.service, blamed.peer}
        assert blamed.exception
    if found.experiment in VARIANTS:
        service, version = VARIANTS[found.experiment]
        versions = {span.version for span in trace.spans if span.service == service}
        # A caller that gave up first leaves no span of the release that it waited for: who has a Tempo asks it.
        assert versions <= {version, "1.0.0"}


def assert_no_secrets(found: Verification, *secrets: str) -> None:
    """Assert that no secret is in the evidence, nor what looks like the number of a card."""
    text = found.evidence.model_dump_json()
    for secret in secrets:
        assert secret not in text
    for digits in ("4242", "4111", "5555"):
        assert digits * 2 not in text


def _expected(experiment: str) -> dict[str, object]:
    content = json.loads((ROOT / "experiments" / f"{experiment}.json").read_text())
    (mine,) = [e for e in content["extensions"] if e["name"] == "chaosext"]
    return mine.get("evidence", {})
