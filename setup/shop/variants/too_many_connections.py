"""A client that leaks connections: it takes PostgreSQL's slots until none is left for product.

Run once, as a Job. It is an ordinary role, product's own, so that the slots reserved for superusers stay free.
"""

import asyncio
import contextlib
import logging
import signal

import asyncpg

from shop import logs
from shop.logs import fields
from shop.services.product.database import FAILURES, DatabaseSettings, read_settings

APPLICATION = "too-many-connections"
PAUSE_SECONDS = 0.2
_CONNECT_SECONDS = 2.0
# Those that product holds; a role may end its own sessions.
_DROP = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE usename = current_user AND application_name <> $1 AND pid <> pg_backend_pid()"""

_log = logging.getLogger("shop")


def main(name: str) -> int:
    """Take slots until SIGTERM; return 0. Raises SettingsError without the DATABASE_ variables."""
    logs.configure(name)
    asyncio.run(_leak_until_terminated(read_settings()))
    return 0


async def _leak_until_terminated(settings: DatabaseSettings) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    held: list[asyncpg.Connection] = []
    try:
        while not ended.is_set():
            await _take(settings, held)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), PAUSE_SECONDS)
    finally:
        for connection in held:
            connection.terminate()


async def _take(settings: DatabaseSettings, held: list[asyncpg.Connection]) -> None:
    """Drop product's sessions and take every slot that is free."""
    held[:] = [connection for connection in held if not connection.is_closed()]
    before = len(held)
    dropped = 0
    try:
        if held:
            dropped = await held[0].fetchval(_DROP, APPLICATION)
        while True:
            held.append(await _connect(settings))
    except FAILURES as error:
        # "remaining connection slots are reserved...": the leak is complete. Or the database is away for now.
        if len(held) != before or dropped:
            _log.error(
                "no connection left",
                extra=fields(held=len(held), dropped=dropped, exception=type(error).__name__, error=error),
            )


async def _connect(settings: DatabaseSettings) -> asyncpg.Connection:
    return await asyncpg.connect(
        host=settings.host,
        port=settings.port,
        database=settings.name,
        user=settings.user,
        password=settings.password,
        timeout=_CONNECT_SECONDS,
        server_settings={"application_name": APPLICATION},
    )
