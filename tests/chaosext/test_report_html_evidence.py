"""The evidence in report.html: of a real run, and of runs that lack some of it."""

import re
import xml.etree.ElementTree as ET

import pytest

from chaosext.evidence import Evidence, LogEvidence, RootCause, ServiceErrors, TraceEvidence, TraceSpan
from chaosext.report.html import render_html
from chaosext.result import Verdict, Verification

from .made import HOSTILE, made, real


def text_of(v: Verification) -> str:
    """Return what a reader sees, without the drawings' own texts."""
    body = re.sub(r"<style>.*?</style>|<title>.*?</title>|</?b>", "", render_html(v), flags=re.S)
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


def boxes(v: Verification) -> dict[str, tuple[str, list[str]]]:
    """Return each box of the architecture drawing: its state and its lines, by its title."""
    (drawing,) = re.findall(r'<svg class="diagram".*?</svg>', render_html(v), re.S)
    root = ET.fromstring(drawing)  # noqa: S314 - it was made here
    groups = [g for g in root.iter("g") if (g.get("class") or "").startswith("box")]
    texts = [[text.text for text in group.iter("text")] for group in groups]
    return {
        name: (group.get("class").removeprefix("box").strip(), lines)
        for group, (name, *lines) in zip(groups, texts, strict=True)
    }


def traced(**changes) -> Verification:
    spans = [
        TraceSpan(id="a", depth=0, service="web-gateway", name="POST /", start=0, duration=3.0),
        TraceSpan(
            id="b",
            depth=1,
            service="checkout",
            name="POST",
            peer="payment",
            start=0.1,
            duration=2.8,
            parent="a",
        ),
        TraceSpan(
            id="c", depth=2, service="payment", name="POST /process", start=0.2, duration=2.6, parent="b"
        ),
        TraceSpan(
            id="d",
            depth=3,
            service="payment",
            name="GET",
            start=0.3,
            duration=0.1,
            statement="GET ?",
            parent="c",
        ),
    ]
    fields = {
        "collected": True,
        "services": [ServiceErrors(service="checkout", requests=50, failed=0)],
        "worst_trace": TraceEvidence(
            id="t", name="POST /", service="web-gateway", at=70, duration=3.0, failed=False, spans=spans
        ),
        "root_cause": RootCause(
            service="payment", by="latency", count=5, of=5, words="payment takes 2 s", expected="payment"
        ),
    }
    return made(evidence=Evidence(**(fields | changes)))


def test_a_real_run_shows_cause_lines_rates_trace_and_error():
    run = real("postgres-connections")
    text = text_of(run)
    assert "✓ verified ✓ Probable root cause: product-data, as expected When a client takes all" in text
    assert "The deepest failure of 40 of 40 failed traces is product-data's: TooManyConnectionsError" in text
    assert (
        "PostgreSQL has no slot left ✓ found 409 lines, of at least 10 expected, the first 0:09 after" in text
    )
    assert text.count("FATAL: remaining connection slots are reserved") == 3
    assert "product 39 39 100.0%" in text
    assert "Trace 29144bfc05e04c703c5f800758a1d322, begun 0:26 after the start" in text
    assert "Span product connect → product-data Version 1.0.0 Error TooManyConnectionsError: remaining" in text
    assert "Statements of its service in this trace" not in text
    assert 'class="span hue-4 failed blamed"' in render_html(run)


def test_the_failing_span_s_statement_is_shown_in_full():
    run = real("postgres-connections")
    blamed = next(span for span in run.evidence.worst_trace.spans if span.to_blame)
    blamed.statement = "SELECT 1" + " AND 1 = 1" * 60
    assert f"Its statement {blamed.statement}" in text_of(run)


def test_where_nothing_failed_the_span_that_became_slow_is_lifted_out():
    text = text_of(traced())
    assert "Span payment POST /process Statements of its service in this trace GET ?" in text
    assert "No span of it failed." in text
    assert render_html(traced()).count(" blamed") == 1 + render_html(made()).count(" blamed")


@pytest.mark.parametrize(
    ("expected", "met", "said", "tone"),
    [
        ("payment by errors", True, "payment, as expected", "good"),
        ("payment by errors", False, "payment (payment by errors was expected)", "bad"),
        # Older results say the service only.
        ("payment", None, "payment, as expected", "good"),
        ("cart", None, "payment (cart was expected)", "bad"),
        (None, None, "payment", "none"),
    ],
)
def test_the_root_cause_beside_the_verdict_is_held_against_what_was_expected(expected, met, said, tone):
    cause = RootCause(service="payment", words="w", expected=expected, as_expected=met)
    text = render_html(traced(root_cause=cause))
    (label,) = re.findall(rf'<span class="pill {tone}">[^<]*Probable root cause: ([^<]*)</span>', text)
    assert label == said


