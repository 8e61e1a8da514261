"""Tracing: ids and W3C propagation always, export by OTLP/HTTP where the environment names a collector."""

import os
import threading

from opentelemetry import trace
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.instrumentation.aiohttp_server import AioHttpServerInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from shop.settings import Identity

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
DISABLED = "OTEL_SDK_DISABLED"
FLUSH_SECONDS = 1.0

_DEFAULTS = {
    # The stable names (http.route, http.response.status_code); the old ones are the libraries' default.
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
    # Probes and scrapes come every second and tell nothing.
    "OTEL_PYTHON_AIOHTTP_SERVER_EXCLUDED_URLS": "^/healthz$,^/metrics$",
    # Who looks for a trace looks for a recent one; the library would hold spans for 5 seconds.
    "OTEL_BSP_SCHEDULE_DELAY": "1000",
}


class Tracing:
    """The running tracer, None where telemetry is off; stop it to send what is still queued."""

    def __init__(self, provider: TracerProvider | None) -> None:
        self._provider = provider

    def stop(self) -> None:
        """Flush the queued spans, for at most FLUSH_SECONDS: a dead collector must not hold up the exit."""
        if self._provider is None:
            return
        # The library's own limit is 30 seconds and cannot be set; a daemon thread can be left behind.
        flush = threading.Thread(target=self._provider.shutdown, daemon=True)
        flush.start()
        flush.join(FLUSH_SECONDS)


def enabled() -> bool:
    """Return whether to instrument anything: OpenTelemetry's own switch, which its libraries ignore, is off."""
    return os.environ.get(DISABLED, "").strip().lower() != "true"


def start(identity: Identity) -> Tracing:
    """Install the tracer and instrument aiohttp; call it before an Application or a ClientSession is made.

    The sampler is OpenTelemetry's standard one (OTEL_TRACES_SAMPLER, by default parent-based, always on).
    With OTEL_SDK_DISABLED=true nothing is done: requests carry no context, log lines no ids.
    """
    if not enabled():
        return Tracing(None)
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)
    attributes = {
        "service.name": identity.name,
        "service.version": identity.version,
        "k8s.pod.name": identity.pod,
        "k8s.namespace.name": identity.namespace,
    }
    resource = Resource.create({name: value for name, value in attributes.items() if value})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    if os.environ.get(ENDPOINT):
        _export(provider, identity.name)
    trace.set_tracer_provider(provider)
    AioHttpServerInstrumentor().instrument()
    AioHttpClientInstrumentor().instrument()
    return Tracing(provider)


def _export(provider: TracerProvider, service: str) -> None:
    # Imported here: without a collector its libraries' 10 MB stay out.
    from shop import export  # noqa: PLC0415 - see above

    provider.add_span_processor(export.processor(service))
