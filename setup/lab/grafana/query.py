"""POST /api/ds/query: many queries in one request, each with its own outcome."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiohttp import web

from . import body
from .durations import parse_time
from .errors import ApiError, bad_request_data
from .frames import Json
from .promquery import TimeRange
from .sources import SOURCES
from .upstream import QueryError, Upstream


async def ds_query(request: web.Request) -> web.Response:
    """Answer every query under its refId; HTTP 400 as soon as one failed, as Grafana does.

    Raises ApiError when the request as a whole cannot be understood.
    """
    asked = await body.json_object(request)
    queries = _queries(asked)
    window = _window(asked)
    named = [(query, request.app[SOURCES].by_query(query)) for query in queries]
    outcomes = await asyncio.gather(
        *(_run(source, query, window) for query, source in named if query.get("hide") is not True)
    )
    results = dict(sorted(outcomes))
    failed = any("error" in result for result in results.values())
    return web.json_response({"results": results}, status=400 if failed else 200)


def _queries(asked: Json) -> list[Json]:
    queries: Any = asked.get("queries")
    if queries is not None and not isinstance(queries, list):
        raise bad_request_data()
    if not queries:
        raise ApiError(400, "No queries found", message_id="query.noQueries")
    if not all(isinstance(query, dict) for query in queries):
        raise bad_request_data()
    return queries


def _window(asked: Json) -> TimeRange:
    now_ms = time.time_ns() // 1_000_000
    start, end = body.text(asked, "from"), body.text(asked, "to")
    return TimeRange(parse_time("from", start, now_ms), parse_time("to", end, now_ms))


async def _run(source: Upstream, query: Json, window: TimeRange) -> tuple[str, Json]:
    ref_id = query.get("refId")
    ref_id = ref_id if isinstance(ref_id, str) else "A"
    try:
        frames = await source.query(ref_id, query, window)
    except QueryError as error:
        failure = {"error": str(error), "errorSource": "downstream", "status": error.status}
        return ref_id, failure | {"frames": []}
    return ref_id, {"status": 200, "frames": [frame.to_json() for frame in frames]}
