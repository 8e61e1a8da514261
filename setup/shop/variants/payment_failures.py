"""A buggy release of payment: one payment in four does not reach the provider."""

import random

from aiohttp import web

from shop.services import payment
from shop.settings import Identity

FAILING_SHARE = 0.25


class PaymentProviderError(Exception):
    """The provider could not be reached."""


def build(identity: Identity) -> web.Application:
    """Return the payment service of this release; raises SettingsError as payment's does."""
    return payment.build_with(identity, charge)


async def charge(amount_cents: int) -> str:
    """Charge as payment does, except that each attempt fails by chance, whatever came before it."""
    if random.random() < FAILING_SHARE:  # noqa: S311 - chance, no secret
        raise PaymentProviderError("Failed to connect to payment provider")
    return await payment.charge(amount_cents)
