"""A small pool of PostgreSQL connections that gives up early and says what PostgreSQL said."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
from aiohttp import web
from opentelemetry import trace
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor

from shop import settings, telemetry
from shop.problems import Problem

# Two pods of this service leave room among PostgreSQL's 17 ordinary slots (app.yaml).
POOL_SIZE = 3
WAIT_SECONDS = 0.5
STATEMENT_SECONDS = 2.0
_UNAVAILABLE = 503

# What the pool's connections raise: PostgreSQL's answers, the client's own complaints, the network's, a limit.
FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


_LAST_PORT = 65535


@dataclass(frozen=True)
class DatabaseSettings:
    """Where the database is and who asks."""

    host: str
    port: int
    name: str
    user: str
    password: str = field(repr=False)


def read_settings() -> DatabaseSettings:
    """Return the settings from the DATABASE_ variables; raises SettingsError that names one that is wrong."""
    return DatabaseSettings(
        host=settings.text("DATABASE_HOST"),
        port=settings.integer("DATABASE_PORT", 1, _LAST_PORT),
        name=settings.text("DATABASE_NAME"),
        user=settings.text("DATABASE_USER"),
        password=settings.secret("DATABASE_PASSWORD"),
    )


class Database:
    """The pool; it connects when it is first used, so that the service starts without its database."""

    def __init__(self, database: DatabaseSettings) -> None:
        self._settings = database

    async def run(self, _application: web.Application) -> AsyncIterator[None]:
        """Open the pool with the application and close it after (for cleanup_ctx)."""
        if telemetry.enabled():
            AsyncPGInstrumentor().instrument()
        self._pool = await asyncpg.create_pool(
            host=self._settings.host,
            port=self._settings.port,
            database=self._settings.name,
            user=self._settings.user,
            password=self._settings.password,
            min_size=0,
            max_size=POOL_SIZE,
            timeout=WAIT_SECONDS,
            command_timeout=STATEMENT_SECONDS,
            reset=_nothing_to_reset,
        )
        yield
        try:
            async with asyncio.timeout(1):
                await self._pool.close()
        except FAILURES:
            self._pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.pool.PoolConnectionProxy]:
        """Lend a connection, waiting at most WAIT_SECONDS; raises one of FAILURES."""
        start = time.time_ns()
        try:
            connection = await self._pool.acquire(timeout=WAIT_SECONDS)
        except TimeoutError:
            error = TimeoutError(f"no connection to the database within {WAIT_SECONDS:g} s")
            self._trace_failure(error, start)
            raise error from None
        except FAILURES as error:
            self._trace_failure(error, start)
            raise
        try:
            yield connection
        finally:
            await self._pool.release(connection, timeout=WAIT_SECONDS)

    def _trace_failure(self, error: Exception, start_ns: int) -> None:
        """Leave a span of a connection that could not be had: the library traces statements only."""
        attributes = {
            "db.system": "postgresql",
            "db.name": self._settings.name,
            "net.peer.name": self._settings.host,
            "net.peer.port": self._settings.port,
            "error.type": type(error).__name__,
        }
        tracer = trace.get_tracer("shop")
        span = tracer.start_span(
            "connect", kind=trace.SpanKind.CLIENT, attributes=attributes, start_time=start_ns
        )
        span.record_exception(error)
        span.set_status(trace.Status(trace.StatusCode.ERROR, f"{type(error).__name__}: {error}"))
        span.end()


async def _nothing_to_reset(_connection: asyncpg.Connection) -> None:
    """Spare a statement, and its span, after every query: the statements here leave no session state."""


def unavailable() -> Problem:
    """Return the problem to answer, raised from one of FAILURES, while the database is of no use."""
    return Problem(_UNAVAILABLE, "catalogue_unavailable", "The catalogue cannot be reached right now.")
