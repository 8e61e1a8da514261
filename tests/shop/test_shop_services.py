"""What each service does by itself, asked through the storefront's API or directly."""

import concurrent.futures
import http.client
import json
import re
import time

import pytest
import requests

from chaosext.polling import poll
from shop.services.payment import card_is_valid

SESSION = {"X-Session-Id": "a-session-of-the-tests"}


def card(number: str) -> dict[str, str]:
    return {"number": number, "expiry": "12/34", "cvc": "123", "holder": "Robin"}


def pay(url: str, number: object = "4242424242424242", amount: object = 1234) -> requests.Response:
    body = {"amount_cents": amount, "card": {"number": number}}
    return requests.post(url, json=body, timeout=10)


def test_products_are_listed_and_searched(shop):
    url = shop["product"].url("/products")
    everything = requests.get(url, timeout=5).json()
    assert everything["total"] == 30
    assert set(everything["products"][0]) == {"id", "category", "name", "price_cents", "description"}
    page = requests.get(url, params={"limit": 4, "offset": 28}, timeout=5).json()
    assert page["products"] == everything["products"][28:]
    assert page["total"] == 30
    tea = requests.get(url, params={"category": "tea"}, timeout=5).json()
    assert {product["category"] for product in tea["products"]} == {"tea"}
    words = requests.get(url, params={"q": "CHOCOLATE salt"}, timeout=5).json()
    assert [product["id"] for product in words["products"]] == ["sea-salt-cookies"]
    ids = requests.get(url, params={"ids": "carrot-cake,no-such,market-chai"}, timeout=5).json()
    assert {product["id"] for product in ids["products"]} == {"carrot-cake", "market-chai"}
    assert requests.get(f"{url}/carrot-cake", timeout=5).json()["price_cents"] == 2450
    assert requests.get(f"{url}/no-such", timeout=5).status_code == 404


@pytest.mark.parametrize(
    "words", ["' OR '1'='1", "'; DROP TABLE product.products; --", "%", "_", "\\", "a%' ESCAPE '", "$1", "{}"]
)
def test_search_words_are_data(shop, words):
    url = shop["product"].url("/products")
    answer = requests.get(url, params={"q": words}, timeout=5)
    assert answer.status_code == 200
    assert answer.json()["total"] == 0
    assert requests.get(url, timeout=5).json()["total"] == 30


@pytest.mark.parametrize(
    "query",
    [
        *("limit=101", "limit=-1", "limit=x", "limit=" + "9" * 5000, "offset=1.5", "category=guns"),
        *("ids='", "q=%00", "q=" + "x" * 101, "ids=" + ",".join(["a"] * 101)),
    ],
)
def test_wrong_queries_are_refused(shop, query):
    assert requests.get(shop["product"].url(f"/products?{query}"), timeout=5).status_code == 400


def test_cart_counts_and_limits(shop):
    url = shop["cart"].url("/items")
    requests.delete(url, headers=SESSION, timeout=5)
    assert requests.post(url, json={"product_id": "a", "quantity": 98}, headers=SESSION, timeout=5).json() == {
        "items": [{"product_id": "a", "quantity": 98}],
        "count": 98,
    }
    full = requests.post(url, json={"product_id": "a", "quantity": 2}, headers=SESSION, timeout=5)
    assert (full.status_code, full.json()["error"]) == (400, "cart_full")
    changed = requests.put(f"{url}/a", json={"quantity": 7}, headers=SESSION, timeout=5).json()
    assert changed["count"] == 7
    for number in range(49):
        requests.put(f"{url}/p{number}", json={"quantity": 1}, headers=SESSION, timeout=5)
    assert requests.put(f"{url}/one-more", json={"quantity": 1}, headers=SESSION, timeout=5).status_code == 400
    assert requests.post(url, json={"product_id": "one-more"}, headers=SESSION, timeout=5).status_code == 400
    assert requests.get(url, headers=SESSION, timeout=5).json()["count"] == 56
    assert requests.delete(f"{url}/a", headers=SESSION, timeout=5).json()["count"] == 49
    assert requests.delete(url, headers=SESSION, timeout=5).json()["count"] == 0


@pytest.mark.parametrize("quantity", [0, 100, -1, 1.5, "1", True, None, 10**400])
def test_cart_refuses_wrong_quantities(shop, quantity):
    body = json.dumps({"product_id": "a", "quantity": quantity})
    answer = requests.post(shop["cart"].url("/items"), data=body, headers=SESSION, timeout=5)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_quantity")


@pytest.mark.parametrize("body", ["", "[]", "{", "null", "[" * 60_000, b"\xff"])
def test_bodies_that_are_no_json_object_are_refused(shop, body):
    answer = requests.post(shop["cart"].url("/items"), data=body, headers=SESSION, timeout=5)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_json")


def test_cart_needs_a_session(shop):
    assert requests.get(shop["cart"].url("/items"), timeout=5).status_code == 400
    assert requests.get(shop["cart"].url("/items"), headers={"X-Session-Id": "*"}, timeout=5).status_code == 400


def test_payment_takes_its_time_and_names_a_transaction(shop):
    start = time.monotonic()
    answer = pay(shop["payment"].url("/process"))
    assert answer.status_code == 200
    assert len(answer.json()["transaction_id"]) == 32
    assert time.monotonic() - start >= 0.5


@pytest.mark.parametrize(
    "number", ["4242424242424241", "42", "", "4242-4242", "\uff10" * 16, None, 4242424242424242, "0" * 20]
)
def test_invalid_cards_are_declined(shop, number):
    answer = pay(shop["payment"].url("/process"), number)
    assert (answer.status_code, answer.json()["error"]) == (402, "card_declined")


