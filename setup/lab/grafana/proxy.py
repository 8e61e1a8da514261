"""What is passed on to Prometheus: the data source proxy, and its rules and alerts."""

from __future__ import annotations

import re

from aiohttp import web

from .errors import ApiError
from .prometheus import Prometheus, SourceDown
from .sources import SOURCES

# Prometheus' endpoints that only read; none of them takes a path of its own, so nothing can climb out.
_READ = re.compile(
    r"api/v1/(?:query|query_range|query_exemplars|series|labels|label/[a-zA-Z_][a-zA-Z0-9_]*/values|metadata"
    r"|rules|alerts|alertmanagers|targets|targets/metadata|format_query"
    r"|status/(?:config|flags|runtimeinfo|buildinfo|tsdb|walreplay))"
)
_POSTABLE = re.compile(r"api/v1/(?:query|query_range|query_exemplars|series|labels|format_query)")
_PASSED_ON = ("Accept", "Content-Type")


async def proxy(request: web.Request) -> web.Response:
    """GET and POST /api/datasources/proxy/uid/:uid/<path>: Prometheus' own API, where it only reads.

    Its status and body are passed on; a data source that does not answer is 502.
    """
    source = request.app[SOURCES].by_uid(request.match_info["uid"], "Unable to find datasource")
    path = request.match_info["path"]
    allowed = _READ if request.method == "GET" else _POSTABLE
    if not allowed.fullmatch(path):
        raise ApiError(403, f"{request.method} of this path is not passed on to the data source")
    return await _forward(request, source, path)


async def source_rules(request: web.Request) -> web.Response:
    """GET /api/prometheus/:uid/api/v1/rules and /alerts: those which the data source itself evaluates."""
    source = request.app[SOURCES].by_uid(request.match_info["uid"])
    return await _forward(request, source, f"api/v1/{request.match_info['kind']}")


async def grafana_rules(request: web.Request) -> web.Response:
    """GET /api/prometheus/grafana/api/v1/rules and /alerts: those which Grafana manages, none as yet."""
    empty = "groups" if request.match_info["kind"] == "rules" else "alerts"
    return web.json_response({"status": "success", "data": {empty: []}})


async def _forward(request: web.Request, source: Prometheus, path: str) -> web.Response:
    query = f"?{request.rel_url.raw_query_string}" if request.rel_url.raw_query_string else ""
    headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
    try:
        data = await request.read() if request.method == "POST" else None
        reply = await source.fetch(request.method, path + query, headers=headers, data=data)
    except SourceDown as error:
        raise ApiError(502, str(error)) from None
    return web.Response(status=reply.status, body=reply.payload, content_type=reply.content_type)
