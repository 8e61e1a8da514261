"""Pages to buy: the cart, the checkout, the confirmation."""

import json
from typing import Any

from aiohttp import web

from shop.problems import Problem
from shop.requests_in import refuse
from shop.services.web_gateway.markup import Markup, euros, join, render
from shop.services.web_gateway.pages import page
from shop.services.web_gateway.sessions import Session, Sessions
from shop.services.web_gateway.shop_api import ShopApi

_OK, _NOT_FOUND = 200, 404
_MOST_DIGITS = 4
_CARD_FIELDS = ("holder", "number", "expiry", "cvc")


class Buying:
    """The handlers."""

    def __init__(self, api: ShopApi, sessions: Sessions) -> None:
        self._api = api
        self._sessions = sessions

    async def cart(self, _request: web.Request, session: Session) -> web.Response:
        """GET /cart: what is in the cart and what it costs."""
        lines = await self._lines(session)
        if not lines:
            return page("Your cart", render("empty_cart"), session)
        rows = [render("cart_line", **_line(line), picture=line["id"]) for line in lines]
        main = render("cart", lines=join(rows), total=euros(_total(lines)), pieces=session.pieces)
        return page("Your cart", main, session)

    async def add(self, request: web.Request, session: Session) -> web.StreamResponse:
        """POST /cart/items (product_id, quantity): put a product into the cart."""
        form = await request.post()
        pieces = await self._api.add(
            session, str(form.get("product_id", "")), _number(str(form.get("quantity", "1")))
        )
        await self._sessions.save(session, pieces=str(pieces))
        return _see("/cart")

    async def change(self, request: web.Request, session: Session) -> web.StreamResponse:
        """POST /cart/items/{product_id} (quantity, or remove): change a line or take it out."""
        form = await request.post()
        product_id = request.match_info["product_id"]
        if "remove" in form:
            pieces = await self._api.remove(session, product_id)
        else:
            pieces = await self._api.change(session, product_id, _number(str(form.get("quantity", ""))))
        await self._sessions.save(session, pieces=str(pieces))
        return _see("/cart")

    async def checkout_form(self, _request: web.Request, session: Session) -> web.StreamResponse:
        """GET /checkout: the form to pay."""
        lines = await self._lines(session)
        return _checkout_page(session, lines) if lines else _see("/cart")

    async def pay(self, request: web.Request, session: Session) -> web.StreamResponse:
        """POST /checkout (holder, number, expiry, cvc): buy the cart; on failure say why, and keep it."""
        form = await request.post()
        lines = await self._lines(session)
        if not lines:
            return _see("/cart")
        card = {name: str(form.get(name, "")) for name in _CARD_FIELDS}
        try:
            order = await self._api.checkout(session, lines, card)
        except Problem as problem:
            return _checkout_page(session, lines, problem)
        await self._sessions.save(session, pieces="0", order=json.dumps(order))
        return _see(f"/orders/{order['transaction_id']}")

    async def confirmation(self, request: web.Request, session: Session) -> web.Response:
        """GET /orders/{transaction_id}: the visitor's last order; nobody else can see it."""
        order = json.loads(session.data.get("order", "{}"))
        if order.get("transaction_id") != request.match_info["transaction_id"]:
            raise Problem(_NOT_FOUND, "unknown_order", "There is no such order in this session.")
        rows = [render("order_line", **_line(line)) for line in order["items"]]
        main = render(
            "confirmation",
            lines=join(rows),
            total=euros(order["total_cents"]),
            transaction=order["transaction_id"],
        )
        return page("Thank you", main, session)

    async def _lines(self, session: Session) -> list[dict[str, Any]]:
        lines = await self._api.cart(session)
        pieces = sum(line["quantity"] for line in lines)
        if pieces != session.pieces:
            await self._sessions.save(session, pieces=str(pieces))
        return lines


def _checkout_page(
    session: Session, lines: list[dict[str, Any]], problem: Problem | None = None
) -> web.Response:
    rows = [render("order_line", **_line(line)) for line in lines]
    main = render(
        "checkout",
        lines=join(rows),
        total=euros(_total(lines)),
        # What was typed is not sent back: a card's number belongs in no page.
        problem=render("problem", message=problem.message) if problem else Markup(""),
    )
    return page("Checkout", main, session, status=problem.status if problem else _OK)


def _line(line: dict[str, Any]) -> dict[str, object]:
    return {
        "id": line.get("id", line.get("product_id", "")),
        "name": line["name"],
        "quantity": line["quantity"],
        "price": euros(line["price_cents"]),
        "sum": euros(line["price_cents"] * line["quantity"]),
    }


def _total(lines: list[dict[str, Any]]) -> int:
    return sum(line["price_cents"] * line["quantity"] for line in lines)


def _number(value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > _MOST_DIGITS:
        raise refuse("invalid_quantity", "A quantity is a whole number.")
    return int(value)


def _see(path: str) -> web.Response:
    return web.Response(status=303, headers={"Location": path})
