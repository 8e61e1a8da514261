"""What breaks, and how the shop says so: quickly, with the right status, and it heals by itself."""

import asyncio
import concurrent.futures
import contextlib
import itertools
import signal
import sys
import time

import aiohttp
import pytest
import requests

from shop.services.product import store as product_store
from shop.services.product.database import Database, DatabaseSettings

from .world import PATIENCE_SECONDS, poll

PAYMENT = {"amount_cents": 100, "card": {"number": "4242424242424242"}}
SESSION = {"X-Session-Id": "a-session-of-the-faults"}
PAYMENTS = 600


def timed(method: str, url: str, **options: object) -> tuple[requests.Response, float]:
    start = time.monotonic()
    answer = requests.request(method, url, timeout=15, **options)
    return answer, time.monotonic() - start


async def pay_at_once(url: str, number: int) -> list[int]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def pay() -> int:
            async with session.post(url, json=PAYMENT) as answer:
                return answer.status

        return await asyncio.gather(*(pay() for _ in range(number)))


def test_one_payment_in_four_fails_by_chance(world):
    payment = world.start("payment-failures", PAYMENT_CONCURRENCY="600")
    statuses = asyncio.run(pay_at_once(payment.url("/process"), PAYMENTS))
    assert set(statuses) == {200, 500}
    # Binomial with n = 600, p = 1/4: mean 150, deviation 10.6; beyond 4.5 deviations once in 150,000 runs.
    assert 102 <= statuses.count(500) <= 198
    failed = [index for index, status in enumerate(statuses) if status == 500]
    assert len({after - before for before, after in itertools.pairwise(failed)}) > 3
    payment.kill()


def test_a_healthy_payment_never_fails(shop):
    statuses = asyncio.run(pay_at_once(shop["payment"].url("/process"), 200))
    assert set(statuses) == {200}


def test_checkout_counts_failed_payments(world, shop):
    faulty = world.start("payment-failures")
    world.name("payment", faulty.address)
    try:
        order = {"items": [{"product_id": "carrot-cake", "quantity": 1}], "card": PAYMENT["card"]}

        async def buy() -> list[int]:
            async with aiohttp.ClientSession() as session:

                async def one() -> int:
                    url = shop["checkout"].url("/process")
                    async with session.post(url, json=order, headers=SESSION) as answer:
                        return answer.status

                # Few at once: each asks product for prices, whose pool of three connections turns a crowd away.
                return await asyncio.gather(*(one() for _ in range(6)))

        def failures() -> float:
            text = requests.get(shop["checkout"].url("/metrics"), timeout=5).text
            line = next(
                line for line in text.splitlines() if line.startswith('shop_payments_total{outcome="failure"')
            )
            return float(line.rsplit(" ", 1)[1])

        before = failures()
        poll(lambda: asyncio.run(buy()).count(502) > 0, 30, "a failed payment")
        assert failures() > before
        errors = [line["error"] for line in shop["checkout"].lines() if line["level"] == "error"]
        assert "payment answered 500" in errors
    finally:
        world.name("payment", shop["payment"].address)
        faulty.kill()


def test_cart_without_redis(world):
    world.name("no-redis", world.new_address())
    cart = world.start("cart", CART_REDIS_URL="redis://no-redis:6379/0")
    answer, seconds = timed("GET", cart.url("/items"), headers=SESSION)
    assert (answer.status_code, answer.json()["error"]) == (503, "cart_unavailable")
    assert seconds < PATIENCE_SECONDS
    assert requests.get(cart.url("/healthz"), timeout=1).ok
    line = next(line for line in cart.lines() if line["level"] == "error")
    assert line["exception"] == "ConnectionError"
    assert "connecting to no-redis:6379" in line["error"]
    # It heals when Redis comes.
    address = world.new_address()
    world.start_redis(address=address)
    world.name("no-redis", address)
    poll(lambda: requests.get(cart.url("/items"), headers=SESSION, timeout=2).ok, 5, "cart healed")
    cart.kill()


