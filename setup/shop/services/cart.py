"""The carts: what each session has put aside, in Redis, with an end to how long it is kept."""

from aiohttp import web

from shop import server, settings
from shop.redis_store import RedisStore
from shop.requests_in import MAX_QUANTITY, json_object, product_id, quantity, refuse, session_id
from shop.settings import Identity

KEEP_SECONDS = 24 * 3600
MAX_PRODUCTS = 50


def build(identity: Identity) -> web.Application:
    """Return the cart service; raises SettingsError without CART_REDIS_URL."""
    store = RedisStore(
        settings.url("CART_REDIS_URL", "redis"), "cart_unavailable", "The carts cannot be reached right now."
    )
    cart = Cart(store)
    application = server.create(identity)
    application.cleanup_ctx.append(store.run)
    application.router.add_get("/items", cart.show)
    application.router.add_post("/items", cart.add)
    application.router.add_delete("/items", cart.clear)
    application.router.add_put("/items/{product_id}", cart.change)
    application.router.add_delete("/items/{product_id}", cart.remove)
    return application


class Cart:
    """The handlers; a cart is a hash from product id to quantity, named by its session."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store
        self._redis = store.redis

    async def show(self, request: web.Request) -> web.Response:
        """GET /items: the cart's lines and how many pieces they are."""
        return await self._answer(_key(request))

    async def add(self, request: web.Request) -> web.Response:
        """POST /items {"product_id", "quantity"}: put pieces of a product into the cart."""
        key = _key(request)
        body = await json_object(request)
        product, pieces = product_id(body.get("product_id")), quantity(body.get("quantity", 1))
        async with self._store.bounded():
            async with self._redis.pipeline() as pipe:
                pipe.hincrby(key, product, pieces)
                pipe.hlen(key)
                pipe.expire(key, KEEP_SECONDS)
                total, products, _ = await pipe.execute()
            # Counted first and taken back if it is too much: two clicks at once cannot pass the limit together.
            if total > MAX_QUANTITY or products > MAX_PRODUCTS:
                await self._take_back(key, product, pieces, total)
                raise refuse(
                    "cart_full",
                    f"A cart holds at most {MAX_QUANTITY} pieces of a product and {MAX_PRODUCTS} products.",
                )
        return await self._answer(key)

    async def _take_back(self, key: str, product: str, pieces: int, total: int) -> None:
        if total == pieces:
            await self._redis.hdel(key, product)
        else:
            await self._redis.hincrby(key, product, -pieces)

    async def change(self, request: web.Request) -> web.Response:
        """PUT /items/{product_id} {"quantity"}: set the quantity of a product."""
        key, product = _key(request), product_id(request.match_info["product_id"])
        pieces = quantity((await json_object(request)).get("quantity"))
        async with self._store.bounded(), self._redis.pipeline() as pipe:
            pipe.hset(key, product, str(pieces))
            pipe.hlen(key)
            pipe.expire(key, KEEP_SECONDS)
            created, products, _ = await pipe.execute()
            if created and products > MAX_PRODUCTS:
                await self._redis.hdel(key, product)
                raise refuse("cart_full", f"A cart holds at most {MAX_PRODUCTS} products.")
        return await self._answer(key)

    async def remove(self, request: web.Request) -> web.Response:
        """DELETE /items/{product_id}: take a product out; taking out what is not there is no error."""
        key, product = _key(request), product_id(request.match_info["product_id"])
        async with self._store.bounded():
            await self._redis.hdel(key, product)
        return await self._answer(key)

    async def clear(self, request: web.Request) -> web.Response:
        """DELETE /items: empty the cart."""
        async with self._store.bounded():
            await self._redis.delete(_key(request))
        return web.json_response({"items": [], "count": 0})

    async def _answer(self, key: str) -> web.Response:
        async with self._store.bounded():
            lines = await self._redis.hgetall(key)
        items = [{"product_id": product, "quantity": int(pieces)} for product, pieces in sorted(lines.items())]
        return web.json_response({"items": items, "count": sum(item["quantity"] for item in items)})


def _key(request: web.Request) -> str:
    return f"cart:{session_id(request)}"
