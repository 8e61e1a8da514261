"""What the storefront asks api-gateway."""

import asyncio
from typing import Any

from yarl import URL

from shop.problems import Problem
from shop.requests_in import SESSION_HEADER
from shop.services.web_gateway.sessions import Session
from shop.upstream import BadAnswerError, UpstreamError, Upstreams

STATUS_BY_REASON = {"timeout": 504, "unreachable": 503, "broken": 502}
_FIRST_ERROR, _SERVER_ERROR = 400, 500


class ShopApi:
    """The shop's services; each call raises Problem with the status and message to show."""

    def __init__(self, upstreams: Upstreams, gateway: URL) -> None:
        self._upstreams = upstreams
        self._api = gateway / "api/v1"

    async def search(self, words: str, category: str) -> list[dict[str, Any]]:
        """Return the products that match the words and the category; each may be empty."""
        query = {name: value for name, value in (("q", words), ("category", category)) if value}
        answer = await self._ask("GET", (self._api / "product/products").with_query(query))
        products: list[dict[str, Any]] = answer["products"]
        return products

    async def product(self, product_id: str) -> dict[str, Any]:
        """Return one product."""
        return await self._ask("GET", self._api / "product/products" / product_id)

    async def cart(self, session: Session) -> list[dict[str, Any]]:
        """Return the cart's lines, each a product with its `quantity`.

        A product that the catalogue no longer has is taken out of the cart.
        """
        items = (await self._ask("GET", self._api / "cart/items", session))["items"]
        if not items:
            return []
        ids = ",".join(item["product_id"] for item in items)
        found = await self._ask("GET", (self._api / "product/products").with_query(ids=ids))
        products = {product["id"]: product for product in found["products"]}
        gone = [item["product_id"] for item in items if item["product_id"] not in products]
        await asyncio.gather(*(self.remove(session, product_id) for product_id in gone))
        return [
            {**products[item["product_id"]], "quantity": item["quantity"]}
            for item in items
            if item["product_id"] in products
        ]

    async def add(self, session: Session, product_id: str, quantity: int) -> int:
        """Put a product into the cart; return how many pieces it then holds."""
        line = {"product_id": product_id, "quantity": quantity}
        return int((await self._ask("POST", self._api / "cart/items", session, line))["count"])

    async def change(self, session: Session, product_id: str, quantity: int) -> int:
        """Set a product's quantity; return how many pieces the cart then holds."""
        url = self._api / "cart/items" / product_id
        return int((await self._ask("PUT", url, session, {"quantity": quantity}))["count"])

    async def remove(self, session: Session, product_id: str) -> int:
        """Take a product out of the cart; return how many pieces it then holds."""
        return int((await self._ask("DELETE", self._api / "cart/items" / product_id, session))["count"])

    async def checkout(
        self, session: Session, lines: list[dict[str, Any]], card: dict[str, str]
    ) -> dict[str, Any]:
        """Buy the lines; return the confirmation."""
        items = [{"product_id": line["id"], "quantity": line["quantity"]} for line in lines]
        return await self._ask("POST", self._api / "checkout/process", session, {"items": items, "card": card})

    async def _ask(
        self, method: str, url: URL, session: Session | None = None, value: object = None
    ) -> dict[str, Any]:
        headers = {SESSION_HEADER: session.id} if session else None
        try:
            answer = await self._upstreams.send_json(method, url, value, headers)
        except UpstreamError as error:
            message = "Our kitchen does not answer right now. Please try again in a moment."
            raise Problem(STATUS_BY_REASON[error.reason], f"upstream_{error.reason}", message) from error
        body = answer.json()
        if answer.status < _FIRST_ERROR:
            return body
        problem = Problem(
            answer.status,
            str(body.get("error", "failed")),
            str(body.get("message", "Something went wrong on our side.")),
        )
        if answer.status < _SERVER_ERROR:
            raise problem
        raise problem from BadAnswerError(url.path, answer.status)
