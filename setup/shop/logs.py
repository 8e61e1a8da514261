"""Log lines in logfmt on stdout, each with the ids of the trace that it belongs to."""

import logging
import sys
import time
import traceback
from typing import Any

from opentelemetry import trace

from shop import logfmt
from shop.privacy import masked


def fields(**values: object) -> dict[str, Any]:
    """Return the `extra=` argument that adds these fields to a log line, in this order."""
    return {"fields": values}


class LogfmtFormatter(logging.Formatter):
    """Writes ts, level, service, msg, traceID, spanID, the line's own fields, then the exception."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        pairs: list[tuple[str, object]] = [
            ("ts", logfmt.timestamp(record.created)),
            ("level", record.levelname.lower()),
            ("service", self._service),
            ("msg", masked(record.getMessage())),
        ]
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            pairs += [("traceID", f"{span.trace_id:032x}"), ("spanID", f"{span.span_id:016x}")]
        # The ids above are no secret, and may look like a card number.
        pairs += _masked_fields(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[1]:
            pairs += _exception_fields(record.exc_info[1])
        return logfmt.line(pairs)


def _exception_fields(error: BaseException) -> list[tuple[str, object]]:
    stack = "".join(traceback.format_exception(error)).strip()
    return [
        ("exception", type(error).__name__),
        ("error", masked(str(error))),
        ("stack", masked(stack)),
    ]


def _masked_fields(values: dict[str, object]) -> list[tuple[str, object]]:
    return [(name, masked(str(value))) for name, value in values.items()]


class OncePerMinute(logging.Filter):
    """Lets one record a minute through: a dead collector must not fill the log."""

    def __init__(self) -> None:
        super().__init__()
        self._next = 0.0

    def filter(self, _record: logging.LogRecord) -> bool:
        """Return whether the record is the first of its minute."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + 60
        return True


def configure(service: str) -> None:
    """Send every logger's lines of level info and above to stdout as logfmt."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LogfmtFormatter(service))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # The exporter's loggers speak on every failed attempt.
    once = OncePerMinute()
    for name in ("opentelemetry.exporter.otlp.proto.http.trace_exporter", "opentelemetry.sdk._shared_internal"):
        logging.getLogger(name).addFilter(once)