def test_connections_that_broke_cost_nobody_an_error_once_redis_is_back(world):
    address = world.new_address()
    redis = world.start_redis(address=address)
    world.name("restarted-redis", address)
    cart = world.start("cart", CART_REDIS_URL="redis://restarted-redis:6379/0")

    def look() -> int:
        return requests.get(cart.url("/items"), headers=SESSION, timeout=5).status_code

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: look(), range(40))) == {200}
        redis.kill()
        world.start_redis(address=address)
        # Every connection of the pool is one that broke.
        assert set(pool.map(lambda _: look(), range(40))) == {200}
    cart.kill()


def test_storefront_without_sessions_answers_at_once(world, shop):
    assert shop
    address = world.new_address()
    redis = world.start_redis(address=address)
    world.name("own-sessions", address)
    web = world.start("web-gateway", SESSION_REDIS_URL="redis://own-sessions:6379/0")
    assert requests.get(web.url("/"), timeout=5).ok
    # Frozen: it accepts and never answers. Then gone: it refuses.
    redis.process.send_signal(signal.SIGSTOP)
    for path, kind in (("/", "text/html"), ("/api/v1/cart/items", "application/json")):
        answer, seconds = timed("GET", web.url(path))
        assert answer.status_code == 503
        assert answer.headers["Content-Type"].startswith(kind)
        assert seconds < PATIENCE_SECONDS
    redis.stop()
    answer, seconds = timed("GET", web.url("/"))
    assert answer.status_code == 503
    assert "try again in a moment" in answer.text
    assert seconds < PATIENCE_SECONDS
    assert requests.get(web.url("/healthz"), timeout=1).ok
    # Pictures need no session.
    assert requests.get(web.url("/api/v1/content/pictures/carrot-cake.svg"), timeout=5).ok
    world.start_redis(address=address)
    poll(lambda: requests.get(web.url("/"), timeout=5).ok, 5, "storefront healed")
    web.kill()


def test_product_starts_without_its_database_and_seeds_it_later(world, postgres):
    world.name("late-database", world.new_address())
    product = world.start("product", DATABASE_HOST="late-database")
    answer, seconds = timed("GET", product.url("/products"))
    assert (answer.status_code, answer.json()["error"]) == (503, "catalogue_unavailable")
    assert seconds < PATIENCE_SECONDS
    assert requests.get(product.url("/healthz"), timeout=1).ok
    world.name("late-database", postgres.address)
    poll(lambda: requests.get(product.url("/products"), timeout=5).ok, 5, "product healed")
    product.kill()


def test_product_heals_after_its_database_was_killed_and_emptied(shop, postgres):
    url = shop["product"].url("/products")
    postgres.stop()
    try:
        answer, seconds = timed("GET", url)
        assert answer.status_code == 503
        assert seconds < PATIENCE_SECONDS
        page = requests.get(shop["web-gateway"].url("/"), timeout=5)
        assert page.status_code == 503
        assert "Something boiled over" in page.text
    finally:
        postgres.start()
    assert [requests.get(url, timeout=5).status_code for _ in range(12)] == [200] * 12
    # As after a replacement by an empty one, which gives the schema to product but has no table.
    postgres.sql("DROP TABLE product.products")
    assert requests.get(url, timeout=5).json()["total"] == 30


def test_two_pods_may_seed_at_once(world, postgres):
    postgres.sql("CREATE DATABASE twins", "postgres")
    postgres.sql("GRANT CREATE ON DATABASE twins TO product", "postgres")
    twins = [world.start("product", wait=False, DATABASE_NAME="twins") for _ in range(2)]
    for twin in twins:
        world.wait_healthy(twin)
        ready = lambda twin=twin: any(line["msg"] == "catalogue ready" for line in twin.lines())  # noqa: E731 - bound
        poll(ready, 5, "seeded")
        assert not [line for line in twin.lines() if line["level"] != "info"]
    assert postgres.sql("SELECT count(*) FROM product.products", "twins") == "30"
    for twin in twins:
        twin.kill()
    postgres.sql("DROP DATABASE twins", "postgres")


