"""What stands between the viewer's pages and the web: they ask for no token, so no other site may read them.

The pages show what the lab's Prometheus and stores show to every program of this machine anyway, and change
nothing. A page of another site must not read them through the browser (DNS rebinding), hence the look at the
Host header; no header of CORS is sent, and a page loads nothing but the viewer's own style, script and icon.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable

from aiohttp import web

from ..auth import open_to_all
from ..errors import ApiError
from ..upstream import QueryError
from .page import problem

_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

Page = Callable[[web.Request], Awaitable[web.StreamResponse]]


def viewer(handler: Page) -> Page:
    """Make a handler one that is asked without a token: only by a name of this machine, and with HEADERS."""

    @open_to_all
    @functools.wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        response: web.StreamResponse
        if request.host.rpartition(":")[0] not in _HOSTS and request.host not in _HOSTS:
            text = "This page answers under 127.0.0.1 and localhost only.\n"
            response = web.Response(status=403, text=text)
        else:
            try:
                response = await handler(request)
            except (ApiError, QueryError) as error:
                response = web.Response(
                    status=error.status, text=problem(str(error)), content_type="text/html", charset="utf-8"
                )
        response.headers.update(HEADERS)
        return response

    return guarded
