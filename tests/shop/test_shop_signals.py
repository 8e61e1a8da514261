"""Metrics, logs and traces: what the SLIs, the dashboards and the game days read."""

import concurrent.futures
import re
import time

import pytest
import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from .servers import Collector
from .world import Running, poll

CARD = "5555555555554444"
ORDER = {
    "items": [{"product_id": "carrot-cake", "quantity": 1}],
    "card": {"number": CARD, "holder": "Robin", "expiry": "12/34", "cvc": "987"},
}
CLIENT = "http_client_request_duration_seconds"


def samples(running: Running) -> dict[str, float]:
    text = requests.get(running.url("/metrics"), timeout=5).text
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}


def count(running: Running, metric: str, **labels: str) -> float:
    wanted = [f'{name}="{value}"' for name, value in labels.items()]
    found = [value for name, value in samples(running).items() if name.startswith(f"{metric}{{")
             and all(label in name for label in wanted)]  # fmt: skip
    assert found, f"no {metric} with {labels}"
    return sum(found)


def buy(shop: dict[str, Running]) -> requests.Response:
    return requests.post(shop["web-gateway"].url("/api/v1/checkout/process"), json=ORDER, timeout=10)


@pytest.fixture(scope="module")
def fresh(world, shop):
    """An api-gateway and a checkout that nobody has asked anything."""
    assert shop
    return {name: world.start(name) for name in ("api-gateway", "checkout")}


@pytest.mark.parametrize(
    ("upstream", "method"),
    [("product", "GET"), ("content", "GET"), ("payment", "POST"), ("checkout", "POST")]
    + [("cart", method) for method in ("GET", "POST", "PUT", "DELETE")],
)
def test_client_series_exist_at_zero(fresh, upstream, method):
    series = samples(fresh["api-gateway"])
    outcomes = [("200", ""), ("500", "500"), ("502", "502"), ("503", "503"), ("504", "504")]
    outcomes += [("", "TimeoutError"), ("", "ClientConnectorError"), ("", "ServerDisconnectedError")]
    for status, error in outcomes:
        labels = (
            f'error_type="{error}",http_request_method="{method}",http_response_status_code="{status}",'
            f'server_address="{upstream}",service_name="api-gateway"'
        )
        assert series[f"{CLIENT}_count{{{labels}}}"] == 0
        bucket = labels.replace('",server', '",le="2.0",server', 1)
        assert series[f"{CLIENT}_bucket{{{bucket}}}"] == 0


def test_payment_counters_exist_at_zero(fresh):
    series = samples(fresh["checkout"])
    assert series['shop_payments_total{outcome="success",service_name="checkout"}'] == 0
    assert series['shop_payments_total{outcome="failure",service_name="checkout"}'] == 0
    assert series['shop_payments_declined_total{service_name="checkout"}'] == 0
    assert not any(name.split("{")[0].endswith("_created") for name in series)


def test_a_payment_is_counted_by_its_callers(shop):
    def numbers() -> list[float]:
        return [
            count(shop["checkout"], "shop_payments_total", outcome="success"),
            count(shop["api-gateway"], f"{CLIENT}_count", server_address="payment", error_type=""),
            count(shop["api-gateway"], f"{CLIENT}_bucket", server_address="checkout", le="2.0"),
            count(shop["checkout"], f"{CLIENT}_count", server_address="api-gateway", error_type=""),
        ]

    before = numbers()
    assert buy(shop).status_code == 200
    assert [new - old for new, old in zip(numbers(), before, strict=True)] == [1, 1, 1, 3]


def test_a_declined_card_is_no_failed_payment(shop):
    before = count(shop["checkout"], "shop_payments_total")
    declined = count(shop["checkout"], "shop_payments_declined_total")
    order = {**ORDER, "card": {"number": "4242424242424241"}}
    answer = requests.post(shop["web-gateway"].url("/api/v1/checkout/process"), json=order, timeout=10)
    assert answer.status_code == 402
    assert count(shop["checkout"], "shop_payments_total") == before
    assert count(shop["checkout"], "shop_payments_declined_total") == declined + 1
    assert count(shop["api-gateway"], f"{CLIENT}_count", server_address="payment", error_type="402") >= 1


