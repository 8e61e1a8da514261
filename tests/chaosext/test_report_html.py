"""report.html for every verdict: whole, offline, accessible, safe, and saying what the run says."""

import itertools
import re
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest

from chaosext.report.advice import advice
from chaosext.report.events import events
from chaosext.report.history import Comparison
from chaosext.report.html import render_html
from chaosext.report.moment import Condition, component_state, worst_moment
from chaosext.result import About, Outcome, Phase, Rollback, Sample, Verdict

from .made import HOSTILE, made, real, samples, sli

VOID = {"meta", "br", "img", "hr", "link", "input"}
REAL = ("payment", "session-data", "old-form", "not-steady", "postgres-connections")


class Page(HTMLParser):
    """A document as a browser sees it: elements in order, text outside of style, and what was left open."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(verification, compared=()):
    return Page(render_html(verification, compared))


@pytest.fixture(params=[*Verdict, *REAL], ids=str)
def verification(request):
    return made(request.param) if isinstance(request.param, Verdict) else real(request.param)


def test_it_is_whole_offline_and_small(verification):
    text = render_html(verification)
    page = Page(text)
    assert page.open == []
    assert len(page.all("h1")) == len(page.all("main")) == 1
    assert {"script", "iframe", "object", "link", "img", "form"}.isdisjoint(name for name, _ in page.elements)
    assert not re.search(r"url\((?!#)|@import|src=", text)
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    assert len(text.encode()) < 200_000


def test_it_says_the_verdict_why_and_the_hypothesis(verification):
    text = page_of(verification).text
    assert str(verification.verdict) in text
    assert verification.title in text
    for reason in verification.reasons:
        assert reason[1:] in text
    assert verification.about.hypothesis in text
    assert ("What to do next" in text) == (verification.verdict is not Verdict.VERIFIED)


def test_it_can_be_read_without_seeing_it(verification):
    page = page_of(verification)
    for svg in page.all("svg"):
        # Either it says in words what it shows, or it is a part of one that does, or a sample in a legend.
        assert svg.get("aria-label") or svg.get("aria-hidden") or svg.get("class") == "area"
    for heading in page.all("th"):
        assert heading["scope"] in {"row", "col"}
    for region in (d for d in page.all("div") if d.get("class") == "scroll"):
        assert (region["tabindex"], region["role"]) == ("0", "region")
        assert region["aria-label"]
    levels = [int(name[1]) for name, _ in page.elements if re.fullmatch(r"h[1-6]", name)]
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))


def test_every_sli_has_a_plot_and_a_row(verification):
    page = page_of(verification)
    plots = [s for s in page.all("svg") if s.get("class") == "plot"]
    assert len(plots) == len(verification.slis)
    for result in verification.slis:
        assert any(result.display_name in (plot["aria-label"] or "") for plot in plots)
        assert page.text.count(result.display_name) >= 2


def test_what_comes_from_outside_is_text():
    hostile = made(
        Verdict.SYSTEM_FAILED,
        title=HOSTILE,
        experiment=HOSTILE,
        run_id=HOSTILE,
        environment=HOSTILE,
        reasons=[HOSTILE],
        slis=[sli(HOSTILE, display_name=HOSTILE, expected=HOSTILE, outcome=Outcome.UNEXPECTED)],
        rollback=Rollback(proved=False, differences=[HOSTILE] * 500),
        samples=[Sample(at=1, phase=Phase.FAULT, values={HOSTILE: 0.5})],
        about=About(hypothesis=HOSTILE, description=HOSTILE, versions={HOSTILE: HOSTILE}, grafana_url=HOSTILE),
    )
    text = render_html(hostile, [Comparison(HOSTILE, "seconds", 9.0, (1.0,) * 6, 0.0, 2.0)])
    page = Page(text)
    assert page.open == []
    assert "<script" not in text
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", text)
    assert page.text.count("<script>alert(1)</script>") > 100
    assert "and 400 more" in page.text
    assert page.all("a") == []


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "", "//evil.example", None])
def test_only_addresses_of_the_web_become_links(url):
    about = made().about.model_copy(update={"grafana_url": url})
    assert page_of(made(about=about)).all("a") == []


def test_links_into_grafana_have_the_run_s_time_and_component():
    links = [urlsplit(a["href"]) for a in page_of(made()).all("a")]
    assert {(link.netloc, link.path.rpartition("/")[0]) for link in links} == {("grafana.example:3000", "/d")}
    queries = [parse_qs(link.query) for link in links]
    began = 1795514400_000
    for query in queries:
        assert int(query["from"][0]) == began - 10_000
        assert int(query["to"][0]) >= began + 62_500
    workloads = {query["var-workload"][0] for query in queries if "var-workload" in query}
    assert {"payment", "api-gateway", "web-gateway"} <= workloads
    # The overview, and the data stores, which have dashboards of their own.
    others = {link.path.rpartition("/")[2] for link in links if "var-workload" not in link.query}
    assert others == {"services-overview", "postgresql", "redis"}
    assert {query["var-store"][0] for query in queries if "var-store" in query} == {"cart-data", "session-data"}


def test_a_long_run_of_many_slis_stays_below_a_megabyte():
    names = [f"sli-{n}" for n in range(40)]
    rows = [
        Sample(
            at=at,
            phase=Phase.FAULT if at > 60 else Phase.BASELINE,
            values={name: (at * (n + 7) % 101) / 101 for n, name in enumerate(names)},
        )
        for at in range(1200)
    ]
    many = made(slis=[sli(name) for name in names], samples=rows)
    assert len(render_html(many).encode()) < 1_000_000


def test_the_timeline_has_every_moment_in_order():
    found = events(made())
    assert [e.kind for e in found] == ["phase", "phase", "landed", "pending", "firing", "phase", "recovered"]
    assert [e.at for e in found] == [0, 10, 14, 18, 20, 40, 49]
    text = page_of(made()).text
    assert "0:20Alert PaymentSuccessBudgetBurn is firing" in text


def test_components_are_coloured_as_they_were_at_the_worst_moment():
    run = made()
    worst = worst_moment(run)
    assert (worst.phase, worst.values["payment-success"]) == (Phase.FAULT, 0.75)
    by_name = {c.name: component_state(run, c, worst) for c in run.about.architecture.components}
    assert by_name["payment"].condition is Condition.OUT_OF_TOLERANCE
    assert by_name["payment"].value == "75%"
    assert by_name["product"].condition is Condition.GOOD
    assert by_name["web-gateway"].condition is Condition.OFF_OBJECTIVE
    assert by_name["load"].condition is by_name["content"].condition is Condition.UNKNOWN
    boxes = [g["class"] for g in page_of(run).all("g") if (g.get("class") or "").startswith("box ")]
    assert (boxes.count("box bad"), boxes.count("box warn")) == (1, 1)


def test_a_starved_run_of_the_lab_shows_where_no_data_was():
    run = real("session-data")
    worst = worst_moment(run)
    by_name = {c.name: component_state(run, c, worst).condition for c in run.about.architecture.components}
    assert by_name["session-data"] is Condition.OUT_OF_TOLERANCE
    assert by_name["payment"] is Condition.NO_DATA
    assert page_of(run).text.count("starved as expected") == 3 * 5  # alternative, plot, table


def test_advice_follows_the_verdict_and_what_was_found():
    assert advice(made()) == []
    for verdict in set(Verdict) - {Verdict.VERIFIED}:
        assert advice(made(verdict))
    broken = made(Verdict.SYSTEM_FAILED, rollback=Rollback(proved=False, differences=["payment: image"]))
    first, *rest = advice(broken)
    assert "kubectl apply -f manifests/app.yaml" in first
    assert broken.run_id in first
    assert any(text.startswith("Payment success: not back") for text in rest)


def test_a_run_without_anything_still_has_a_report():
    bare = made(Verdict.TOOL_ERROR, slis=[], alerts=[], budget=[], phases={}, samples=[], about=About())
    text = page_of(bare).text
    assert "None was measured." in text
    assert "What to do next" in text


def test_a_comparison_with_earlier_runs_is_shown():
    compared = [Comparison("Time to recover", "seconds", 30.0, (9.0, 10.0, 11.0, 9.5, 10.5), 8.0, 12.0)]
    page = page_of(made(), compared)
    assert "worse than usual" in page.text
    assert [s for s in page.all("svg") if s.get("class") == "spark"]
    assert "Compared with earlier runs" not in page_of(made()).text


def test_gaps_are_shown_as_such():
    rects = [r for r in page_of(made(samples=samples(60))).all("rect") if r.get("class") == "gap"]
    assert len(rects) == 1
