"""A slow release of payment: the provider takes three seconds, and takes every payment."""

import asyncio
import random

from aiohttp import web

from shop.services import payment
from shop.settings import Identity

# Beyond the SLO's 2 s and below the 5 s after which the shop's customers give up. All payers at once find a
# place in the concurrency limit, so that no queue makes it slower than that.
SECONDS = (2.6, 3.2)


def build(identity: Identity) -> web.Application:
    """Return the payment service of this release; raises SettingsError as payment's does."""
    return payment.build_with(identity, charge)


async def charge(amount_cents: int) -> str:
    """Charge as payment does, after a wait."""
    least, most = SECONDS
    # payment's own charge takes half a second to a second.
    await asyncio.sleep(random.uniform(least - 0.5, most - 1))  # noqa: S311 - a duration, no secret
    return await payment.charge(amount_cents)