@pytest.mark.parametrize("number", ["4242 4242 4242 4242", "378282246310005", "6011-1111-1111-1117"])
def test_spaces_dashes_and_other_lengths_are_valid(number):
    assert card_is_valid({"number": number})


@pytest.mark.parametrize("amount", [0, -5, 1.5, "7", None, True, 10**9])
def test_wrong_amounts_are_refused(shop, amount):
    assert pay(shop["payment"].url("/process"), amount=amount).status_code == 400


def charges(payment):
    """Return how many payments wait, and how many are charged."""
    text = requests.get(payment.url("/metrics"), timeout=5).text
    found = dict(re.findall(r'payment_charges{service_name="payment",state="(\w+)"} (\S+)', text))
    return float(found["waiting"]), float(found["charging"])


def test_payments_beyond_the_limit_wait(world):
    payment = world.start("payment", PAYMENT_CONCURRENCY="2")
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        paying = [pool.submit(pay, payment.url("/process")) for _ in range(6)]
        missed = poll(lambda: None if charges(payment) == (4, 2) else f"{charges(payment)} of (4, 2)", 10, 0.05)
        answers = [one.result() for one in paying]
    # Six payments of at least 0.5 s, two at a time; the others are counted as waiting.
    assert missed is None
    assert charges(payment) == (0, 0)
    assert {answer.status_code for answer in answers} == {200}
    assert time.monotonic() - start >= 1.5
    payment.kill()


@pytest.mark.parametrize(
    ("items", "error"),
    [
        (None, "invalid_order"),
        ([], "invalid_order"),
        ([1], "invalid_order"),
        ([{"product_id": "carrot-cake", "quantity": 0}], "invalid_quantity"),
        ([{"product_id": "carrot-cake", "quantity": 60}] * 2, "invalid_quantity"),
        ([{"product_id": "no-such-thing", "quantity": 1}], "unknown_product"),
        ([{"product_id": "'--", "quantity": 1}], "invalid_product"),
    ],
)
def test_checkout_refuses_orders_that_cannot_be(shop, items, error):
    body = {"items": items, "card": card("4242424242424242")}
    answer = requests.post(shop["checkout"].url("/process"), json=body, headers=SESSION, timeout=5)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_checkout_prices_pays_and_clears_the_cart(shop):
    line = {"product_id": "carrot-cake", "quantity": 2}
    requests.post(shop["cart"].url("/items"), json=line, headers=SESSION, timeout=5)
    body = {"items": [line, {"product_id": "market-chai", "quantity": 1}], "card": card("4242424242424242")}
    answer = requests.post(shop["checkout"].url("/process"), json=body, headers=SESSION, timeout=5).json()
    assert answer["total_cents"] == 2 * 2450 + 920
    assert answer["currency"] == "EUR"
    assert requests.get(shop["cart"].url("/items"), headers=SESSION, timeout=5).json()["count"] == 0


def test_pictures_are_distinct_and_cached(shop):
    ids = [item["id"] for item in requests.get(shop["product"].url("/products"), timeout=5).json()["products"]]
    answers = [requests.get(shop["content"].url(f"/pictures/{name}.svg"), timeout=5) for name in ids]
    assert {answer.headers["Content-Type"] for answer in answers} == {"image/svg+xml"}
    assert len({answer.content.split(b"</title>")[1] for answer in answers}) == 30
    assert not any(b"$" in answer.content for answer in answers)
    tag = {"If-None-Match": answers[0].headers["ETag"]}
    again = requests.get(answers[0].url, headers=tag, timeout=5)
    assert (again.status_code, again.content) == (304, b"")
    through = requests.get(shop["web-gateway"].url(f"/api/v1/content/pictures/{ids[0]}.svg"), timeout=5)
    assert through.content == answers[0].content
    assert "Set-Cookie" not in through.headers


@pytest.mark.parametrize(
    "path",
    [
        "web-gateway/healthz",
        "api-gateway/",
        "cart-data/",
        "product/metrics",
        "product/healthz",
        "product/%6detrics",
        "../metrics",
        "product/../../metrics",
        "..%2f..%2fmetrics",
        "product/%2e%2e/metrics",
        "",
        "product",
    ],
)
@pytest.mark.parametrize("gateway", ["api-gateway", "web-gateway"])
def test_gateways_reach_nothing_else(shop, gateway, path):
    connection = http.client.HTTPConnection(shop[gateway].address, 8080, timeout=5)
    connection.request("GET", f"/api/v1/{path}")
    answer = connection.getresponse()
    assert answer.status == 404
    assert b"http_server_request" not in answer.read()
    connection.close()


def test_hop_by_hop_headers_stay_on_their_hop(shop):
    url = shop["api-gateway"].url("/api/v1/cart/items")
    # Named by Connection, so it must not reach the cart; without it the cart refuses.
    answer = requests.get(url, headers={**SESSION, "Connection": "keep-alive, X-Session-Id"}, timeout=5)
    assert answer.status_code == 400
    assert requests.get(url, headers=SESSION, timeout=5).status_code == 200


def test_large_bodies_are_refused(shop):
    for name, path in (("api-gateway", "/api/v1/cart/items"), ("cart", "/items")):
        answer = requests.post(shop[name].url(path), data=b"x" * 70_000, headers=SESSION, timeout=5)
        assert answer.status_code == 413
