"""Metrics with OpenTelemetry's semantic names in Prometheus' forms and a service_name label of their own."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import prometheus_client
from opentelemetry import trace
from prometheus_client import CollectorRegistry, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

prometheus_client.disable_created_metrics()

_OPENMETRICS = "application/openmetrics-text"
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

# Every SLO's threshold is a boundary (2 s).
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)

_served = Histogram(
    "http_server_request_duration_seconds",
    "Duration of HTTP requests that this service answered.",
    ["service_name", "http_request_method", "http_route", "http_response_status_code"],
    buckets=BUCKETS,
    registry=REGISTRY,
)
_asked = Histogram(
    "http_client_request_duration_seconds",
    "Duration of HTTP requests that this service sent, counted once however often they were tried.",
    ["service_name", "server_address", "http_request_method", "http_response_status_code", "error_type"],
    buckets=BUCKETS,
    registry=REGISTRY,
)

_charges = Gauge(
    "payment_charges",
    "Payments under way: the provider charges them, or they wait for one of its slots.",
    ["service_name", "state"],
    registry=REGISTRY,
)

# What an upstream's answer can be while something is broken, and the exceptions that mean no answer at all.
_EXPECTED_STATUSES = (200, 500, 502, 503, 504)
_EXPECTED_ERRORS = (
    "TimeoutError",
    "ConnectionTimeoutError",
    "ClientConnectorError",
    "ClientConnectorDNSError",
    "ClientOSError",
    "ServerDisconnectedError",
)
_FIRST_ERROR_STATUS = 400


def served(service: str, method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request."""
    _served.labels(service, method, route, str(status)).observe(seconds, _exemplar())


def answered(service: str, upstream: str, method: str, status: int, seconds: float) -> None:
    """Count one request that the upstream answered; a status of 400 and above is its error type."""
    error = str(status) if status >= _FIRST_ERROR_STATUS else ""
    _asked.labels(service, upstream, method, str(status), error).observe(seconds, _exemplar())


def unanswered(service: str, upstream: str, method: str, error: Exception, seconds: float) -> None:
    """Count one request that got no answer; the exception's class is its error type."""
    _asked.labels(service, upstream, method, "", type(error).__name__).observe(seconds, _exemplar())


def expect_charges(service: str) -> None:
    """Create the series of payments under way at zero: no payment is something to know."""
    for state in ("waiting", "charging"):
        _charges.labels(service, state)


@contextmanager
def charge(service: str, state: str) -> Iterator[None]:
    """Count one payment as `waiting` for the provider or as `charging` meanwhile."""
    with _charges.labels(service, state).track_inprogress():
        yield


def expect_upstream(service: str, upstream: str, methods: Iterable[str]) -> None:
    """Create the series of an upstream at zero.

    A series' first counts are lost to Prometheus' increase(): the first failures would not be seen.
    """
    for method in methods:
        for status in _EXPECTED_STATUSES:
            error = str(status) if status >= _FIRST_ERROR_STATUS else ""
            _asked.labels(service, upstream, method, str(status), error)
        for error in _EXPECTED_ERRORS:
            _asked.labels(service, upstream, method, "", error)


def _exemplar() -> dict[str, str] | None:
    """Return what leads from a bucket's count to a trace: the id of the trace that this request is part of."""
    context = trace.get_current_span().get_span_context()
    return {"trace_id": trace.format_trace_id(context.trace_id)} if context.trace_flags.sampled else None


def render(accept: str) -> tuple[bytes, str]:
    """Return all metrics and their content type, in the form that a scraper's Accept header asks for.

    Only OpenMetrics has exemplars; who does not ask for it gets Prometheus' older text format.
    """
    if _OPENMETRICS in accept:
        # With this escaping names are not looked at letter by letter, which takes half as long again; ours have
        # nothing to escape.
        return openmetrics.generate_latest(REGISTRY, openmetrics.ALLOWUTF8), openmetrics.CONTENT_TYPE_LATEST
    return generate_latest(REGISTRY), prometheus_client.CONTENT_TYPE_LATEST