def test_without_a_root_cause_none_is_named_and_it_says_why():
    run = traced(root_cause=RootCause(words="0 of 80 traces failed, no service became slower"))
    assert "Probable root cause: none. 0 of 80 traces failed" in text_of(run)
    assert '">Probable' not in render_html(run)


def test_what_could_not_be_collected_is_noticed():
    missing = {"logs": "no Loki data source", "traces": "interrupted"}
    text = text_of(made(evidence=Evidence(not_collected=missing)))
    assert "! No evidence from logs: no Loki data source. ! No evidence from traces: interrupted." in text
    assert "The worst trace" not in text
    refused = LogEvidence(name="no slot", query="{}", at_least=1, missing="parse error")
    few = LogEvidence(name="few", query="{}", at_least=2, count=1, first_at=12.0, samples=["x" * 1000])
    text = text_of(traced(logs=[refused, few]))
    assert "no slot ✕ missing ! Could not be asked: parse error." in text
    assert "few ✕ missing 1 line, of at least 2 expected, the first 0:12" in text
    assert "x… (580 more in verification.json)" in text


@pytest.mark.parametrize("verdict", [Verdict.NOT_RUN, Verdict.TOOL_ERROR])
def test_a_run_that_never_came_to_its_fault_has_no_such_section(verdict):
    assert "Error rate" not in render_html(made(verdict))
    assert "<h2>Evidence" not in render_html(made(verdict))


def test_traces_colour_a_component_where_they_say_more_than_its_slis():
    before = boxes(made())
    assert before["Checkout"] == ("unknown", [])
    assert before["Product"] == ("good", ["✓ well"])
    assert before["Payment"][0] == "bad"
    failing = [
        ServiceErrors(service="checkout", requests=50, failed=0),
        ServiceErrors(service="product", requests=10, failed=4),
        ServiceErrors(service="payment", requests=10, failed=1),
        ServiceErrors(service="content", requests=200, failed=1),
    ]
    after = boxes(traced(services=failing, root_cause=RootCause(service="product-data", words="w")))
    assert after["Checkout"] == ("good", ["✓ no request failed"])
    assert after["Product"] == ("warn", ["! 40% of requests failed"])
    assert after["Content"] == ("good", ["✓ hardly a request failed"])
    assert after["Payment"] == before["Payment"]
    assert after["PostgreSQL"] == ("bad", ["✕ probable root cause", "✓ well"])
    assert "PostgreSQL: probable root cause" in render_html(
        traced(root_cause=RootCause(service="product-data", words="w"))
    )


def test_what_logs_and_traces_say_is_text():
    span = TraceSpan(
        id=HOSTILE, depth=0, service=HOSTILE, name=HOSTILE, peer=HOSTILE, start=0, duration=0, failed=True,
        statement=HOSTILE, exception=HOSTILE, version=HOSTILE, to_blame=True,
    )  # fmt: skip
    trace = TraceEvidence(
        id=HOSTILE, name=HOSTILE, service=HOSTILE, at=0, duration=0, failed=True, spans=[span]
    )
    log = LogEvidence(name=HOSTILE, query=HOSTILE, at_least=1, count=1, samples=[HOSTILE] * 5)
    hostile = Evidence(
        collected=True,
        not_collected={HOSTILE: HOSTILE},
        logs=[log],
        services=[ServiceErrors(service=HOSTILE, requests=1, failed=1)],
        worst_trace=trace,
        root_cause=RootCause(service=HOSTILE, words=HOSTILE, expected=HOSTILE),
    )
    text = render_html(made(evidence=hostile))
    assert "<script" not in text
    assert text.count("&lt;script&gt;") > 15
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", text)


def test_much_evidence_stays_below_a_megabyte():
    spans = [
        TraceSpan(
            id=str(n), depth=n % 30, service=f"s{n % 12}", name="x" * 200, start=n, duration=1,
            statement="y" * 500, exception="z" * 500,
        )
        for n in range(80)
    ]  # fmt: skip
    trace = TraceEvidence(
        id="t", name="n", service="s", at=0, duration=99, failed=True, spans=spans, left_out=9
    )
    logs = [
        LogEvidence(name=f"log {n}", query="q" * 500, at_least=1, count=5, samples=["l" * 2000] * 5)
        for n in range(20)
    ]
    services = [ServiceErrors(service=f"service-{n}", requests=9, failed=1) for n in range(100)]
    run = traced(logs=logs, services=services, worst_trace=trace)
    assert len(render_html(run).encode()) < 400_000
    assert "29 more spans are not drawn" in render_html(run)
