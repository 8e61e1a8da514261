"""The HTTP side of the catalogue."""

from typing import Any

from aiohttp import web

from shop import server
from shop.catalogue import CATEGORIES
from shop.problems import Problem
from shop.requests_in import product_id, refuse
from shop.services.product.database import Database, read_settings
from shop.services.product.store import ProductStore
from shop.settings import Identity

MAX_IDS = 100
MAX_LIMIT = 100
MAX_QUERY_LENGTH = 100
_NOT_FOUND = 404


def build(identity: Identity) -> web.Application:
    """Return the product service; raises SettingsError without the DATABASE_ variables."""
    database = Database(read_settings())
    store = ProductStore(database)
    catalogue = Catalogue(store)
    application = server.create(identity)
    application.cleanup_ctx.append(database.run)
    application.cleanup_ctx.append(store.run)
    application.router.add_get("/products", catalogue.search)
    application.router.add_get("/products/{product_id}", catalogue.show)
    return application


class Catalogue:
    """The handlers."""

    def __init__(self, store: ProductStore) -> None:
        self._store = store

    async def search(self, request: web.Request) -> web.Response:
        """GET /products: by ids (comma-separated), or by q (words) and category with limit and offset.

        Answers {"products": [...], "total": matches}, in the catalogue's order.
        """
        if "ids" in request.query:
            products = await self._store.by_ids(_ids(request.query["ids"]))
            return web.json_response({"products": products, "total": len(products)})
        words = request.query.get("q", "").split()
        if sum(map(len, words)) > MAX_QUERY_LENGTH or "\x00" in "".join(words):
            raise refuse("invalid_query", f"A query has at most {MAX_QUERY_LENGTH} characters, all printable.")
        category = request.query.get("category", "")
        if category and category not in CATEGORIES:
            raise refuse("invalid_category", f"A category is one of {', '.join(CATEGORIES)}.")
        products, total = await self._store.search(
            words,
            category,
            limit=_whole_number(request, "limit", default=MAX_LIMIT, most=MAX_LIMIT),
            offset=_whole_number(request, "offset", default=0, most=10_000),
        )
        return web.json_response({"products": products, "total": total})

    async def show(self, request: web.Request) -> web.Response:
        """GET /products/{product_id}: one product, or 404."""
        products: list[dict[str, Any]] = await self._store.by_ids(
            [product_id(request.match_info["product_id"])]
        )
        if not products:
            raise Problem(_NOT_FOUND, "unknown_product", "There is no such product.")
        return web.json_response(products[0])


def _ids(value: str) -> list[str]:
    ids = [product_id(word) for word in value.split(",") if word]
    if len(ids) > MAX_IDS:
        raise refuse("invalid_product", f"At most {MAX_IDS} products can be asked for at once.")
    return ids


def _whole_number(request: web.Request, name: str, *, default: int, most: int) -> int:
    value = request.query.get(name, str(default))
    # The length goes first: int() refuses numbers of thousands of digits with an exception of its own.
    if len(value) > len(str(most)) or not value.isascii() or not value.isdigit() or int(value) > most:
        raise refuse(f"invalid_{name}", f"{name} is a whole number from 0 to {most}.")
    return int(value)
