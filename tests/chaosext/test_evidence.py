"""Evidence: whom traces blame, how missing evidence is judged, and that secrets stay out of it."""

import copy
from itertools import count

import pytest

from chaosext.errors import BadInput
from chaosext.evidence import Evidence, LogEvidence, RootCause
from chaosext.grafana.traces import Span, Trace
from chaosext.result import Verdict
from chaosext.slo.load import load_slos
from chaosext.verification.evidence_findings import evidence_findings
from chaosext.verification.expectations import Expectations, parse_expectations
from chaosext.verification.privacy import masked
from chaosext.verification.record import Record
from chaosext.verification.rootcause import blame_by_errors, blame_by_time, blamed_span, calls_by_service
from chaosext.verification.waterfall import MOST_SPANS, waterfall

from .evidence_assertions import ROOT

_ids = count()


def span(service, start=0.0, seconds=1.0, below=(), **rest):
    """A span with those below it, as nested tuples of spans."""
    rest.setdefault("kind", "client" if "peer" in rest else "server")
    peer = rest.pop("peer", "")
    made = Span(
        id=f"s{next(_ids)}",
        parent="",
        service=service,
        name=rest.pop("name", "GET /"),
        start=start,
        seconds=seconds,
        attributes={"server.address": peer} if peer else {},
        **rest,
    )
    return made, below


def trace(root) -> Trace:
    spans: list[Span] = []

    def add(node, parent):
        made, below = node
        made = Span(**{**made.__dict__, "parent": parent})
        spans.append(made)
        for child in below:
            add(child, made.id)

    add(root, "")
    return Trace("t", sorted(spans, key=lambda one: one.start))


def call(caller, callee, below=(), **rest):
    return span(caller, peer=callee, below=below, **rest)


FAILED_PAYMENT = span(
    "web",
    below=[
        call("web", "payment", failed=True, below=[span("payment", failed=True, exception="E: no provider")])
    ],
    failed=True,
)
NO_SLOT = span(
    "web",
    failed=True,
    below=[
        call("web", "product", failed=True, below=[span("product", failed=True, below=[
            call("product", "product-data", failed=True, exception="TooMany: no slot"),
        ])]),
    ],
)  # fmt: skip
GONE = span(
    "web",
    failed=True,
    below=[call("web", "session-data"), call("web", "api", failed=True, message="refused", start=0.1)],
)
GAVE_UP = span(
    "web", failed=True, below=[call("web", "product", failed=True, below=[span("product", seconds=9.0)])]
)
RETRIED = span("web", below=[call("web", "api", failed=True), call("web", "api", below=[span("api")])])


@pytest.mark.parametrize(
    ("root", "service"),
    [
        (FAILED_PAYMENT, "payment"),
        (NO_SLOT, "product-data"),
        (GONE, "api"),
        (GAVE_UP, "product"),
        (RETRIED, "api"),
        (span("web", failed=True), "web"),
    ],
)
def test_the_deepest_failure_is_to_blame(root, service):
    assert blamed_span(trace(root))[1] == service


def test_without_a_failure_nobody_is():
    assert blamed_span(trace(span("web", below=[call("web", "api")]))) is None


def test_most_failed_traces_decide_and_say_why():
    blame = blame_by_errors([trace(FAILED_PAYMENT)] * 3 + [trace(GONE)])
    assert (blame.service, blame.by, blame.of) == ("payment", 3, 4)
    assert "E: no provider (payment, GET /)" in blame.words


def test_the_blamed_service_s_own_words_come_first():
    own = trace(span("web", failed=True, below=[call("web", "product", failed=True, below=[
        span("product", failed=True, exception="ZeroDivisionError: by zero")])]))  # fmt: skip
    left = trace(
        span("web", failed=True, below=[call("web", "product", failed=True, message="CancelledError")])
    )
    assert "ZeroDivisionError" in blame_by_errors([left, left, own]).words


def test_a_few_failures_or_ones_that_the_customer_never_saw_blame_nobody():
    assert blame_by_errors([trace(FAILED_PAYMENT)] * 2) is None
    assert blame_by_errors([trace(RETRIED)] * 9) is None


def purchase(payment, queue=0.0, sql=0.01):
    """A purchase: payment takes so long, its callers wait so much longer, and a statement so long."""
    whole = payment + queue + sql + 0.1
    answer = span("payment", sql + queue, payment)
    asked = call("web", "payment", start=sql, seconds=payment + queue, below=[answer])
    return trace(span("web", seconds=whole, below=[call("web", "product-data", seconds=sql), asked]))


@pytest.mark.parametrize(
    ("now", "service"),
    [
        (purchase(3.0), "payment"),
        (purchase(0.7, queue=3.0), "payment"),
        (purchase(0.7, sql=2.0), "product-data"),
        (purchase(0.7), None),
        (purchase(1.3), None),
        (purchase(0.7, sql=0.09), None),
    ],
)
def test_who_became_slower_is_to_blame(now, service):
    blame = blame_by_time([now] * 5, [purchase(0.7)] * 5)
    assert (blame and blame.service) == service


