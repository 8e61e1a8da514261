"""The evidence in report.md."""

from pathlib import Path

import pytest

from chaosext.evidence import Evidence, LogEvidence, RootCause, ServiceErrors, TraceEvidence, TraceSpan
from chaosext.report.markdown import render_markdown
from chaosext.result import Rollback, Verdict, Verification, read, write


@pytest.fixture
def run() -> Verification:
    spans = [
        TraceSpan(id="a", depth=0, service="web", name="GET /", start=0.0, duration=1.0, failed=True),
        TraceSpan(
            id="b",
            parent="a",
            depth=1,
            service="product",
            name="SELECT",
            peer="product-data",
            start=0.5,
            duration=0.5,
            failed=True,
            statement="SELECT 1\nFROM x",
            exception="TooMany: no slot",
            to_blame=True,
        ),
    ]
    evidence = Evidence(
        collected=True,
        logs=[
            LogEvidence(
                name="no slot", query='{a="b"} |= "c"', at_least=2, count=3, first_at=4.2,
                samples=["FATAL: | no slot\n```\n# left"],
            ),
            LogEvidence(name="refused", query="{}", at_least=1, missing="parse error"),
        ],
        services=[ServiceErrors(service="product", requests=4, failed=1)],
        worst_trace=TraceEvidence(
            id="t1", name="GET /", service="web", at=7.0, duration=1.0, failed=True, spans=spans, left_out=2
        ),
        root_cause=RootCause(
            service="product-data", by="errors", count=9, of=9, words="the deepest <failure>",
            expected="product",
        ),
    )  # fmt: skip
    return Verification(
        experiment="e",
        title="t",
        run_id="r",
        environment="lab",
        compressed_windows=True,
        short_window_seconds=10,
        started="2026-11-24T04:00:00+00:00",
        duration_seconds=60,
        verdict=Verdict.VERIFIED,
        reasons=[],
        slis=[],
        rollback=Rollback(proved=True),
        evidence=evidence,
    )


def test_lines_rates_trace_and_root_cause_are_shown(run):
    text = render_markdown(run)
    assert "Probable root cause: **product-data** (product was expected): the deepest &lt;failure>." in text
    assert '| no slot | {a="b"} \\|= "c" | 3 | 2 | 4.2 s | **found** |' in text
    assert "| refused | {} | parse error | 1 | - | **missing** |" in text
    assert "| product | 4 | 1 | 25.0% |" in text
    assert "The slowest trace with a failure: t1, 1.000 s, 7.0 s after the start; 2 more spans" in text
    assert f"    web GET /                        |{'=' * 32}| 1.000 s failed\n" in text
    bar = f"|{' ' * 16}{'=' * 16}|"
    assert f"      product SELECT -> product-data {bar} 0.500 s FAILED HERE TooMany: no slot SELECT 1" in text


def test_no_line_of_a_log_ends_its_block(run):
    assert "    FATAL: | no slot ``` # left" in render_markdown(run).splitlines()


def test_what_was_not_collected_is_said_and_a_run_without_a_fault_has_no_section(run):
    run.evidence = Evidence(not_collected={"traces": "no Tempo data source"})
    assert "- traces not collected: no Tempo data source" in render_markdown(run)
    run.evidence = Evidence()
    assert "## Evidence" not in render_markdown(run)


def test_evidence_is_read_as_it_was_written_and_older_files_have_none(run, tmp_path: Path):
    write(tmp_path, run)
    assert read(tmp_path) == run
    path = tmp_path / "verification.json"
    older = run.model_dump_json(exclude={"evidence"}, by_alias=True)
    path.write_text(older)
    assert read(tmp_path).evidence == Evidence()
