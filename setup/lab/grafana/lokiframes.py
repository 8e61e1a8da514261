"""Loki's answers as data frames: all lines in one frame, numbers in one frame a series.

Shapes: Grafana's `pkg/tsdb/loki/frame.go`, with its dataplane contract on: labels, timestamp, body, id. An
empty answer has no frames at all.
"""

from __future__ import annotations

import json
import re
import zlib
from typing import Any

from .durations import go_duration
from .frames import Field, Frame, Json
from .lokiquery import LokiQuery

_PLACEHOLDER = re.compile(r"\{\{\s*(.+?)\s*\}\}")
_NS = 1_000_000  # nanoseconds in a millisecond


def frames_of(query: LokiQuery, answer: Json) -> list[Frame]:
    """Return the frames of a successful `answer` of Loki's query API.

    Raises ValueError, KeyError or TypeError when the answer is not of that API's shape.
    """
    data = answer["data"]
    kind, result = data["resultType"], data["result"]
    if kind == "streams":
        return [_log_frame(query, result, _stats(data))] if result else []
    if kind == "scalar":
        return [_number_frame(query, {}, [result], kind)]
    if kind in {"vector", "matrix"}:
        return [
            _number_frame(
                query, series["metric"], [series["value"]] if kind == "vector" else series["values"], kind
            )
            for series in result
        ]
    raise ValueError(f"unknown result type: {kind}")


def _log_frame(query: LokiQuery, streams: list[Json], stats: list[Json]) -> Frame:
    rows = [
        (stream["stream"], int(moment), line) for stream in streams for moment, line, *_ in stream["values"]
    ]
    meta: Json = {
        "type": "log-lines",
        "typeVersion": [0, 0],
        "stats": stats,
        "executedQueryString": f"Expr: {query.expr}",
    }
    fields = [
        Field("labels", "json.RawMessage", [labels for labels, _, _ in rows]),
        Field("timestamp", "time.Time", [moment // _NS for _, moment, _ in rows]),
        Field("body", "string", [line for _, _, line in rows]),
        Field("id", "string", _ids(streams)),
    ]
    # Beside the milliseconds of `values`, so that the order of lines is not lost.
    return Frame(query.ref_id, fields, meta, nanos={1: [moment % _NS for _, moment, _ in rows]})


def _ids(streams: list[Json]) -> list[str]:
    """Return a name for each line: its time and a checksum, with a number behind it from the second one on.

    Grafana's checksum is FNV-1, which Python computes byte by byte: 0.2 s for 1,000 lines with a stack. Nobody
    reads it; this one is computed in C.
    """
    seen: dict[str, int] = {}
    found = []
    for stream in streams:
        labels = json.dumps(stream["stream"], separators=(",", ":"), ensure_ascii=False)
        start = zlib.crc32(labels.encode("utf-8", "replace"))
        for moment, line, *_ in stream["values"]:
            name = f"{moment}_{zlib.crc32(line.encode('utf-8', 'replace'), start):x}"
            count = seen.get(name, 0)
            seen[name] = count + 1
            found.append(f"{name}_{count}" if count else name)
    return found


def _number_frame(query: LokiQuery, labels: dict[str, str], points: list[list[Any]], kind: str) -> Frame:
    executed = f"Expr: {query.expr}"
    config = None
    if not query.instant:
        executed += f"\nStep: {go_duration(query.step_ms)}"
        config = {"interval": query.step_ms}
    times = [round(moment * 1000) for moment, _ in points]
    values = [float(value) for _, value in points]
    name = _display_name(query, labels)
    meta: Json = {
        "type": "timeseries-multi" if kind == "matrix" else "numeric-multi",
        "typeVersion": [0, 1],
        "executedQueryString": executed,
    }
    return Frame(
        query.ref_id,
        [
            Field("Time", "time.Time", times, config=config),
            Field("Value", "float64", values, labels=labels, config={"displayNameFromDS": name}),
        ],
        meta,
    )


def _display_name(query: LokiQuery, labels: dict[str, str]) -> str:
    if query.legend:
        return _PLACEHOLDER.sub(lambda match: labels.get(match[1], ""), query.legend)
    pairs = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in sorted(labels.items()))
    return f"{{{', '.join(pairs)}}}"


def _stats(data: Json) -> list[Json]:
    summary = (data.get("stats") or {}).get("summary") or {}
    named = (
        ("bytes processed per second", "bytesProcessedPerSecond", "Bps"),
        ("lines processed per second", "linesProcessedPerSecond", ""),
        ("total bytes processed", "totalBytesProcessed", "decbytes"),
        ("total lines processed", "totalLinesProcessed", ""),
        ("exec time", "execTime", "s"),
    )
    return [
        {"displayName": f"Summary: {text}", "value": summary.get(key, 0)} | ({"unit": unit} if unit else {})
        for text, key, unit in named
    ]
