"""The budget guard on the running lab: what a run may not spend ends it, or keeps it from beginning."""

from __future__ import annotations

import pytest

from chaosext.result import EXIT_CODES, Phase, Verdict, Verification

from .site import Site

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]


def test_a_run_is_aborted_at_twice_its_stated_spend_and_the_next_one_refused_below_the_floor(
    site: Site,
) -> None:
    site.make_ready()
    code, found = _ended(site)
    assert (found.verdict, code) == (Verdict.SYSTEM_FAILED, EXIT_CODES[Verdict.SYSTEM_FAILED])
    assert "aborted on burn: the run spent" in found.reasons[0]
    assert "of the error budget of payment-success, more than 2 times the 2 that it states" in found.reasons[0]
    assert found.rollback.proved
    assert site.unhealed() is None
    (budget,) = [b for b in found.budget if b.slo == "payment-success"]
    assert budget.spent is not None
    assert budget.spent > 4
    # Something of the budget is spent now, so that this much of it is not left.
    with site.budget_floor(0.9999):
        code, found = _ended(site)
    assert (found.verdict, code) == (Verdict.NOT_RUN, EXIT_CODES[Verdict.NOT_RUN])
    assert "of the error budget of payment-success is left, where a run needs 100%" in found.reasons[0]
    assert found.phases.get(Phase.FAULT) is None
    assert site.unhealed() is None


def _ended(site: Site) -> tuple[int, Verification]:
    """Run the attacked experiment, which states that it spends two failures; return how it ended."""
    run = site.run(spend=2)
    try:
        code, found = run.end(), run.verification()
    finally:
        run.kill()
    assert found is not None, run.output
    return code, found
