"""The shop's encoder of spans says what the library's own says."""

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans as encode_by_library
from opentelemetry.exporter.otlp.proto.http import trace_exporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shop import spans, telemetry


def made() -> list:
    """Spans of every kind that there is."""
    finished = InMemorySpanExporter()
    provider = TracerProvider(
        resource=Resource.create({"service.name": "cart", "numbers": [1, 2]}),
        span_limits=SpanLimits(max_attributes=6),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(SimpleSpanProcessor(finished))
    one, two = provider.get_tracer("server", "1.0", "https://schema.example"), provider.get_tracer("client")
    remote = trace.SpanContext(
        7, 8, is_remote=True, trace_flags=trace.TraceFlags(1), trace_state=trace.TraceState([("a", "b")])
    )
    plain = trace.SpanContext(9, 10, is_remote=True, trace_flags=trace.TraceFlags(1))
    for parent in (remote, plain):
        context = trace.set_span_in_context(trace.NonRecordingSpan(parent))
        with one.start_as_current_span("GET /items", context, trace.SpanKind.SERVER):
            for kind in trace.SpanKind:
                two.start_span("GET", kind=kind, attributes={"a": 1, "b": 1.0, "c": True, "d": "1"}).end()
            two.start_span("GET", attributes={"a": 0, "b": 0.0, "c": False, "d": "", "e": -1}).end()
            two.start_span("lists", attributes={"list": ["a", "b"], "empty": []}).end()
            two.start_span("too many", attributes={str(n): n for n in range(9)}).end()
            two.start_span("linked", links=[trace.Link(plain, {"why": "so"})]).end()
            failed = two.start_span("failed")
            failed.set_status(trace.Status(trace.StatusCode.ERROR, "no: \N{SNOWMAN}"))
            failed.end()
            well = two.start_span("well")
            well.set_status(trace.StatusCode.OK)
            well.end()
            try:
                with two.start_as_current_span("raises"):
                    raise ValueError("it's wrong")  # noqa: TRY301 - a span that an exception leaves
            except ValueError:
                pass
    return list(finished.get_finished_spans())


def said(request) -> list[tuple[bytes, bytes, str, str, bytes]]:
    """What a request says, however its spans are grouped: resource, scope, schemas, span, by the spans' ids."""
    found = [
        (
            group.resource.SerializeToString(deterministic=True),
            scope.scope.SerializeToString(deterministic=True),
            group.schema_url,
            scope.schema_url,
            span.SerializeToString(deterministic=True),
        )
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]
    return sorted(found, key=lambda one: one[-1])


def test_it_says_the_same_of_every_kind_of_span():
    # Twice: attributes are remembered.
    for _ in range(2):
        found = made()
        assert len(found) > 20
        assert said(spans.encode_spans(found)) == said(encode_by_library(found))


def test_nothing_of_nothing():
    assert spans.encode_spans([]) == encode_by_library([])


def test_the_exporter_uses_it(monkeypatch, collector):
    asked = []

    def encode(found):
        asked.append(len(found))
        return encode_by_library(found)

    monkeypatch.setattr(spans, "encode_spans", encode)
    monkeypatch.setattr(trace_exporter, "encode_spans", encode_by_library)  # which the export replaces
    monkeypatch.setenv(telemetry.ENDPOINT, collector.url)
    provider = TracerProvider(shutdown_on_exit=False)
    telemetry._export(provider, "some")
    provider.get_tracer("some").start_span("sent by the exporter").end()
    provider.shutdown()
    assert asked == [1]
    assert "sent by the exporter" in {span.name for _, span in collector.spans}
