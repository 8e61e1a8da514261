"""Who is asking: a bearer token, or nobody."""

import hmac

from aiohttp import web

from lab.kube.api.respond import Handler
from lab.kube.errors import ApiError


def require_token(token: str) -> Handler:
    """Return a middleware that answers 401 to everybody without the token."""

    @web.middleware
    async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
            raise ApiError(401, "Unauthorized", "Unauthorized")
        return await handler(request)

    return authenticate  # type: ignore[return-value]
