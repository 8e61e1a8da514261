"""Spans that the shop makes itself, where its libraries make none."""

import pytest
import requests

from .world import poll


def test_a_connection_that_cannot_be_had_is_a_span_that_names_the_database(world, collector):
    world.name("absent-database", world.new_address())
    product = world.start("product", DATABASE_HOST="absent-database", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    trace = "2cf7651916cd43dd8448eb211c80319d"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    assert requests.get(product.url("/products"), headers=headers, timeout=30).status_code == 503

    def connects() -> list:
        return [span for _, span in collector.of_trace(trace) if span.name == "connect"]

    poll(lambda: bool(connects()), 30, "a span of the connection")
    (span,) = connects()
    attributes = {item.key: item.value for item in span.attributes}
    assert attributes["net.peer.name"].string_value == "absent-database"
    assert attributes["db.system"].string_value == "postgresql"
    assert (span.kind, span.status.code) == (3, 2)
    assert span.parent_span_id
    assert [event.name for event in span.events] == ["exception"]
    assert span.end_time_unix_nano > span.start_time_unix_nano
    product.kill()


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("product", "/products"),
        ("cart", "/items"),
        ("api-gateway", "/api/v1/product/products"),
    ],
)
def test_opentelemetry_s_own_switch_turns_it_all_off(world, shop, collector, service, path):
    trace = f"{service.encode().hex():0>32}"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01", "X-Session-Id": "a-session-of-tests"}
    off = world.start(
        service, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_SDK_DISABLED="TRUE", POD_NAME="off"
    )
    assert requests.get(off.url(path), headers=headers, timeout=10).status_code == 200
    # Its end sends what is queued.
    assert off.stop() == 0
    assert not [resource for resource, _ in list(collector.spans) if resource.get("k8s.pod.name") == "off"]
    (line,) = [line for line in off.lines() if line["msg"] == "request"]
    assert not {"traceID", "spanID"} & set(line)


def test_a_switch_that_is_not_on_changes_nothing(world, shop, collector):
    product = world.start("product", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_SDK_DISABLED="false")
    trace = "3cf7651916cd43dd8448eb211c80319d"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    assert requests.get(product.url("/products"), headers=headers, timeout=10).status_code == 200
    assert product.stop() == 0
    assert {span.name for _, span in collector.of_trace(trace)} == {"GET /products", "SELECT"}
