"""The bearer token in front of the API."""

from __future__ import annotations

import hmac

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from .errors import ApiError

# What a browser or a supervisor may see without a token: nothing in it is worth one.
OPEN_PATHS = frozenset({"/", "/api/health"})


def auth_middleware(token: str) -> Middleware:
    """Return a middleware that lets requests with `Authorization: Bearer <token>` pass.

    Others get 401 with the body of Grafana: no credentials, a wrong token, or another scheme.
    """
    expected = token.encode()

    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path not in OPEN_PATHS:
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