def test_requests_are_counted_by_route(shop):
    requests.get(shop["product"].url("/products/carrot-cake"), timeout=5)
    labels = {"http_route": "/products/{product_id}", "http_response_status_code": "200"}
    metric = "http_server_request_duration_seconds"
    assert count(shop["product"], f"{metric}_count", service_name="product", **labels) >= 1
    assert not any("healthz" in name or "/metrics" in name for name in samples(shop["product"]))


def test_latencies_lead_to_traces_for_who_asks_in_openmetrics(shop):
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    requests.get(shop["api-gateway"].url("/api/v1/product/products"), headers=headers, timeout=5)
    url = shop["api-gateway"].url("/metrics")
    answer = requests.get(url, headers={"Accept": "application/openmetrics-text;version=1.0.0"}, timeout=5)
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    families = list(text_string_to_metric_families(answer.text))
    found = {
        (sample.name, sample.labels.get("http_route"), sample.labels.get("server_address"))
        for family in families
        for sample in family.samples
        if sample.exemplar and sample.exemplar.labels == {"trace_id": trace}
    }
    assert found == {
        ("http_server_request_duration_seconds_bucket", "/api/v1/{service}/{path}", None),
        (f"{CLIENT}_bucket", None, "product"),
    }
    plain = requests.get(url, timeout=5)
    assert plain.headers["Content-Type"].startswith("text/plain; version=")
    assert trace not in plain.text
    # The same series in both forms: an SLI does not depend on who scrapes.
    named = {line.rsplit(" # ", 1)[0].rsplit(" ", 1)[0] for line in answer.text.splitlines() if line[0] != "#"}
    assert {line for line in named if not line.startswith("process_")} == {
        line for line in samples(shop["api-gateway"]) if not line.startswith("process_")
    }


def test_a_request_that_is_not_traced_leads_nowhere(shop):
    trace = "1af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-00"}
    requests.get(shop["product"].url("/products"), headers=headers, timeout=5)
    accept = {"Accept": "application/openmetrics-text"}
    assert trace not in requests.get(shop["product"].url("/metrics"), headers=accept, timeout=5).text


def services_of(collector: Collector, trace: str) -> set[str]:
    return {resource["service.name"] for resource, _ in collector.of_trace(trace)}


def test_one_trace_crosses_all_hops(shop, collector):
    trace = "0af7651916cd43dd8448eb211c80319c"
    parent = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    answer = requests.post(
        shop["web-gateway"].url("/api/v1/checkout/process"), json=ORDER, headers=parent, timeout=10
    )
    assert answer.status_code == 200
    everyone = {"web-gateway", "api-gateway", "checkout", "product", "payment", "cart"}
    poll(lambda: services_of(collector, trace) == everyone, 10, "spans of all services")

    def names() -> set[str]:
        return {span.name for _, span in collector.of_trace(trace)}

    poll(lambda: {"POST /process", "SELECT", "DEL"} <= names(), 5, "server, SQL and Redis spans")
    attributes = [{item.key: item.value for item in span.attributes} for _, span in collector.of_trace(trace)]
    statements = [values["db.statement"].string_value for values in attributes if "db.statement" in values]
    assert any("FROM product.products" in statement for statement in statements)
    assert "DEL ?" in statements
    assert any(
        values["http.route"].string_value == "/process" for values in attributes if "http.route" in values
    )
    resource = collector.of_trace(trace)[0][0]
    assert resource["service.version"] == "9.8.7"
    assert resource["k8s.namespace.name"] == "shop-tests"
    assert resource["k8s.pod.name"].endswith("-pod")

    for name in everyone:
        logged = [line for line in shop[name].lines() if line.get("traceID") == trace]
        request = next(line for line in logged if line["msg"] == "request")
        assert (request["level"], request["service"], request["status"]) == ("info", name, "200")
        assert re.fullmatch(r"[0-9a-f]{16}", request["spanID"])
        assert float(request["duration_ms"]) > 0
        assert {"ts", "method", "route"} <= set(request)


