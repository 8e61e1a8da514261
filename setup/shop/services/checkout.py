"""Checkout: an order is priced, paid for, and its cart cleared, all through api-gateway."""

import logging
from typing import Any

from aiohttp import web
from prometheus_client import Counter
from yarl import URL

from shop import metrics, server, settings
from shop.logs import fields
from shop.problems import Problem
from shop.requests_in import MAX_QUANTITY, SESSION_HEADER, json_object, product_id, quantity, refuse, session_id
from shop.settings import Identity
from shop.upstream import BadAnswerError, UpstreamError, Upstreams

MAX_LINES = 50
CURRENCY = "EUR"
CLEAR_CART_SECONDS = 1.0
_OK, _DECLINED = 200, 402
_BAD_GATEWAY, _UNAVAILABLE, _TIMEOUT = 502, 503, 504

_log = logging.getLogger("shop")

_payments = Counter(
    "shop_payments",
    "Payments asked for, by outcome; a declined card is none.",
    ["service_name", "outcome"],
    registry=metrics.REGISTRY,
)
_declined = Counter(
    "shop_payments_declined", "Cards that were declined.", ["service_name"], registry=metrics.REGISTRY
)


def build(identity: Identity) -> web.Application:
    """Return the checkout service; raises SettingsError without API_GATEWAY_URL."""
    gateway = URL(settings.url("API_GATEWAY_URL", "http"))
    # Longer than api-gateway's own limit, so that its answer (504) arrives.
    timeout = settings.seconds("UPSTREAM_TIMEOUT_SECONDS", most=300, default=12)
    upstreams = Upstreams(identity.name, timeout)
    metrics.expect_upstream(identity.name, gateway.host or "", ("GET", "POST", "DELETE"))
    checkout = Checkout(identity.name, upstreams, gateway)
    application = server.create(identity)
    application.cleanup_ctx.append(upstreams.run)
    application.router.add_post("/process", checkout.process)
    return application


class Checkout:
    """The handler of orders."""

    def __init__(self, service: str, upstreams: Upstreams, gateway: URL) -> None:
        self._upstreams = upstreams
        self._api = gateway / "api/v1"
        self._succeeded = _payments.labels(service, "success")
        self._failed = _payments.labels(service, "failure")
        self._declined = _declined.labels(service)

    async def process(self, request: web.Request) -> web.Response:
        """POST /process {"items": [{"product_id", "quantity"}], "card": {...}}: buy what is listed.

        Answers 200 with the transaction_id and the prices, 400 for an order that cannot be, 402 for a card
        that was declined, 502 to 504 when a service that it needs fails; then nothing was bought.
        """
        session = session_id(request)
        body = await json_object(request)
        order = read_order(body.get("items"))
        lines = await self._price(order)
        total = sum(line["price_cents"] * line["quantity"] for line in lines)
        transaction = await self._pay(total, body.get("card"))
        await self._clear_cart(session)
        return web.json_response(
            {"transaction_id": transaction, "items": lines, "total_cents": total, "currency": CURRENCY}
        )

    async def _price(self, order: dict[str, int]) -> list[dict[str, Any]]:
        url = (self._api / "product/products").with_query(ids=",".join(order))
        try:
            answer = await self._upstreams.request("GET", url)
        except UpstreamError as error:
            raise _unavailable(
                "catalogue_unavailable", "The prices cannot be looked up right now.", error
            ) from error
        if answer.status != _OK:
            problem = Problem(
                _UNAVAILABLE, "catalogue_unavailable", "The prices cannot be looked up right now."
            )
            raise problem from BadAnswerError("product", answer.status)
        products = {product["id"]: product for product in answer.json().get("products", [])}
        missing = sorted(set(order) - set(products))
        if missing:
            raise refuse("unknown_product", f"Not in the catalogue: {', '.join(missing)}.")
        return [
            {
                "product_id": product,
                "name": products[product]["name"],
                "quantity": pieces,
                "price_cents": products[product]["price_cents"],
            }
            for product, pieces in order.items()
        ]

    async def _pay(self, total_cents: int, card: object) -> str:
        payment = {"amount_cents": total_cents, "currency": CURRENCY, "card": card}
        try:
            answer = await self._upstreams.send_json("POST", self._api / "payment/process", payment)
        except UpstreamError as error:
            self._failed.inc()
            raise _unavailable("payment_failed", "The payment could not be made.", error) from error
        if answer.status == _DECLINED:
            self._declined.inc()
            message = answer.json().get("message", "The card was declined.")
            raise Problem(_DECLINED, "card_declined", message)
        transaction = answer.json().get("transaction_id") if answer.status == _OK else None
        if not isinstance(transaction, str):
            self._failed.inc()
            status = _TIMEOUT if answer.status == _TIMEOUT else _BAD_GATEWAY
            problem = Problem(status, "payment_failed", "The payment could not be made.")
            raise problem from BadAnswerError("payment", answer.status)
        self._succeeded.inc()
        return transaction

    async def _clear_cart(self, session: str) -> None:
        # The money is taken: a cart that stays full is logged, and no reason to let the customer wait.
        try:
            answer = await self._upstreams.request(
                "DELETE",
                self._api / "cart/items",
                headers={SESSION_HEADER: session},
                seconds=CLEAR_CART_SECONDS,
            )
        except UpstreamError as error:
            _log.warning("cart not cleared", extra=fields(exception=type(error).__name__, error=error))
            return
        if answer.status != _OK:
            _log.warning("cart not cleared", extra=fields(upstream_status=answer.status))


def read_order(items: object) -> dict[str, int]:
    """Return pieces by product id from a list of lines; raises Problem for an order that cannot be."""
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_LINES:
        raise refuse("invalid_order", f"An order has 1 to {MAX_LINES} lines.")
    order: dict[str, int] = {}
    for item in items:
        if not isinstance(item, dict):
            raise refuse("invalid_order", "A line has a product_id and a quantity.")
        product = product_id(item.get("product_id"))
        order[product] = order.get(product, 0) + quantity(item.get("quantity"))
        if order[product] > MAX_QUANTITY:
            raise refuse("invalid_quantity", f"An order has at most {MAX_QUANTITY} pieces of a product.")
    return order


def _unavailable(code: str, message: str, error: UpstreamError) -> Problem:
    return Problem(_TIMEOUT if error.reason == "timeout" else _UNAVAILABLE, code, message)
