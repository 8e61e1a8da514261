"""Sends spans to the collector: in batches, from a bounded queue with room of its own for what failed.

What is lost all the same is counted in /metrics: whoever looks for an error's trace can tell that there is none
from that it was not kept.
"""

from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http import trace_exporter
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import StatusCode
from prometheus_client import Counter

from shop import spans
from shop.metrics import REGISTRY

_dropped = Counter(
    "shop_spans_dropped_total",
    "Spans that never left this service, by why, and by whether they say that something failed.",
    ["service_name", "reason", "failed"],
    registry=REGISTRY,
)
_QUEUE_FULL, _NOT_TAKEN = "queue-full", "not-taken"


def processor(service: str) -> BatchSpanProcessor:
    """Return what takes ended spans to the collector that the environment names."""
    # The exporter takes no encoder: it calls this name of its module.
    trace_exporter.encode_spans = spans.encode_spans
    return Queue(service, _Exporter(service))


class Queue(BatchSpanProcessor):
    """The library's queue (2048 spans, by its default) that a thread empties.

    A full one would drop the oldest spans, whatever they say. Here the last quarter is for those that failed.
    """

    def __init__(self, service: str, exporter: SpanExporter) -> None:
        # At zero: that none was lost is something to know.
        for reason in (_QUEUE_FULL, _NOT_TAKEN):
            for failed in (False, True):
                _count(service, reason, 0, failed=failed)
        super().__init__(exporter)
        self._service = service
        # The library tells nobody how much is queued.
        self._waiting = self._batch_processor._queue
        self._whole: int = self._waiting.maxlen
        self._most_of_it = self._whole - self._whole // 4

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a span that has ended, if there is room."""
        waiting = len(self._waiting)
        if waiting >= self._most_of_it and span.context.trace_flags.sampled:
            failed = span.status.status_code is StatusCode.ERROR
            if not failed or waiting >= self._whole:
                _count(self._service, _QUEUE_FULL, 1, failed=failed)
                return
        super().on_end(span)


class _Exporter(trace_exporter.OTLPSpanExporter):
    """The library's exporter, which gives up after ten seconds of trying."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def export(self, batch: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans, and count those that were not taken."""
        result = super().export(batch)
        if result is not SpanExportResult.SUCCESS:
            failed = sum(span.status.status_code is StatusCode.ERROR for span in batch)
            _count(self._service, _NOT_TAKEN, failed, failed=True)
            _count(self._service, _NOT_TAKEN, len(batch) - failed, failed=False)
        return result


def _count(service: str, reason: str, spans_lost: int, *, failed: bool) -> None:
    _dropped.labels(service, reason, str(failed).lower()).inc(spans_lost)
