"""A buggy release of product: every request computes for seconds, then divides by zero.

The computation is a Python loop on a thread, one at a time: it burns one core and leaves the event loop room
for health checks and metrics. A big factorial would hold the interpreter's lock, and be an outage instead.
"""

import asyncio
import time

from aiohttp import web
from aiohttp.typedefs import Handler

from shop.services import product
from shop.settings import Identity

CPU_SECONDS = 2.5
_ROUNDS = 10_000
_CATALOGUE = "/products"


def build(identity: Identity) -> web.Application:
    """Return the product service of this release; raises SettingsError as product's does."""
    application = product.build(identity)
    application.middlewares.append(_discounts(asyncio.Lock()))
    return application


def _discounts(one_at_a_time: asyncio.Lock) -> Handler:
    @web.middleware
    async def discount(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(_CATALOGUE):
            async with one_at_a_time:
                await asyncio.to_thread(average_discount)
        return await handler(request)

    return discount


def average_discount() -> float:
    """Compute for CPU_SECONDS, then raise ZeroDivisionError: nobody gave a discount."""
    given, granted = 0, 0.0
    end = time.thread_time() + CPU_SECONDS
    while time.thread_time() < end:
        granted += sum(number % 7 for number in range(_ROUNDS)) * 0.0
    return granted / given
