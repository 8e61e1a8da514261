"""Loki's push API: lines that somebody sends, as JSON."""

from __future__ import annotations

import json
import time
import zlib
from typing import Any

from lab.grafana.bodies import Refused, unzipped

from .store import Labels, LogStore, label_set

MAX_BYTES = 4 * 1024 * 1024  # of a body, also after it is decompressed
MAX_LABELS = 15  # of a stream; Loki's own default
_AHEAD_NS = 600 * 1_000_000_000  # so much a line's time may be in the future; Loki's own default


def push(store: LogStore, body: bytes, content_type: str, encoding: str) -> None:
    """Store the lines of a body. Raises Refused; what came before the fault is stored then, as by Loki."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in {"application/x-protobuf", "application/x-snappy"}:
        raise Refused(415, "not supported here: protobuf; push JSON (Content-Type: application/json)")
    if kind != "application/json":
        raise Refused(415, f"not supported here: the content type {kind[:80]!r}; push application/json")
    if encoding not in {"", "identity", "gzip"}:
        raise Refused(400, f'Content-Encoding "{encoding[:80]}" not supported')
    try:
        asked = json.loads(unzipped(body, MAX_BYTES) if encoding == "gzip" else body)
        streams = [_stream(one) for one in asked["streams"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, zlib.error) as error:
        raise Refused(400, f"couldn't parse push request: {error!r}"[:300]) from None
    for labels, entries in streams:
        if not labels or len(labels) > MAX_LABELS:
            raise Refused(
                400, f"error at least one label pair and at most {MAX_LABELS} are required per stream"
            )
        entries.sort(key=lambda entry: entry[0])
        if entries and entries[-1][0] > time.time_ns() + _AHEAD_NS:
            raise Refused(400, f"entry for stream '{dict(labels)}' has timestamp too new: {entries[-1][0]}")
        if entries and entries[0][0] < time.time_ns() - store.max_age_ns:
            raise Refused(400, f"entry for stream '{dict(labels)}' has timestamp too old: {entries[0][0]}")
        store.append(labels, [moment for moment, _ in entries], [line for _, line in entries])


def _stream(given: dict[str, Any]) -> tuple[Labels, list[tuple[int, str]]]:
    labels = given["stream"]
    if not all(isinstance(value, str) for value in labels.values()):
        raise ValueError("a label's value is no string")
    # A third item, structured metadata, is taken and left out: nothing here asks for it.
    entries = [(int(moment), _text(line)) for moment, line, *_ in given["values"]]
    return label_set(labels.items()), entries


def _text(line: object) -> str:
    if not isinstance(line, str):
        raise ValueError("a line is no string")  # noqa: TRY004 - of the JSON, whose type is right
    return line.encode(errors="replace").decode()  # half of a surrogate pair cannot be sent on
