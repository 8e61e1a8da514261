"""What is passed on to data sources: the data source proxy, and their rules and alerts."""

from __future__ import annotations

from aiohttp import web

from .errors import ApiError
from .sources import SOURCES
from .upstream import SourceDown, Upstream

_PASSED_ON = ("Accept", "Content-Type")  # a compressed body has been unpacked on its way in


async def proxy(request: web.Request) -> web.Response:
    """GET and POST /api/datasources/proxy/uid/:uid/<path>: the data source's own API.

    Only what the suite needs is let through. The data source's status and body are passed on; one that does
    not answer is 502.
    """
    source = request.app[SOURCES].by_uid(request.match_info["uid"], "Unable to find datasource")
    path = request.match_info["path"]
    allowed = source.readable if request.method == "GET" else source.postable
    if not allowed.fullmatch(path):
        raise ApiError(403, f"{request.method} of this path is not passed on to the data source")
    return await _forward(request, source, path)


async def source_rules(request: web.Request) -> web.Response:
    """GET /api/prometheus/:uid/api/v1/rules and /alerts: those which the data source itself evaluates."""
    source = request.app[SOURCES].by_uid(request.match_info["uid"])
    if not source.rules_path:
        raise ApiError(404, f"data sources of type {source.type} have no rules")
    return await _forward(request, source, f"{source.rules_path}/{request.match_info['kind']}")


async def grafana_rules(request: web.Request) -> web.Response:
    """GET /api/prometheus/grafana/api/v1/rules and /alerts: those which Grafana manages, none as yet."""
    empty = "groups" if request.match_info["kind"] == "rules" else "alerts"
    return web.json_response({"status": "success", "data": {empty: []}})


async def _forward(request: web.Request, source: Upstream, path: str) -> web.Response:
    query = f"?{request.rel_url.raw_query_string}" if request.rel_url.raw_query_string else ""
    headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
    try:
        data = await request.read() if request.method == "POST" else None
        reply = await source.fetch(request.method, path + query, headers=headers, data=data)
    except SourceDown as error:
        raise ApiError(502, str(error)) from None
    if not reply.payload:
        return web.Response(status=reply.status)
    return web.Response(status=reply.status, body=reply.payload, content_type=reply.content_type)
