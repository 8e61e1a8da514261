"""Attacks on a run, on the running lab: whatever is done to it, the shop is healed and the result says so."""

from __future__ import annotations

import json
import time

import pytest

from chaosext.result import EXIT_CODES, Verdict

from ..secrecy import assert_in_no_argument, assert_not_written
from .site import LEFT, PHASES, Run, Site, wait_until
from .strike import lift, strike
from .table import BY_HAND, CASES, DIED, NEXT_RUN, QUICK, ROW, RUN, WATCHDOG, Case, Row

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
_IN_VAIN = ("Grafana", "Prometheus")
REPORT = {"verification.json", "report.html", "report.md", "junit.xml", "journal.json"}
"""What every run leaves, whoever finished it."""


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=[] if c.name in QUICK else [pytest.mark.full], id=c.name) for c in CASES],
)
def test_whatever_is_done_to_a_run_the_shop_is_healed(
    case: Case, site: Site, request: pytest.FixtureRequest
) -> None:
    site.make_ready()
    in_vain = case.attack.startswith(_IN_VAIN) or (
        case.attack.startswith("Kubernetes") and case.phase == "rollback"
    )
    # What cannot come is not waited for long.
    run = site.run(baseline=2 if in_vain and case.phase == "baseline" else 8, recovery=1.5 if in_vain else 8)
    try:
        began = _attack(run, case)
        code = run.end()
        lift(run)
        if case.healed_by == BY_HAND:
            _heal_by_hand(site)
        if case.healed_by == NEXT_RUN:
            _heal_by_next_run(site)
        restored = wait_until(site.unhealed)
        seconds = time.monotonic() - began
        found = run.verification()
        print(run.output)
        row = Row(case, found.verdict if found else None, code, seconds)
        request.node.user_properties.append((ROW, row))
    finally:
        lift(run)
        run.kill()
    assert restored.missing is None, run.output
    diff = site.lab.run("kubectl", "diff", "-f", "manifests/app.yaml")
    assert (diff.returncode, diff.stdout) == (0, "")
    assert "Traceback" not in run.output, run.output
    _check_result(case, run, code)
    if case.healed_by == WATCHDOG:
        _check_watchdog_s_words(case, run)
    assert_not_written(site.secrets, [run.reports, site.logs])
    assert not any(secret in run.output for secret in site.secrets)


def test_every_quick_attack_is_in_the_table() -> None:
    assert {case.name for case in CASES} >= QUICK
    assert {case.phase for case in CASES if case.name in QUICK} == set(PHASES)
    assert len({case.name for case in CASES}) == len(CASES) >= 40


def _attack(run: Run, case: Case) -> float:
    """Strike when the phase begins, take it back when the case says; return when it was struck."""
    assert run.wait_for(PHASES[case.phase]), run.output
    assert_in_no_argument(run.site.secrets)
    strike(run, case.attack)
    began = time.monotonic()
    if case.until is not None or "Kubernetes" in case.attack:
        run.wait_for(case.until or LEFT)
        lift(run)
    return began


def _check_result(case: Case, run: Run, code: int) -> None:
    found = run.verification()
    if case.verdict is None:
        assert found is None
        assert code in {-9, EXIT_CODES[Verdict.TOOL_ERROR]}
        assert case.said in run.output
        return
    assert found is not None, run.output
    assert {path.name for path in run.folder.iterdir()} >= REPORT
    assert (found.verdict, code) == (case.verdict, EXIT_CODES[case.verdict]), (found.reasons, run.output)
    assert case.said in "; ".join(found.reasons), found.reasons
    assert all("\n" not in reason for reason in found.reasons)
    assert (run.folder / "healed.json").exists() is (case.healed_by == WATCHDOG)
    if case.healed_by == RUN and case.phase != "baseline":
        assert found.rollback.proved


def _check_watchdog_s_words(case: Case, run: Run) -> None:
    """Look for what the watchdog says beside the report, in it, and in Grafana."""
    healed = json.loads((run.folder / "healed.json").read_text())
    assert healed["remaining"] == []
    if case.phase == "observe":
        found = "; ".join(healed["differences"])
        assert "service/payment: " in found
        assert "configmap/of-the-fault: a run created it" in found
    if case.said == DIED:
        journal = json.loads((run.folder / "journal.json").read_text())
        assert journal["status"] == "aborted"
        assert "The watchdog restored the system (the runner died)" in (run.folder / "report.md").read_text()
    (annotation,) = run.site.annotations("chaos", "healed", healed["run_id"])
    assert f"{healed['reason']}; restored in " in annotation["text"]
    # A run that died has given no verdict itself.
    assert ("verdict" in annotation["tags"]) is (case.said == DIED)


def _heal_by_hand(site: Site) -> None:
    done = site.heal()
    assert done.returncode == 0, done.stdout + done.stderr
    again = site.heal()
    assert (again.returncode, "0 differences were found" in again.stdout) == (0, True), again.stdout


def _heal_by_next_run(site: Site) -> None:
    following = site.run()
    try:
        code, found = following.end(), following.verification()
    finally:
        following.kill()
    assert code == 0, following.output
    assert "died and left its Lease behind: healing first" in following.output
    assert found is not None
    assert found.healed_before
