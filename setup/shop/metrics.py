"""Metrics with OpenTelemetry's semantic names in Prometheus' form and a service_name label of their own."""

from collections.abc import Iterable

import prometheus_client
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest

prometheus_client.disable_created_metrics()

CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST
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
    _served.labels(service, method, route, str(status)).observe(seconds)


def answered(service: str, upstream: str, method: str, status: int, seconds: float) -> None:
    """Count one request that the upstream answered; a status of 400 and above is its error type."""
    error = str(status) if status >= _FIRST_ERROR_STATUS else ""
    _asked.labels(service, upstream, method, str(status), error).observe(seconds)


def unanswered(service: str, upstream: str, method: str, error: Exception, seconds: float) -> None:
    """Count one request that got no answer; the exception's class is its error type."""
    _asked.labels(service, upstream, method, "", type(error).__name__).observe(seconds)


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


def render() -> bytes:
    """Return all metrics in Prometheus' text format."""
    return generate_latest(REGISTRY)