def test_a_product_asked_for_before_the_table_is_there_waits_for_it(postgres, monkeypatch):
    # However slow the machine is: what is looked at is the order, not the limit.
    monkeypatch.setattr(product_store, "WAIT_SECONDS", 30)
    postgres.sql("CREATE DATABASE fresh", "postgres")
    postgres.sql("GRANT CREATE ON DATABASE fresh TO product", "postgres")

    async def ask_first() -> list[dict]:
        database = Database(DatabaseSettings(postgres.address, 5432, "fresh", "product", "unused"))
        store = product_store.ProductStore(database)
        async with (
            contextlib.aclosing(database.run(None)) as opened,
            contextlib.aclosing(store.run(None)) as seeding,
        ):
            await anext(opened)
            asked = asyncio.create_task(store.by_ids(["carrot-cake"]))
            await asyncio.sleep(0)  # it has asked, or waits
            await anext(seeding)
            found = await asked
            await anext(seeding, None)
            await anext(opened, None)
            return found

    said_before = postgres.process.log.read_text().count("does not exist")
    assert [product["id"] for product in asyncio.run(ask_first())] == ["carrot-cake"]
    assert postgres.process.log.read_text().count("does not exist") == said_before
    postgres.sql("DROP DATABASE fresh", "postgres")


def test_product_says_what_postgresql_said_when_slots_run_out(world, shop, postgres):
    product = world.start("product")
    assert requests.get(product.url("/products"), timeout=5).ok
    postgres.sql("ALTER ROLE product CONNECTION LIMIT 0")
    sessions = "FROM pg_stat_activity WHERE usename = 'product'"
    postgres.sql(f"SELECT pg_terminate_backend(pid) {sessions}")
    poll(lambda: postgres.sql(f"SELECT count(*) {sessions}") == "0", 5, "product's sessions gone")
    try:
        answers = [timed("GET", product.url("/products")) for _ in range(3)]
        assert {answer.status_code for answer, _ in answers} == {503}
        assert max(seconds for _, seconds in answers) < PATIENCE_SECONDS
        errors = [line for line in product.lines() if line["level"] == "error"]
        assert errors[-1]["exception"] == "TooManyConnectionsError"
        assert "too many connections" in errors[-1]["error"]
    finally:
        postgres.sql("ALTER ROLE product CONNECTION LIMIT -1")
    assert requests.get(product.url("/products"), timeout=5).ok
    product.kill()
    poll(lambda: requests.get(shop["product"].url("/products"), timeout=5).ok, 5, "the shop's product healed")


@pytest.mark.parametrize(
    ("behaviour", "status", "error", "metric"),
    [
        ("refuses", 503, "upstream_unreachable", "ClientConnectorError"),
        ("hangs", 504, "upstream_timeout", "TimeoutError"),
        ("has no name", 503, "upstream_unreachable", "ClientConnectorDNSError"),
        ("hangs up", 502, "upstream_broken", "ServerDisconnectedError"),
    ],
)
def test_api_gateway_says_how_an_upstream_failed(world, shop, behaviour, status, error, metric):
    gateway = world.start("api-gateway", UPSTREAM_TIMEOUT_SECONDS="0.5")
    if behaviour == "refuses":
        world.name("content", world.new_address())
    elif behaviour == "has no name":
        world.name("content")
    elif behaviour == "hangs up":
        # A listener that ends every connection when something arrives.
        address = world.new_address()
        program = (
            f"import socket; s = socket.create_server(('{address}', 8080))\n"
            "while True: c, _ = s.accept(); c.recv(9999); c.close()"
        )
        world.launch([sys.executable, "-c", program], {}, address)
        world.name("content", address)
    else:
        frozen = world.start("content")
        frozen.process.send_signal(signal.SIGSTOP)
        world.name("content", frozen.address)
    try:
        if behaviour == "hangs up":
            poll(lambda: timed("GET", gateway.url("/api/v1/content/x"))[0].status_code == 502, 5, "listener up")
        answer, seconds = timed("GET", gateway.url("/api/v1/content/pictures/carrot-cake.svg"))
        assert (answer.status_code, answer.json()["error"]) == (status, error)
        assert seconds < PATIENCE_SECONDS
        text = requests.get(gateway.url("/metrics"), timeout=5).text
        series = (
            f'http_client_request_duration_seconds_count{{error_type="{metric}",http_request_method="GET",'
            'http_response_status_code="",server_address="content",service_name="api-gateway"} '
        )
        assert float(text.split(series)[1].split()[0]) >= 1
    finally:
        world.name("content", shop["content"].address)
        gateway.kill()
