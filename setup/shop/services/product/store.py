"""The catalogue's schema, seed and statements; every value is a parameter."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
from aiohttp import web

from shop.catalogue import products
from shop.logs import fields
from shop.services.product.database import FAILURES, WAIT_SECONDS, Database, unavailable

SEED_PAUSE_SECONDS = 0.5

# The name of the lock that lets one pod at a time create and seed; any number that nobody else uses.
_SEED_LOCK = 7_238_100_413
_SCHEMA_EXISTS = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'product')"
_CREATE_SCHEMA = "CREATE SCHEMA product"
_CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS product.products (
    position integer NOT NULL,
    id text PRIMARY KEY,
    category text NOT NULL,
    name text NOT NULL,
    price_cents integer NOT NULL CHECK (price_cents > 0),
    description text NOT NULL
)"""
_INSERT = """
INSERT INTO product.products (position, id, category, name, price_cents, description)
VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING"""
_COLUMNS = "id, category, name, price_cents, description"
_BY_IDS = f"SELECT {_COLUMNS} FROM product.products WHERE id = ANY($1::text[]) ORDER BY position"  # noqa: S608 - constant
# Every word must occur somewhere in the product.
_SEARCH = f"""
SELECT {_COLUMNS}, count(*) OVER () AS total FROM product.products
WHERE ($1 = '' OR category = $1)
  AND concat_ws(' ', name, category, description) ILIKE ALL($2::text[])
ORDER BY position LIMIT $3 OFFSET $4"""  # noqa: S608 - constant

_log = logging.getLogger("shop")


class ProductStore:
    """Reads products; creates what is missing, also when the database was replaced by an empty one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seeding = asyncio.Lock()
        self._seeded = asyncio.Event()

    async def run(self, _application: web.Application) -> AsyncIterator[None]:
        """Seed in the background while the application starts (for cleanup_ctx)."""
        seeding = asyncio.create_task(self._seed_when_possible())
        yield
        seeding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await seeding

    async def search(
        self, words: list[str], category: str, *, limit: int, offset: int
    ) -> tuple[list[dict[str, Any]], int]:
        """Return the products that have all the words, and how many match without the limit.

        An offset behind the last match gives ([], 0). Raises Problem 503 without a database.
        """
        patterns = [f"%{_escape(word)}%" for word in words]

        async def statement(connection: asyncpg.Connection) -> list[asyncpg.Record]:
            return await connection.fetch(_SEARCH, category, patterns, limit, offset)

        rows = await self._query(statement)
        total = rows[0]["total"] if rows else 0
        return [_product(row) for row in rows], total

    async def by_ids(self, ids: list[str]) -> list[dict[str, Any]]:
        """Return the products with these ids, without those that do not exist; raises Problem 503."""

        async def statement(connection: asyncpg.Connection) -> list[asyncpg.Record]:
            return await connection.fetch(_BY_IDS, ids)

        return [_product(row) for row in await self._query(statement)]

    async def _query(
        self, statement: Callable[[asyncpg.Connection], Awaitable[list[asyncpg.Record]]]
    ) -> list[asyncpg.Record]:
        try:
            await self._wait_for_first_seed()
            try:
                async with self._database.connection() as connection:
                    return await statement(connection)
            except asyncpg.UndefinedTableError:
                await self._seed()
            async with self._database.connection() as connection:
                return await statement(connection)
        except FAILURES as error:
            raise unavailable() from error

    async def _wait_for_first_seed(self) -> None:
        """Spare the database's log a question for a table that is about to be created; raises TimeoutError."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._seeded.wait()
        except TimeoutError:
            # Connecting says in the request's trace what the database says, if that is why.
            async with self._database.connection():
                raise TimeoutError("the catalogue has not been created yet") from None

    async def _seed_when_possible(self) -> None:
        said = ""
        while True:
            try:
                await self._seed()
            except FAILURES as error:
                # Said once for each reason: a database that starts refuses many times.
                if (reason := f"{type(error).__name__}: {error}") != said:
                    said = reason
                    _log.warning(
                        "database not ready", extra=fields(exception=type(error).__name__, error=error)
                    )
                await asyncio.sleep(SEED_PAUSE_SECONDS)
            else:
                return

    async def _seed(self) -> None:
        async with self._seeding, self._database.connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _SEED_LOCK)
            # Asked first: IF NOT EXISTS wants the right to create schemas even when nothing is to be created.
            if not await connection.fetchval(_SCHEMA_EXISTS):
                await connection.execute(_CREATE_SCHEMA)
            await connection.execute(_CREATE_TABLE)
            rows = [
                (position, item.id, item.category, item.name, item.price_cents, item.description)
                for position, item in enumerate(products())
            ]
            await connection.executemany(_INSERT, rows)
        self._seeded.set()
        _log.info("catalogue ready", extra=fields(products=len(rows)))


def _product(row: asyncpg.Record) -> dict[str, Any]:
    product = dict(row)
    product.pop("total", None)
    return product


def _escape(word: str) -> str:
    """Return the word with LIKE's own characters meaning themselves."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
