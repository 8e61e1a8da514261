"""Nobody gets past here unknown, or with more than their roles allow."""

from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from aiohttp import web

from lab.kube.api.respond import Handler
from lab.kube.auth.attributes import Attributes, attributes_of
from lab.kube.auth.authenticator import Authenticator
from lab.kube.auth.escalation import check_grant
from lab.kube.auth.identity import User
from lab.kube.auth.impersonation import impersonated
from lab.kube.auth.rbac import require
from lab.kube.errors import ApiError
from lab.kube.resources import Resource
from lab.kube.store import Store

# The one who asks, and what for, of the request that is being handled.
_asked: ContextVar[tuple[User, Attributes]] = ContextVar("asked")


def guard(store: Store, authenticator: Authenticator) -> Handler:
    """Return a middleware that answers 401 to unknown tokens, and 403 to what roles do not allow."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        user = authenticator.user_of(token.strip()) if scheme.lower() == "bearer" else None
        if user is None:
            raise ApiError(401, "Unauthorized", "Unauthorized")
        user = impersonated(store, user, iter(request.headers.items()))
        # The router reads the path in this form, too: an encoded slash is no separator.
        attributes = attributes_of(request.method, request.rel_url.path_safe, request.query)
        require(store, user, attributes)
        _asked.set((user, attributes))
        return await handler(request)

    return check  # type: ignore[return-value]


def current_user() -> User:
    """Return who made the request that is being handled."""
    return _asked.get()[0]


def require_verb(store: Store, verb: str) -> None:
    """Raise ApiError 403 unless the user may do this, too, with what the request names."""
    user, attributes = _asked.get()
    require(store, user, replace(attributes, verb=verb))


def check_write(
    store: Store, resource: Resource, new: dict[str, Any], old: dict[str, Any] | None = None
) -> None:
    """Raise ApiError 403 when a role or binding would give away more than its writer has."""
    check_grant(store, current_user(), resource, new, old)
