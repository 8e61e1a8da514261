"""What is there for people and supervisors: a page that says what this is, health, the organisation."""

from __future__ import annotations

import sqlite3

from aiohttp import web

VERSION = "12.0.0+lab"  # the Grafana whose answers this imitates, and that it is none

DATABASE = web.AppKey("database", sqlite3.Connection)

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>The lab's stand-in for Grafana's API</title>
<style>body { font: 16px/1.5 sans-serif; margin: 3em auto; max-width: 42em; padding: 0 1em }</style>
<h1>This is not Grafana</h1>
<p>It is the lab's stand-in for the part of Grafana's HTTP API that the experiments use, in front of a real
Prometheus and a stand-in for Loki. It draws no dashboards. All but <a href="/api/health">/api/health</a> asks
for the lab's token: <code>Authorization: Bearer $GRAFANA_TOKEN</code>.</p>
<ul>
<li><a href="/api/datasources">/api/datasources</a>: the data sources</li>
<li>POST /api/ds/query: queries, many in one request</li>
<li>/api/datasources/proxy/uid/prometheus/api/v1/&hellip;: Prometheus' own API, where it only reads</li>
<li>/api/datasources/proxy/uid/loki/loki/api/v1/&hellip;: Loki's, and push</li>
<li><a href="/api/prometheus/prometheus/api/v1/rules">/api/prometheus/prometheus/api/v1/rules</a>
and <a href="/api/prometheus/prometheus/api/v1/alerts">/alerts</a>: rules and alerts of Prometheus</li>
<li><a href="/api/annotations">/api/annotations</a>: what happened when</li>
<li><a href="/api/search">/api/search</a>, /api/dashboards, <a href="/api/folders">/api/folders</a>:
dashboards, kept as JSON</li>
</ul>
</html>
"""


async def page(_request: web.Request) -> web.Response:
    """GET /: what this is and what exists."""
    return web.Response(text=_PAGE, content_type="text/html")


async def health(request: web.Request) -> web.Response:
    """GET /api/health: 503 when the database cannot be read."""
    try:
        request.app[DATABASE].execute("SELECT count(*) FROM folder")
        database, status = "ok", 200
    except sqlite3.Error:
        database, status = "failing", 503
    return web.json_response({"commit": "", "database": database, "version": VERSION}, status=status)


async def org(_request: web.Request) -> web.Response:
    """GET /api/org: the organisation that the token belongs to; the cheapest check of a token."""
    return web.json_response(
        {
            "id": 1,
            "name": "Main Org.",
            "address": {"address1": "", "address2": "", "city": "", "zipCode": "", "state": "", "country": ""},
        }
    )
