"""The bearer token in front of the API."""

from __future__ import annotations

import hmac

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from .errors import ApiError

_OPEN: set[Handler] = set()


def open_to_all(handler: Handler) -> Handler:
    """Let everyone on this machine ask a handler, without a token; every other handler asks for one."""
    _OPEN.add(handler)
    return handler


def auth_middleware(token: str) -> Middleware:
    """Return a middleware that lets requests with `Authorization: Bearer <token>` pass.

    Others get 401 with the body of Grafana: no credentials, a wrong token, or another scheme.
    """
    expected = token.encode()

    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.handler not in _OPEN:
            check(request.headers.get("Authorization", ""), expected)
        return await handler(request)

    return authenticate


def check(header: str, expected: bytes) -> None:
    """Raise ApiError (401) unless the Authorization `header` carries the `expected` token.

    The comparison takes the same time wherever the first difference is.
    """
    scheme, _, credentials = header.partition(" ")
    if not header:
        raise ApiError(401, "Unauthorized", message_id="auth.unauthorized")
    if scheme.lower() == "basic":
        raise ApiError(401, "Invalid username or password", message_id="password-auth.failed")
    given = credentials.strip().encode("utf-8", "surrogateescape")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given, expected):
        raise ApiError(401, "Invalid API key", message_id="api-key.invalid")