def test_no_probe_is_logged(shop):
    requests.get(shop["content"].url("/metrics"), timeout=5)
    requests.get(shop["content"].url("/healthz"), timeout=5)
    assert not [line for line in shop["content"].lines() if line.get("route") in ("/healthz", "/metrics")]


def test_a_failure_is_logged_with_its_stack_and_marks_its_span(world, collector):
    payment = world.start("payment-failures", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    body = {"amount_cents": 100, "card": {"number": CARD}}
    trace = "1bf7651916cd43dd8448eb211c80319c"
    parent = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}

    def pay(_number: int) -> int:
        return requests.post(payment.url("/process"), json=body, headers=parent, timeout=5).status_code

    # The chance that none of 50 fails is one in a million.
    with concurrent.futures.ThreadPoolExecutor(25) as pool:
        assert 500 in set(pool.map(pay, range(50)))
    line = next(line for line in payment.lines() if line["level"] == "error")
    assert line["service"] == "payment"
    assert line["exception"] == "PaymentProviderError"
    assert line["error"] == "Failed to connect to payment provider"
    assert line["traceID"] == trace
    assert line["stack"].startswith("Traceback (most recent call last):\n")
    assert "payment_failures.py" in line["stack"]

    def marked() -> bool:
        spans = [span for _, span in collector.of_trace(trace) if span.status.code == 2]
        events = [event for span in spans for event in span.events if event.name == "exception"]
        values = [{item.key: item.value.string_value for item in event.attributes} for event in events]
        return any(value["exception.message"] == "Failed to connect to payment provider" for value in values)

    poll(marked, 5, "a failed span with its exception")
    payment.kill()


def test_no_secret_is_logged_or_traced(shop, collector):
    trace = "4bf7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    with requests.Session() as visitor:
        url = shop["web-gateway"].url("/checkout")
        visitor.post(shop["web-gateway"].url("/cart/items"), data={"product_id": "carrot-cake"}, timeout=5)
        form = {"number": "5555 5555 5555 4444", "holder": "Robin", "expiry": "12/34", "cvc": "987"}
        assert visitor.post(url, data=form, headers=headers, timeout=10).status_code == 200
        cookie = visitor.cookies["session"]
        identity = cookie.split(".")[0]
    broken = '{"card": {"number": "5555555555554444"'
    refused = "5bf7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{refused}-b7ad6b7169203331-01"}
    requests.post(shop["payment"].url("/process"), data=broken, headers=headers, timeout=5)
    logs = "".join(running.log.read_text() for running in shop.values())
    everyone = {"web-gateway", "api-gateway", "checkout", "product", "payment", "cart"}
    poll(lambda: services_of(collector, trace) == everyone, 10, "spans of all services")
    poll(lambda: services_of(collector, refused) == {"payment"}, 10, "the span of the broken body")
    for secret in (CARD, "5555 5555 5555 4444", cookie, identity, "only-for-tests", "only-these-tests-know"):
        assert secret not in logs
        assert secret.encode() not in collector.raw


def test_a_dead_collector_slows_and_says_little(world):
    content = world.start("content", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    start = time.monotonic()
    with requests.Session() as client:
        for _ in range(500):
            assert client.get(content.url("/pictures/carrot-cake.svg"), timeout=1).ok
    # Each request waiting for the collector would take minutes.
    assert time.monotonic() - start < 60
    poll(lambda: any(line["level"] != "info" for line in content.lines()), 5, "a word about the collector")
    assert len([line for line in content.lines() if line["level"] != "info"]) == 1
    start = time.monotonic()
    assert content.stop() == 0
    assert time.monotonic() - start < 8  # app.yaml gives it 10 s


def test_every_line_is_logfmt(shop):
    for name, running in shop.items():
        if not name.endswith("-data"):
            assert running.lines()
