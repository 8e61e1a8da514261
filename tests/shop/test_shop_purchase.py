"""A purchase as a browser makes it, page by page."""

import re
from html.parser import HTMLParser

import pytest
import requests


class Page(HTMLParser):
    """What a visitor can act on, and what a screen reader needs."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[dict[str, object]] = []
        self.pictures: list[dict[str, str | None]] = []
        self.labelled: set[str | None] = set()
        self.unlabelled: list[str | None] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form":
            self.forms.append({"action": values.get("action"), "fields": {}})
        if tag == "label":
            self.labelled.add(values.get("for"))
        if tag in ("input", "select") and self.forms:
            fields = self.forms[-1]["fields"]
            assert isinstance(fields, dict)
            fields[values.get("name")] = values.get("value", "1")
            if values.get("type") != "hidden" and values.get("id") not in self.labelled:
                self.unlabelled.append(values.get("name"))
        if tag == "img":
            self.pictures.append(values)

    def form(self, action: str) -> dict[str, str]:
        return next(form["fields"] for form in self.forms if form["action"] == action)


@pytest.fixture
def browser(shop):
    with requests.Session() as session:
        base = shop["web-gateway"].url("")
        session.request = lambda method, path, _real=session.request, **options: _real(
            method, base + path, timeout=10, **options
        )
        yield session


def test_browse_search_buy(browser):
    home = browser.get("/")
    assert home.status_code == 200
    assert home.text.count('class="card"') == 30
    for picture in Page(home.text).pictures[:6]:
        assert browser.get(picture["src"]).status_code == 200

    found = browser.get("/search?q=dark+chocolate").text
    assert "Sea Salt Cookies" in found
    assert "Breakfast Assam" not in found

    product = browser.get("/products/sea-salt-cookies").text
    form = {**Page(product).form("/cart/items"), "quantity": "3"}
    cart = browser.post("/cart/items", data=form).text
    assert "Sea Salt Cookies" in cart
    assert "€20.40" in cart
    assert "Cart, 3 pieces" in cart

    cart = browser.post("/cart/items/sea-salt-cookies", data={"quantity": "2"}).text
    assert "€13.60" in cart

    checkout = browser.get("/checkout").text
    card = Page(checkout).form("/checkout")
    assert card["number"] == "4242 4242 4242 4242"
    paid = browser.post("/checkout", data=card)
    assert paid.status_code == 200
    assert "Thank you!" in paid.text
    assert "€13.60" in paid.text
    assert re.search(r"/orders/[0-9a-f]{32}$", paid.url)

    # The confirmation can be loaded again, by its buyer only; the cart is empty.
    order = paid.url.rsplit(":8080", 1)[1]
    assert browser.get(order).status_code == 200
    assert "It is empty" in browser.get("/cart").text
    assert requests.get(paid.url, timeout=5).status_code == 404


def test_a_declined_card_keeps_the_cart_and_shows_no_number(browser):
    browser.post("/cart/items", data={"product_id": "carrot-cake", "quantity": "1"})
    card = {"holder": "Robin", "number": "4242 4242 4242 4241", "expiry": "12/34", "cvc": "123"}
    answer = browser.post("/checkout", data=card)
    assert answer.status_code == 402
    assert "declined" in answer.text
    assert "4241" not in answer.text
    assert "Carrot Cake" in browser.get("/cart").text


def test_removing_the_last_line_empties_the_cart(browser):
    browser.post("/cart/items", data={"product_id": "carrot-cake", "quantity": "1"})
    assert "It is empty" in browser.post("/cart/items/carrot-cake", data={"remove": "1"}).text


@pytest.mark.parametrize(
    ("method", "path", "data", "status"),
    [
        ("GET", "/products/no-such-thing", None, 404),
        ("GET", "/nowhere", None, 404),
        ("GET", "/orders/0", None, 404),
        ("POST", "/cart/items", {"product_id": "carrot-cake", "quantity": "0"}, 400),
        ("POST", "/cart/items", {"product_id": "carrot-cake", "quantity": "100"}, 400),
        ("POST", "/cart/items", {"product_id": "carrot-cake", "quantity": "-1"}, 400),
        ("POST", "/cart/items", {"product_id": "carrot-cake", "quantity": "²"}, 400),
        ("POST", "/cart/items", {"product_id": "<script>", "quantity": "1"}, 400),
        ("POST", "/cart/items", {"product_id": "x" * 70_000, "quantity": "1"}, 413),
        ("DELETE", "/cart", None, 405),
    ],
)
def test_wrong_input_gets_a_page_that_says_so(browser, method, path, data, status):
    answer = browser.request(method, path, data=data)
    assert answer.status_code == status
    assert f"Error {status}" in answer.text
    assert "To the shop" in answer.text


def test_a_product_that_left_the_catalogue_leaves_the_cart(browser):
    browser.request("POST", "/api/v1/cart/items", json={"product_id": "long-gone", "quantity": 2})
    browser.post("/cart/items", data={"product_id": "carrot-cake", "quantity": "1"})
    cart = browser.get("/cart").text
    assert "Carrot Cake" in cart
    assert browser.request("GET", "/api/v1/cart/items").json()["count"] == 1


def test_what_visitors_type_is_shown_as_text(browser):
    answer = browser.get("/search", params={"q": '"><script>alert(1)</script>$name'})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;$name" in answer.text


def test_pages_are_accessible_and_closed(browser):
    browser.post("/cart/items", data={"product_id": "carrot-cake", "quantity": "1"})
    for path in ("/", "/search?q=tea", "/products/carrot-cake", "/cart", "/checkout", "/nowhere"):
        answer = browser.get(path)
        page = Page(answer.text)
        assert 'lang="en"' in answer.text
        assert not page.unlabelled, path
        assert all("alt" in picture for picture in page.pictures), path
        assert answer.text.count("<h1") == 1, path
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
        # Nothing comes from elsewhere.
        assert not re.search(r'(src|href)="(https?:)?//', answer.text)
