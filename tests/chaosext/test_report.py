import json
import re

import pytest

from chaosext.errors import BadInput
from chaosext.report.markdown import render_markdown
from chaosext.report.summary import last_line, summary_lines
from chaosext.result import (
    BudgetResult,
    Outcome,
    Phase,
    Rollback,
    Sample,
    SliResult,
    Tolerance,
    Verdict,
    Verification,
    read,
    write,
)
from chaosext.words import show_value


@pytest.fixture
def verification():
    phases = {Phase.BASELINE: 0.0, Phase.FAULT: 5.0, Phase.RECOVERY: 25.0}
    samples = [
        Sample(
            at=at,
            phase=Phase.BASELINE if at < 5 else Phase.FAULT if at < 25 else Phase.RECOVERY,
            values={"payment-success": None if at == 3 else 0.75 if 7 <= at < 30 else 1.0},
        )
        for at in range(40)
    ]
    sli = SliResult(
        name="payment-success",
        display_name="Payment success",
        objective=0.99,
        tolerance=Tolerance(low=0.95),
        baseline=1.0,
        worst=0.71,
        during=0.7512,
        during_events=160,
        recovered=1.0,
        expected="deviates to 60% to 88%",
        outcome=Outcome.DEVIATED,
    )
    return Verification(
        experiment="payment",
        title="A title | with <b>markup</b>",
        run_id="20261123t224400-abcdef",
        environment="lab",
        compressed_windows=True,
        short_window_seconds=10,
        started="2026-11-23T22:44:00+00:00",
        duration_seconds=61.24,
        verdict=Verdict.VERIFIED,
        reasons=[],
        slis=[sli],
        phases=phases,
        fault_landed_seconds=8.1,
        time_to_recover_seconds=11.9,
        recover_within_seconds=40,
        budget=[
            BudgetResult(slo="payment-success", unit="failures", size=500, before=500, spent=42, after=458)
        ],
        rollback=Rollback(proved=True),
        deviated=True,
        samples=samples,
    )


def test_the_summary_has_slis_before_during_and_after_and_the_verdict(verification):
    lines = summary_lines(verification)
    assert lines[0].split() == ["SLI", "before", "during", "after", "outcome"]
    assert lines[1].split() == ["Payment", "success", "100%", "75.12%", "100%", "deviated", "as", "expected"]
    assert "Time to recover: 11.9 s (allowed: 40.0 s)" in lines
    assert "Error budget of payment-success: 42 of 500 failures spent, 458 left" in lines
    assert lines[-1].startswith("Verdict: verified: every expectation was met")


def test_the_last_line_explains_chaos_toolkit_s_exit_code_only_where_it_differs(verification):
    assert "exits with 1" in last_line(verification)
    verification.deviated = False
    assert last_line(verification) is None
    verification.deviated, verification.verdict = True, Verdict.SYSTEM_FAILED
    assert last_line(verification) is None


def test_the_report_has_every_part_and_escapes_what_it_quotes(verification):
    text = render_markdown(verification)
    assert text.startswith("# A title \\| with &lt;b>markup&lt;/b>\n\n**verified**")
    assert "| Payment success | 99% | at least 95% | 100% | 75.12% of 160 | 71% | 100% |" in text
    assert "(short window 10 s, compressed)" in text
    assert "| payment-success | failures | 500 | 500 | 42 | 458 | - |" in text
    spark = re.search(r"Payment success {2}(.{40})", text)[1]
    assert set(spark) == {"█", "▆", " "}
    assert text.count("\n| ---") == 3


def test_a_run_that_never_began_still_has_a_report(verification):
    bare = verification.model_copy(
        update={
            "verdict": Verdict.NOT_RUN,
            "reasons": ["refused: namespace 'x'"],
            "slis": [],
            "samples": [],
            "phases": {},
            "budget": [],
            "rollback": Rollback(proved=False, differences=["not checked"]),
        }
    )
    assert "**not-run**: refused: namespace 'x'" in render_markdown(bare)
    assert summary_lines(bare)[-1] == "Verdict: not-run: refused: namespace 'x'"


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (None, "no data"),
        (1, "100%"),
        (0, "0%"),
        (0.99999, "99.99%"),
        (0.00001, "0.01%"),
        (0.75, "75%"),
        (0.875, "87.5%"),
    ],
)
def test_a_ratio_is_never_rounded_to_what_it_is_not(ratio, said):
    assert show_value(ratio, "ratio") == said


def test_verification_json_is_read_back_as_it_was(tmp_path, verification):
    path = write(tmp_path, verification)
    assert read(tmp_path) == verification
    assert json.loads(path.read_text())["verdict"] == "verified"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "said"), [(None, "No such file"), ("{}", "Field required"), ("x", "Invalid JSON")]
)
def test_a_result_that_cannot_be_read(tmp_path, text, said):
    if text is not None:
        (tmp_path / "verification.json").write_text(text)
    with pytest.raises(BadInput, match=said):
        read(tmp_path)
