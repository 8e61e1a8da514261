"""Sessions: a signed cookie that names an entry in Redis."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from shop.redis_store import RedisStore

COOKIE = "session"
KEEP_SECONDS = 2 * 3600
_ID_BYTES = 24


@dataclass
class Session:
    """A visitor: the id, and the fields that Redis keeps for it."""

    id: str
    data: dict[str, str]
    is_new: bool = False

    @property
    def pieces(self) -> int:
        """How many pieces the storefront last saw in the cart."""
        return int(self.data.get("pieces", "0"))


PersonalHandler = Callable[[web.Request, Session], Awaitable[web.StreamResponse]]


class Sessions:
    """Opens, creates and keeps sessions; raises Problem 503, quickly, while their Redis is away."""

    def __init__(self, store: RedisStore, key: bytes) -> None:
        self._store = store
        self._key = key

    def known(self, handler: PersonalHandler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Return a handler that opens the visitor's session first, and sets the cookie of a new one."""

        async def with_session(request: web.Request) -> web.StreamResponse:
            session = await self._open(request.cookies.get(COOKIE, ""))
            response = await handler(request, session)
            if session.is_new:
                # Lax: a form on another site cannot act as the visitor. A browser that ends forgets it.
                response.set_cookie(COOKIE, self._sign(session.id), httponly=True, samesite="Lax", path="/")
            return response

        return with_session

    async def save(self, session: Session, **values: str) -> None:
        """Keep these fields with the session."""
        session.data.update(values)
        async with self._store.bounded(), self._store.redis.pipeline() as pipe:
            pipe.hset(_key_of(session.id), mapping=values)
            pipe.expire(_key_of(session.id), KEEP_SECONDS)
            await pipe.execute()

    async def _open(self, cookie: str) -> Session:
        if identity := self._verified(cookie):
            async with self._store.bounded(), self._store.redis.pipeline() as pipe:
                pipe.hgetall(_key_of(identity))
                pipe.expire(_key_of(identity), KEEP_SECONDS)
                data, _ = await pipe.execute()
            if data:
                return Session(identity, data)
        # A new id even for a cookie that was valid once: what has expired does not come back.
        session = Session(secrets.token_urlsafe(_ID_BYTES), {}, is_new=True)
        await self.save(session, pieces="0")
        return session

    def _verified(self, cookie: str) -> str | None:
        identity, _, _ = cookie.partition(".")
        # compare_digest refuses text that is not ASCII, and so does every id of ours.
        if cookie.isascii() and hmac.compare_digest(cookie, self._sign(identity)):
            return identity
        return None

    def _sign(self, identity: str) -> str:
        digest = hmac.new(self._key, identity.encode(), hashlib.sha256).digest()
        return f"{identity}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def _key_of(identity: str) -> str:
    return f"session:{identity}"
