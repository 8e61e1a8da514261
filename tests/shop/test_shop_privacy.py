"""Card numbers, passwords and tokens are in no log line and no span, whoever puts them where."""

import re
import secrets
import sys
from urllib.parse import quote, quote_plus, unquote

import pytest
import requests

from shop.privacy import masked

from .servers import Collector
from .world import poll

CARD = "4242424242424242"
SPELLINGS = [CARD, "4242 4242 4242 4242", "4242-4242-4242-4242", "4242 - 4242 - 4242 - 4242"]
PASSWORD = "a-pass-that-nobody-reads"

# A service as careless as one can be written: it logs, records and raises what it was sent.
CARELESS = """
import logging
from aiohttp import web
from shop import logs, server, telemetry
from shop.logs import fields
from shop.problems import Problem
from shop.settings import read_identity

async def unhandled(request):
    raise ValueError(request.query["words"])

async def problem(request):
    error = RuntimeError(request.query["words"])
    logging.getLogger("shop").warning("refused", extra=fields(error=error))
    raise Problem(503, "unavailable", "It is not there.") from error

identity = read_identity("careless")
logs.configure(identity.name)
tracing = telemetry.start(identity)
application = server.create(identity)
application.router.add_get("/unhandled", unhandled)
application.router.add_get("/problem", problem)
server.run(application, identity)
tracing.stop()
"""


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (CARD, "[card]"),
        ("4242 4242 4242 4242.", "[card]."),
        ("3782-822463-10005", "[card]"),
        ("q=4242%204242%204242%204242", "q=[card]"),
        ("q=4242%2D4242%2d4242%2D4242&page=2", "q=[card]&page=2"),
        ("q=4242+4242+4242+4242", "q=[card]"),
        ("4242%25204242%25204242%25204242", "[card]"),
        ("number%3D4242424242424242", "number%3D[card]"),
        ("https://robin:hunter2@shop/?a=b", "https://[masked]@shop/?a=b"),
        ("redis://:hunter2@cart-data/0", "redis://[masked]@cart-data/0"),
        ("?password=hunter2&page=2", "?password=[masked]&page=2"),
        ('{"password": "hunter2 or 3", "a": 1}', '{"password": [masked], "a": 1}'),
        ("%22api_key%22%3A%22hunter2%22%7D", "%22api_key%22%3A[masked]%7D"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer [masked]"),
        ("sent glsa_abcdefghij_12", "sent [masked]"),
        ("sent eyJhbGciOiJI.eyJzdWIiOiIx.c2ln", "sent [masked]"),
    ],
)
def test_what_is_masked(words, shown):
    assert masked(words) == shown


@pytest.mark.parametrize(
    "words",
    [
        "0af7651916cd43dd8448eb211c80319c",
        "GET /api/v1/{service}/{path} took 12.3 ms",
        "a ratio of 0.12345678901234567",
        "2026-11-29T12:28:37.123Z 127.0.0.1:8080",
        "http://product:8080/products?category=cakes",
        "a keyboard, a tokenizer and a cookie",
    ],
)
def test_what_is_left_as_it_is(words):
    assert masked(words) == words


def texts(message) -> list[str]:
    """Every text in a span, however deep."""
    found: list[str] = []
    for descriptor, value in message.ListFields():
        for one in value if descriptor.is_repeated else [value]:
            if isinstance(one, str):
                found.append(one)
            elif hasattr(one, "ListFields"):
                found += texts(one)
    return found


def shows(words: str, secret: str) -> bool:
    """Whether a text has the secret, spelled in whatever way."""
    plain = re.sub(r"[^a-zA-Z0-9]", "", unquote(unquote(words)))
    return re.sub(r"[^a-zA-Z0-9]", "", secret) in plain


def assert_hidden(secret: str, collector: Collector, trace: str, lines: list[dict[str, str]]) -> None:
    spans = [text for _, span in collector.of_trace(trace) for text in texts(span)]
    logged = [value for line in lines if line.get("traceID") == trace for value in line.values()]
    assert spans
    assert logged
    assert not [text for text in [*spans, *logged] if shows(text, secret)]


def new_trace() -> tuple[str, dict[str, str]]:
    trace = secrets.token_hex(16)
    return trace, {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}


@pytest.mark.parametrize("encode", [quote, quote_plus])
@pytest.mark.parametrize("typed", [*SPELLINGS, f"password={PASSWORD}"])
def test_a_secret_in_a_query_is_in_no_service_s_spans_and_lines(shop, collector, typed, encode):
    trace, headers = new_trace()
    url = shop["web-gateway"].url(f"/search?q={encode(typed)}")
    assert requests.get(url, headers=headers, timeout=10).status_code == 200

    def asked() -> set[str]:
        return {
            resource["service.name"]
            for resource, span in collector.of_trace(trace)
            if span.kind == 2 and any(pair.key == "url.query" for pair in span.attributes)
        }

    services = {"web-gateway", "api-gateway", "product"}
    poll(lambda: asked() == services, 10, "the spans with the query")
    lines = [line for name in services for line in shop[name].lines()]
    assert_hidden(PASSWORD if PASSWORD in typed else CARD, collector, trace, lines)


@pytest.mark.parametrize("typed", SPELLINGS)
def test_a_card_in_a_path_is_in_no_span_and_no_line(shop, collector, typed):
    trace, headers = new_trace()
    url = shop["api-gateway"].url(f"/api/v1/product/products/{quote(typed)}")
    assert requests.get(url, headers=headers, timeout=10).status_code in {400, 404}

    def served() -> set[str]:
        return {resource["service.name"] for resource, span in collector.of_trace(trace) if span.kind == 2}

    services = {"api-gateway", "product"}
    poll(lambda: served() == services, 10, "the spans with the path")
    assert_hidden(CARD, collector, trace, [line for name in services for line in shop[name].lines()])


@pytest.fixture(scope="module")
def careless(world, collector):
    address = world.new_address()
    # Writes the file of names, without which every look-up complains in the log.
    world.name("careless", address)
    environment = {
        **world.environment("careless", address),
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
    }
    running = world.launch([sys.executable, "-c", CARELESS], environment, address)
    world.wait_healthy(running)
    yield running
    running.kill()


@pytest.mark.parametrize("path", ["/unhandled", "/problem"])
@pytest.mark.parametrize("typed", [*SPELLINGS, f"password={PASSWORD}", f"Bearer {PASSWORD}"])
def test_a_secret_in_an_exception_is_in_no_span_and_no_line(careless, collector, path, typed):
    trace, headers = new_trace()
    answer = requests.get(careless.url(path), params={"words": f"no {typed}"}, headers=headers, timeout=5)
    assert answer.status_code >= 500

    def recorded() -> bool:
        spans = [span for _, span in collector.of_trace(trace)]
        return any(event.name == "exception" for span in spans for event in span.events)

    poll(recorded, 10, "the span with the exception")
    said = [text for _, span in collector.of_trace(trace) for text in texts(span)]
    assert any("no [card]" in text or "[masked]" in text for text in said)
    assert_hidden(PASSWORD if PASSWORD in typed else CARD, collector, trace, careless.lines())
