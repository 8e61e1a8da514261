"""What is there for supervisors and for the check of a token: health, the organisation."""

from __future__ import annotations

import sqlite3

from aiohttp import web

from .auth import open_to_all

VERSION = "12.0.0+lab"  # the Grafana whose answers this imitates, and that it is none

DATABASE = web.AppKey("database", sqlite3.Connection)


@open_to_all
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
