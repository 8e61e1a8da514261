"""Payments: a card is checked, then the payment provider takes half a second to a second."""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from shop import metrics, server, settings
from shop.problems import Problem
from shop.requests_in import json_object, refuse
from shop.settings import Identity

MAX_AMOUNT_CENTS = 10_000_000
CARD_DIGITS = range(13, 20)
_DECLINED = 402
_LARGEST_DIGIT = 9

# Takes an amount in cents, returns the transaction's id.
Charge = Callable[[int], Awaitable[str]]


def build(identity: Identity) -> web.Application:
    """Return the payment service; raises SettingsError without a PAYMENT_CONCURRENCY from 1 to 1000."""
    return build_with(identity, charge)


def build_with(identity: Identity, charge_card: Charge) -> web.Application:
    """Return a payment service that charges with the given function."""
    payment = Payment(identity.name, charge_card, settings.integer("PAYMENT_CONCURRENCY", 1, 1000))
    application = server.create(identity)
    application.router.add_post("/process", payment.process)
    return application


async def charge(_amount_cents: int) -> str:
    """Charge an amount at the provider, which takes 0.5 to 1 second; return the transaction's id."""
    await asyncio.sleep(random.uniform(0.5, 1.0))  # noqa: S311 - a duration, no secret
    return uuid.uuid4().hex


class Payment:
    """The handler; the provider's contract allows so many payments at a time, others wait."""

    def __init__(self, service: str, charge_card: Charge, concurrency: int) -> None:
        self._service = service
        self._charge = charge_card
        self._slots = asyncio.Semaphore(concurrency)
        metrics.expect_charges(service)

    async def process(self, request: web.Request) -> web.Response:
        """POST /process {"amount_cents", "card": {"number", ...}}: 200 with a transaction_id, or 402."""
        body = await json_object(request)
        amount = body.get("amount_cents")
        if isinstance(amount, bool) or not isinstance(amount, int) or not 0 < amount <= MAX_AMOUNT_CENTS:
            raise refuse("invalid_amount", f"amount_cents is a whole number from 1 to {MAX_AMOUNT_CENTS}.")
        if not card_is_valid(body.get("card")):
            raise Problem(_DECLINED, "card_declined", "The card was declined: its number is not valid.")
        with metrics.charge(self._service, "waiting"):
            await self._slots.acquire()
        try:
            with metrics.charge(self._service, "charging"):
                transaction = await self._charge(amount)
        finally:
            self._slots.release()
        return web.json_response({"transaction_id": transaction, "amount_cents": amount})


def card_is_valid(card: Any) -> bool:
    """Return whether card["number"] has 13 to 19 digits whose check digit is right."""
    number = card.get("number") if isinstance(card, dict) else None
    if not isinstance(number, str):
        return False
    digits = number.replace(" ", "").replace("-", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) in CARD_DIGITS):
        return False
    return luhn_sum(digits) % 10 == 0


def luhn_sum(digits: str) -> int:
    """Return the Luhn sum (ISO/IEC 7812-1, annex B): from the right, every second digit counts twice."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + position % 2)
        total += value - _LARGEST_DIGIT if value > _LARGEST_DIGIT else value
    return total