def test_a_slow_service_is_blamed_by_its_calls_that_became_slower():
    blame = blame_by_time([purchase(3.0)] * 5 + [purchase(0.7)] * 3, [purchase(0.7)] * 5)
    assert (blame.service, blame.by, blame.of) == ("payment", 5, 8)


def test_a_slow_service_s_callers_are_not_slow_and_overlapping_calls_count_once():
    both = [call("web", "a", seconds=2.0, below=[span("a", seconds=2.0)]),
            call("web", "b", start=1.0, seconds=2.0, below=[span("b", 1.0, 2.0)])]  # fmt: skip
    before = [trace(span("web", seconds=0.1))]
    blame = blame_by_time([trace(span("web", seconds=3.05, below=both))], before)
    assert blame.service in {"a", "b"}
    assert (
        blame.words == f"{blame.service} takes 2.00 s of its own a call, where it took 0.00 s before the fault"
    )


def test_requests_and_failures_are_counted_by_who_answered():
    assert calls_by_service([trace(FAILED_PAYMENT), trace(GONE)]) == {"payment": (1, 1), "web": (2, 2)}


def test_a_waterfall_is_bounded_and_marks_the_failure():
    wide = span("web", failed=True, below=[call("web", "db", start=n / 100) for n in range(MOST_SPANS)])
    drawn = waterfall(trace(wide), 0.0, lambda text, longest: text[:longest])
    assert (len(drawn.spans), drawn.left_out) == (MOST_SPANS, 1)
    (blamed,) = [s for s in waterfall(trace(NO_SLOT), 0.0, masked).spans if s.to_blame]
    assert (blamed.service, blamed.peer, blamed.depth) == ("product", "product-data", 3)


@pytest.mark.parametrize(
    "text",
    [
        "password=hunter22x",
        'token: "hunter22x"',
        '{\\"api_key\\": \\"hunter22x\\"}',
        "Authorization: Bearer hunter22x",
        "redis://default:hunter22x@cart-data:6379/0",
        "glsa_hunter22x_0a1b2c3d",
        "Cookie: session=hunter22x; theme=dark",
        "card 4242 4242 4242 4242 declined",
        "card=4242424242424242",
        "card 4242424242424242.",
        "GET /search?q=4242%204242%204242%204242",
        "GET /search?q=4242+-+4242+-+4242+-+4242&page=2",
        "number%3D4242424242424242",
        "the token of this run is abcdef",
    ],
)
def test_secrets_are_masked(text):
    left = masked(text, 500, ("abcdef",))
    for secret in ("hunter22x", "4242 4242", "42424242", "abcdef"):
        assert secret not in left
    assert "[masked]" in left or "[card]" in left


@pytest.mark.parametrize(
    "text",
    [
        "ts=2026-11-24T04:20:48.510Z traceID=20e498a16e29f978a6f127e64a16aa8d spanID=57c79a41a2fd0192",
        "SELECT id FROM product.products WHERE id = ANY($1::text[]) ORDER BY position",
        "2026-11-24 04:11:58.123 UTC [12345] FATAL:  remaining connection slots are reserved",
        "HGETALL ?\nEXPIRE ? ?",
        "Error 111 connecting to cart-data:6379. Connect call failed ('127.77.255.254', 6379).",
    ],
)
def test_what_is_no_secret_stays(text):
    assert masked(text, 500) == text


def test_a_text_is_cut():
    assert masked("x" * 30, 10) == "x" * 9 + "…"


QUERY = '{service="payment"} |= "provider"'


@pytest.fixture
def record():
    stated = {
        "name": "chaosext",
        "expect": [{"sli": "payment-success", "outcome": "deviates", "at_most": 0.88}],
        "recover_within_windows": 4,
        "evidence": {"logs": [{"name": "provider", "query": QUERY, "at_least": 5}], "root_cause": "payment"},
    }
    found = Evidence(
        collected=True,
        logs=[LogEvidence(name="provider", query=QUERY, at_least=5, count=5)],
        root_cause=RootCause(service="payment", by="errors", count=9, of=9, words="x", expected="payment"),
    )
    return Record(expectations=Expectations.model_validate(stated), evidence=found)


def test_evidence_as_expected_says_nothing(record):
    assert evidence_findings(record) == []


