"""Pages to look around: the catalogue, search, a product."""

from itertools import groupby
from typing import Any

from aiohttp import web

from shop.catalogue import CATEGORIES
from shop.services.web_gateway.markup import Markup, euros, join, render
from shop.services.web_gateway.pages import page
from shop.services.web_gateway.sessions import Session
from shop.services.web_gateway.shop_api import ShopApi

LONGEST_QUERY = 100
_QUANTITIES = range(1, 11)
_INTRODUCTIONS = {
    "coffee": "Roasted on Mondays, on your shelf by Thursday.",
    "tea": "Whole leaves, picked by hand, packed in tins.",
    "cocoa": "For the hours when it is dark outside.",
    "bakery": "From our oven, every morning except Tuesday.",
    "kitchen": "Few tools, good ones.",
}


class Browsing:
    """The handlers."""

    def __init__(self, api: ShopApi) -> None:
        self._api = api

    async def home(self, _request: web.Request, session: Session) -> web.Response:
        """GET /: a welcome and the whole catalogue, by category."""
        products = await self._api.search("", "")
        sections = [
            _section(category, list(group))
            for category, group in groupby(products, key=lambda product: product["category"])
        ]
        return page("Coffee, tea and things to go with them", render("home", sections=join(sections)), session)

    async def search(self, request: web.Request, session: Session) -> web.Response:
        """GET /search?q=words&category=name: the products that match."""
        words = request.query.get("q", "").strip()[:LONGEST_QUERY]
        category = request.query.get("category", "")
        if category not in CATEGORIES:
            category = ""
        products = await self._api.search(words, category)
        shelf = category.capitalize() or "All products"
        title = f"“{words}”" + (f" in {shelf}" if category else "") if words else shelf
        main = render(
            "results",
            title=title,
            summary=_summary(len(products), category if not words else ""),
            cards=_cards(products) if products else render("no_results"),
        )
        return page(title, main, session, words=words, category=category)

    async def product(self, request: web.Request, session: Session) -> web.Response:
        """GET /products/{product_id}: one product and the button to buy it."""
        product = await self._api.product(request.match_info["product_id"])
        options = [
            Markup(f'<option value="{number}">{number}</option>')  # a number of ours
            for number in _QUANTITIES
        ]
        main = render(
            "product",
            id=product["id"],
            name=product["name"],
            category=product["category"],
            category_label=product["category"].capitalize(),
            price=euros(product["price_cents"]),
            description=product["description"],
            options=join(options),
        )
        return page(product["name"], main, session, category=product["category"])


def _section(category: str, products: list[dict[str, Any]]) -> Markup:
    return render(
        "section",
        category=category,
        title=category.capitalize(),
        introduction=_INTRODUCTIONS.get(category, ""),
        cards=_cards(products),
    )


def _cards(products: list[dict[str, Any]]) -> Markup:
    cards = [
        render("card", id=product["id"], name=product["name"], price=euros(product["price_cents"]))
        for product in products
    ]
    return render("grid", cards=join(cards))


def _summary(found: int, category: str) -> str:
    number = f"{found} {'product' if found == 1 else 'products'}"
    introduction = _INTRODUCTIONS.get(category, "")
    return f"{introduction} {number}." if introduction else f"{number} found."
