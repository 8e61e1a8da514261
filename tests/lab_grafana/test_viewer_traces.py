"""From a red box to the cause, in the viewer: log lines and traces, each a link to the page of a trace."""

import html
import re
import time
from dataclasses import replace

import pytest
import requests

from lab.grafana.tracestore import otlp

from ..browser import Browser
from .conftest import failed_purchase, running_grafana, running_log_store, wait_until
from .test_tracestore import export

OTHER = "7" * 32
LABELS = {"cluster": "lab", "namespace": "ecommerce", "service": "payment", "container": "payment"}


@pytest.fixture(scope="module")
def own_log_store(tmp_path_factory):
    with running_log_store(tmp_path_factory.mktemp("traced-logs")) as store:
        yield store


@pytest.fixture(scope="module")
def trace(tempo_url, own_log_store):
    """Return the id of a failed purchase: two spans, and three log lines, beside one of another."""
    found, now = failed_purchase(tempo_url), time.time_ns()
    own_log_store.push(
        LABELS | {"pod": "payment-1"},
        (now, f"level=info msg=request traceID={found} spanID=1 route=/process"),
        (now + 1000, f'level=error msg="Failed to connect <to> the provider" traceID={found} spanID=1'),
        (now + 2000, f"level=error msg=another traceID={OTHER} spanID=2"),
    )
    gateway = {"service": "gateway", "container": "gateway", "pod": "gateway-1"}
    own_log_store.push(LABELS | gateway, (now + 3000, f"level=warning msg=answered traceID={found} status=502"))
    return found


@pytest.fixture(scope="module")
def viewer(settings, tempo_url, own_log_store, tmp_path_factory):
    """The viewer of the repository's own dashboards, in front of stores of logs and of traces."""
    state = tmp_path_factory.mktemp("traces-state")
    own = replace(settings, loki_url=own_log_store.url, tempo_url=tempo_url, state_dir=state)
    with running_grafana(own) as client:
        yield client


def page(client, path):
    answer = requests.get(client.url + path, timeout=20)
    assert answer.status_code == 200, answer.text
    return answer.text


def section(text, title):
    """Return the part of a page below a heading."""
    (found,) = re.findall(rf"<section[^>]*><h[23][^>]*>{title}</h[23]>.*?</section>", text, re.DOTALL)
    return found


def spans(text):
    """Return each span of the waterfall: its classes, and what is said of it."""
    rows = re.findall(r'<g class="(span [^"]*)" role="listitem" aria-label="([^"]*)"', section(text, "Spans"))
    return [(set(classes.split()), html.unescape(said)) for classes, said in rows]


def test_a_trace_is_a_waterfall_with_its_failing_span(viewer, trace):
    text = page(viewer, f"/trace/{trace}")
    assert "<h1>gateway: POST /pay</h1>" in text
    assert re.search(r"2 spans of 2 services, 1 failed</p>", text)
    (parent, root), (child, charge) = spans(text)
    assert root.startswith("gateway POST /pay, ")
    assert charge.startswith("payment charge, ")
    assert charge.endswith(", failed: RuntimeError: no provider; SELECT 1")
    assert ("failed" in parent, "failed" in child) == (False, True)


def test_a_trace_s_page_has_the_lines_of_its_logs_oldest_first(viewer, trace):
    logs = section(page(viewer, f"/trace/{trace}"), "Logs of this trace")
    said = [html.unescape(re.sub(r"<[^>]*>", "", line)) for line in re.findall(r"<code>(.*?)</code>", logs)]
    assert [re.search(r'msg=("[^"]*"|\w+)', line)[1] for line in said] == [
        "request",
        '"Failed to connect <to> the provider"',
        "answered",
    ]
    assert OTHER not in logs
    assert f'href="/trace/{trace}"' in logs


@pytest.mark.parametrize("title", ["Errors in its log", "Its log"])
def test_a_log_line_leads_to_its_trace(viewer, trace, title):
    lines = section(page(viewer, "/d/service-detail?var-workload=payment"), title)
    link = f'<a href="/trace/{trace}" title="Open the trace (traceID)" class="to-trace">{trace}</a>'
    assert f"traceID={link} spanID=1" in lines
    assert f'href="/trace/{OTHER}"' in lines
    assert ("msg=request" in lines) is (title == "Its log")


def test_a_trace_that_was_found_leads_to_itself(viewer, trace):
    found = section(page(viewer, "/d/service-detail?var-workload=payment"), "Traces with an error here")
    assert f'href="/trace/{trace}"' in found
    assert "gateway" in found
    assert "POST /pay" in found
    elsewhere = page(viewer, "/d/service-detail?var-workload=content")
    assert trace not in section(elsewhere, "Traces with an error here")


def test_a_link_into_explore_shows_the_trace_too(viewer, trace):
    panes = f'{{"a":{{"datasource":"tempo","queries":[{{"queryType":"traceql","query":"{trace}"}}]}}}}'
    answer = requests.get(f"{viewer.url}/explore", params={"panes": panes}, timeout=20)
    assert spans(answer.text) == spans(page(viewer, f"/trace/{trace}"))


def test_a_trace_that_is_not_there_is_said_and_comes_without_a_reload(browser: Browser, viewer, tempo_url):
    browser.open(f"{viewer.url}/trace/{OTHER}")
    assert "The trace cannot be shown" in browser.run("return document.body.textContent")
    spans = [{"trace": bytes.fromhex(OTHER), "name": name, "status": 2} for name in ("late", "later")]
    url, kind = f"{tempo_url}/v1/traces", {"Content-Type": otlp.PROTOBUF}
    for number, span in enumerate(spans, start=1):
        sent = requests.post(url, data=export(span).SerializeToString(), headers=kind, timeout=10)
        assert sent.status_code == 200
        said = f"{number} span{'s' if number > 1 else ''} of 1 service, {number} failed"
        wait_until(lambda said=said: said in browser.run("return document.body.textContent"), said)
    assert "later" in browser.run("return document.querySelector('.waterfall').textContent")
    assert browser.errors() == []


def test_a_trace_that_is_old_is_not_asked_for_again(viewer, tempo_url):
    old = "8" * 32
    span = {"trace": bytes.fromhex(old), "start": time.time_ns() - 60_000_000_000}
    url, kind = f"{tempo_url}/v1/traces", {"Content-Type": otlp.PROTOBUF}
    assert (
        requests.post(url, data=export(span).SerializeToString(), headers=kind, timeout=10).status_code == 200
    )
    assert "data-live" not in page(viewer, f"/trace/{old}")
