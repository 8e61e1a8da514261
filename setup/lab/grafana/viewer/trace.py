"""A trace as a page: its waterfall, and the log lines that carry its id."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from chaosext.report.svg.markup import Markup, tag
from chaosext.report.svg.scale import duration
from chaosext.report.svg.waterfall import WaterfallSpan, waterfall

from ..frames import Frame, Json
from ..promquery import TimeRange
from ..sources import DataSources
from ..upstream import Upstream
from .asking import TICK_MS, Answer, Asker
from .logs import listed
from .units import clock
from .view import nothing

_ERROR = 2
_STATEMENTS = ("db.query.text", "db.statement")
_STATUSES = ("http.response.status_code", "http.status_code")
_AROUND_MS = 60_000
_MOST_LINES = 200
_SETTLED_MS = 15_000  # after its end, all spans of a trace have come: services send theirs every few seconds


async def trace_page(trace_id: str, sources: DataSources, asker: Asker) -> tuple[str, list[Markup], bool]:
    """Return a title, the content, and whether there may be more of it in a moment.

    `trace_id` is up to 32 hexadecimal digits.
    """
    by_type = {source.type: source for source in sources.all()}
    if "tempo" not in by_type:
        return f"Trace {trace_id}", [nothing("There is no data source for traces.")], False
    query = {"refId": "A", "queryType": "traceId", "query": trace_id}
    # Answers are kept by their time range: a new tick asks again.
    tick = time.time_ns() // 1_000_000 // TICK_MS * TICK_MS
    _, frames, error = await asker.ask(by_type["tempo"], query, TimeRange(0, tick))
    spans = [span for frame in frames for span in _rows(frame)]
    if error or not spans:
        why = (
            error or "it has no span; the trace store keeps about five minutes, longer for those with an error"
        )
        return f"Trace {trace_id}", [nothing(f"The trace cannot be shown: {why}")], True
    drawn = list(_walk(spans))
    start = min(span["startTime"] for span in spans)
    end = max(span["startTime"] + span["duration"] for span in spans)
    failed = sum(span.failed for span in drawn)
    root = drawn[0]
    title = f"{root.service}: {root.name}"
    services = len({span.service for span in drawn})
    facts = (
        f"{clock(start)}, {duration(end - start)}, {_counted(len(drawn), 'span')} "
        f"of {_counted(services, 'service')}, {failed or 'none'} failed"
    )
    label = f"{title}, {facts}"
    window = TimeRange(int(start) - _AROUND_MS, min(int(end) + _AROUND_MS, tick + TICK_MS))
    logs = await _logs(trace_id, by_type.get("loki"), asker, window)
    content = [
        tag("p", f"Trace {trace_id}", class_="soft"),
        tag("p", facts, class_="facts live", id="facts"),
        tag("section", tag("h2", "Spans"), waterfall(drawn, label), class_="panel page-part", id="spans"),
        tag("section", tag("h2", "Logs of this trace"), logs, class_="panel page-part", id="logs"),
    ]
    return title, content, time.time() * 1000 - end < _SETTLED_MS


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


async def _logs(trace_id: str, loki: Upstream | None, asker: Asker, window: TimeRange) -> Markup:
    if loki is None:
        return nothing("There is no data source for logs.")
    expr = f'{{namespace=~".+"}} |= "{trace_id}"'
    query = {"refId": "A", "expr": expr, "queryType": "range", "maxLines": _MOST_LINES}
    serial, frames, error = await asker.ask(loki, query, window)
    if error:
        return nothing(error)
    return listed([Answer(serial, "A", query, frames, source=loki)], ascending=True)


def _rows(frame: Frame) -> list[Json]:
    names = [field.name for field in frame.fields]
    return [
        dict(zip(names, row, strict=True))
        for row in zip(*(field.values for field in frame.fields), strict=True)
    ]


def _walk(spans: list[Json]) -> Iterator[WaterfallSpan]:
    """Yield the spans as their tree has them: a parent before its children, siblings by their start."""
    known = {span["spanID"] for span in spans}
    below: dict[str, list[Json]] = defaultdict(list)
    for span in sorted(spans, key=lambda span: span["startTime"], reverse=True):
        parent = span["parentSpanID"]
        below[parent if parent in known and parent != span["spanID"] else ""].append(span)
    waiting = [(0, span) for span in below.pop("", [])]
    while waiting:
        depth, span = waiting.pop()
        yield _drawn(span, depth)
        waiting += [(depth + 1, child) for child in below.pop(span["spanID"], [])]


def _drawn(span: Json, depth: int) -> WaterfallSpan:
    attributes = _pairs(span["tags"])
    status = next((attributes[name] for name in _STATUSES if name in attributes), "")
    failed = span["statusCode"] == _ERROR
    why = (_exception(span["logs"]) or span["statusMessage"]) if failed else ""
    statement = next((attributes[name] for name in _STATEMENTS if name in attributes), "")
    return WaterfallSpan(
        service=span["serviceName"] or "unknown",
        name=span["operationName"] + (f" ({status})" if status else ""),
        start=span["startTime"],
        duration=span["duration"],
        depth=depth,
        failed=failed,
        detail="; ".join(part for part in (why, statement) if part),
    )


def _exception(logs: list[Json]) -> str:
    """Return the last exception that a span recorded, as "type: message"."""
    for event in reversed(logs):
        found = _pairs(event["fields"])
        if "exception.message" in found or "exception.type" in found:
            kind = found.get("exception.type", "").rpartition(".")[2]
            return ": ".join(part for part in (kind, found.get("exception.message", "")) if part)
    return ""


def _pairs(tags: list[Any] | str) -> dict[str, str]:
    listed = json.loads(tags) if isinstance(tags, str) else tags
    return {str(tag["key"]): str(tag["value"]) for tag in listed}
