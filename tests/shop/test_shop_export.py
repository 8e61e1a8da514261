"""No failure's span is lost in silence: what a burst leaves in the store, what a full queue drops."""

import concurrent.futures
import secrets
import socket
import threading

import pytest
import requests
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from shop.export import Queue
from shop.metrics import REGISTRY

from ..lab_grafana.conftest import running_trace_store
from .world import poll

REQUESTS = 600
METRIC = "shop_spans_dropped_total"


@pytest.fixture(scope="module")
def trace_store():
    with running_trace_store() as url:
        yield url


def dropped(running) -> dict[tuple[str, str], float]:
    """What a service counts as lost, by the reason and by whether it failed."""
    found = {}
    for line in requests.get(running.url("/metrics"), timeout=5).text.splitlines():
        if line.startswith(f"{METRIC}{{"):
            labels = dict(word.split("=") for word in line.split("{")[1].split("}")[0].split(","))
            found[labels["reason"].strip('"'), labels["failed"].strip('"')] = float(line.rsplit(" ", 1)[1])
    return found


def test_every_error_line_of_a_burst_has_its_error_span_in_the_store(world, trace_store):
    world.name("absent-database", world.new_address())
    product = world.start("product", DATABASE_HOST="absent-database", OTEL_EXPORTER_OTLP_ENDPOINT=trace_store)
    gateway = world.start("api-gateway", OTEL_EXPORTER_OTLP_ENDPOINT=trace_store)
    world.name("product", product.address)
    url = gateway.url("/api/v1/product/products")
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        statuses = list(pool.map(lambda _: requests.get(url, timeout=60).status_code, range(REQUESTS)))
    assert set(statuses) == {503}
    lines = [
        line for one in (product, gateway) for line in one.lines() if line.get("status", "").startswith("5")
    ]
    logged = {(line["traceID"], line["service"]) for line in lines}
    assert len(logged) == 2 * REQUESTS

    def stored() -> set[tuple[str, str]]:
        found = set()
        for service in ("product", "api-gateway"):
            query = f'{{ resource.service.name = "{service}" && status = error }}'
            asked = {"q": query, "limit": 1000}
            traces = requests.get(f"{trace_store}/api/search", params=asked, timeout=60).json()["traces"]
            found |= {(one["traceID"], service) for one in traces}
        return found

    poll(lambda: logged <= stored(), 30, "an error span in the store for every error line")
    for one in (product, gateway):
        assert dropped(one) == dict.fromkeys(dropped(one), 0)
        assert len(dropped(one)) == 4
        one.kill()


def test_what_a_full_queue_drops_is_counted(world):
    # It lets callers connect, and never answers.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent_url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        small = {"OTEL_BSP_MAX_QUEUE_SIZE": "20", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10"}
        content = world.start("content", OTEL_EXPORTER_OTLP_ENDPOINT=silent_url, **small)
        for _ in range(100):
            assert requests.get(content.url("/pictures/carrot-cake.svg"), timeout=5).ok
        # The first batch is under way, three quarters of the queue are taken, the rest waits for what fails.
        found = dropped(content)
        assert 100 - 10 - 15 <= found["queue-full", "false"] < 100
        assert found["queue-full", "true"] == 0
        content.kill()


class Held(SpanExporter):
    """An exporter that takes nothing until it is let go."""

    def __init__(self) -> None:
        self.asked, self.go = threading.Event(), threading.Event()
        self.names: list[str] = []

    def export(self, batch) -> SpanExportResult:
        self.asked.set()
        assert self.go.wait(60)
        self.names += [span.name for span in batch]
        return SpanExportResult.SUCCESS


def test_the_last_quarter_of_the_queue_is_for_what_failed(monkeypatch):
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "20")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "20")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    service, held = f"queue-{secrets.token_hex(4)}", Held()

    def lost(failed: str) -> float:
        labels = {"service_name": service, "reason": "queue-full", "failed": failed}
        return REGISTRY.get_sample_value(METRIC, labels)

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Queue(service, held))
    assert (lost("false"), lost("true")) == (0, 0)
    tracer = provider.get_tracer("test")

    def end(name: str, status: trace.StatusCode) -> None:
        span = tracer.start_span(name)
        span.set_status(status)
        span.end()

    end("under way", trace.StatusCode.UNSET)
    assert held.asked.wait(60)
    for n in range(40):
        end(f"well {n}", trace.StatusCode.UNSET)
    for n in range(5):
        end(f"failed {n}", trace.StatusCode.ERROR)
    assert (lost("false"), lost("true")) == (25, 0)
    end("failed 5", trace.StatusCode.ERROR)
    assert lost("true") == 1
    held.go.set()
    provider.shutdown()
    assert held.names == ["under way"] + [f"well {n}" for n in range(15)] + [f"failed {n}" for n in range(5)]


def test_what_the_collector_does_not_take_is_counted(world):
    product = world.start(
        "product", DATABASE_HOST="nowhere.invalid", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
        OTEL_EXPORTER_OTLP_TIMEOUT="0.2",
    )  # fmt: skip
    assert requests.get(product.url("/products"), timeout=30).status_code == 503
    poll(lambda: dropped(product)["not-taken", "true"] >= 1, 30, "a failed span that was not taken")
    assert dropped(product)["queue-full", "true"] == 0
    product.kill()
