"""A Redis connection that says quickly when Redis is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from opentelemetry.instrumentation.redis import RedisInstrumentor
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, RedisError  # noqa: A004 - not Python's own, which Redis never raises

from shop import telemetry
from shop.problems import Problem

CALL_SECONDS = 0.5
# Covers the name look-up too, which the client's own limits do not.
WHOLE_SECONDS = 1.0
_UNAVAILABLE = 503


class RedisStore:
    """One Redis and the problem to answer while it is away.

    The client's own retries hold each call for about 4 seconds while Redis is down. Here a connection that
    broke is made anew once, at once: those that were open when Redis stopped would cost a visitor an error
    each when it is long back. What takes too long is not tried again.
    """

    def __init__(self, url: str, code: str, message: str) -> None:
        if telemetry.enabled():
            RedisInstrumentor().instrument()
        self.redis: Redis = Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=CALL_SECONDS,
            socket_connect_timeout=CALL_SECONDS,
            retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionError,)),
        )
        self._code = code
        self._message = message

    @asynccontextmanager
    async def bounded(self) -> AsyncIterator[None]:
        """Limit the calls inside to WHOLE_SECONDS; raise Problem 503 if Redis does not answer."""
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                yield
        except (RedisError, OSError, TimeoutError) as error:
            raise Problem(_UNAVAILABLE, self._code, self._message) from error

    async def run(self, _application: web.Application) -> AsyncIterator[None]:
        """Close the connections with the application (for cleanup_ctx)."""
        yield
        await self.redis.aclose()