@pytest.mark.parametrize(
    ("shown", "verdict"), [(None, Verdict.FAULT_NOT_LANDED), (12.0, Verdict.SYSTEM_FAILED)]
)
def test_missing_evidence_means_that_the_fault_did_not_land_unless_that_was_proved(record, shown, verdict):
    record.shown = shown
    record.evidence.logs[0].count = 4
    record.evidence.root_cause = RootCause(service="cart", words="y")
    lines, cause = evidence_findings(record)
    assert lines == (
        verdict,
        f"expected evidence is missing: 4 of at least 5 lines of 'provider' came ({QUERY})",
    )
    assert cause == (verdict, "the root cause is not payment: traces blame cart (y)")
    record.evidence.root_cause = RootCause(words="nothing failed")
    assert "traces blame nobody (nothing failed)" in evidence_findings(record)[1][1]


@pytest.mark.parametrize(
    ("stated", "cause", "said"),
    [
        ({}, {"by": "latency", "count": 1, "of": 9}, None),
        ({"by": "errors"}, {"by": "errors", "count": 1, "of": 9}, None),
        (
            {"by": "errors"},
            {"by": "latency", "count": 9, "of": 9},
            "not payment by errors: traces blame payment",
        ),
        (
            {"by": "latency"},
            {"by": "errors", "count": 9, "of": 9},
            "not payment by latency: traces blame payment",
        ),
        ({"share_at_least": 0.7}, {"by": "errors", "count": 7, "of": 10}, None),
        (
            {"share_at_least": 0.7},
            {"by": "errors", "count": 6, "of": 10},
            "not payment in at least 70%: traces",
        ),
        (
            {"by": "latency", "share_at_least": 0.5},
            {"by": "latency", "count": 4, "of": 9},
            "not payment by latency in at least 50%: traces blame payment (w)",
        ),
    ],
)
@pytest.mark.parametrize(
    ("shown", "verdict"), [(None, Verdict.FAULT_NOT_LANDED), (12.0, Verdict.SYSTEM_FAILED)]
)
def test_the_right_service_by_the_wrong_way_or_by_too_few_is_another_cause(
    record, stated, cause, said, shown, verdict
):
    given = record.expectations.model_dump()
    given["evidence"]["root_cause"] = {"service": "payment", **stated}
    record.expectations, record.shown = Expectations.model_validate(given), shown
    record.evidence.root_cause = RootCause(service="payment", words="w", **cause)
    found = evidence_findings(record)
    assert [one for one, _ in found] == ([] if said is None else [verdict])
    assert all(said in text for _, text in found)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda e: setattr(e, "not_collected", {"logs": "no Loki", "traces": "no Tempo"}),
        lambda e: setattr(e, "not_collected", {}),
    ],
)
def test_what_could_not_be_asked_is_no_data(record, spoil):
    record.evidence = Evidence()
    spoil(record.evidence)
    assert [verdict for verdict, _ in evidence_findings(record)] == [Verdict.NO_DATA] * 2


def test_a_query_that_fails_is_no_data_with_its_reason(record):
    log = record.evidence.logs[0]
    log.count, log.missing = None, "parse error"
    ((verdict, text),) = evidence_findings(record)
    assert (verdict, "parse error" in text) == (Verdict.NO_DATA, True)


def test_who_expects_nothing_misses_nothing(record):
    stated = record.expectations.model_dump()
    record.expectations = Expectations.model_validate({**stated, "evidence": {}})
    record.evidence = Evidence(not_collected={"logs": "no Loki", "traces": "no Tempo"})
    assert evidence_findings(record) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"logs": [{"name": "x", "query": "", "at_least": 1}]}, "evidence.logs.0.query"),
        ({"logs": [{"name": "x", "query": "{}", "at_least": 0}]}, "evidence.logs.0.at_least"),
        ({"logs": [{"query": "{}"}]}, "evidence.logs.0.name"),
        ({"root_cause": ""}, "evidence.root_cause"),
        ({"root_cause": {"by": "errors"}}, "evidence.root_cause.service"),
        ({"root_cause": {"service": "payment", "by": "error"}}, "evidence.root_cause.by"),
        ({"root_cause": {"service": "payment", "share_at_least": 70}}, "evidence.root_cause.share_at_least"),
        ({"rootcause": "payment"}, "evidence.rootcause"),
    ],
)
def test_a_wrong_statement_of_evidence_is_one_clear_line(experiment, wrong, said):
    experiment["extensions"][0]["evidence"] = wrong
    with pytest.raises(BadInput, match=said):
        parse_expectations(experiment, load_slos(ROOT / "manifests" / "slo.yaml"))


@pytest.fixture
def experiment():
    probe = {
        "name": "p",
        "tolerance": {"type": "range", "range": [0.95, 1.0]},
        "provider": {"module": "chaosext.slo.probes", "func": "sli", "arguments": {"name": "payment-success"}},
    }
    stated = {
        "name": "chaosext",
        "expect": [{"sli": "payment-success", "outcome": "holds"}],
        "recover_within_windows": 4,
    }
    return copy.deepcopy({"steady-state-hypothesis": {"probes": [probe]}, "extensions": [stated]})
