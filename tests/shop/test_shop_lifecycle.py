"""Starting, stopping, and being replaced while people shop."""

import asyncio
import collections
import concurrent.futures
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import aiohttp
import pytest
import requests

from .servers import unreliable
from .world import Running, World, can_run_as

PAYMENT = {"amount_cents": 100, "card": {"number": "4242424242424242"}}
ORDER = {"items": [{"product_id": "carrot-cake", "quantity": 1}], "card": PAYMENT["card"]}
PRE_STOP_SECONDS = 2  # as in app.yaml


@pytest.mark.parametrize(
    ("service", "changes", "message"),
    [
        ("basket", {}, "unknown service 'basket'"),
        ("payment", {"PAYMENT_CONCURRENCY": ""}, "PAYMENT_CONCURRENCY is not set"),
        (
            "payment",
            {"PAYMENT_CONCURRENCY": "0"},
            "PAYMENT_CONCURRENCY is '0', not a whole number from 1 to 1000",
        ),
        ("payment-failures", {"PAYMENT_CONCURRENCY": "many"}, "PAYMENT_CONCURRENCY is 'many'"),
        ("payment", {"POD_IP": "localhost"}, "POD_IP is 'localhost', which is no IP address"),
        (
            "cart",
            {"CART_REDIS_URL": "http://:hunter2@cart-data"},
            "CART_REDIS_URL is not a URL such as redis://",
        ),
        ("checkout", {"API_GATEWAY_URL": "api-gateway:8080"}, "API_GATEWAY_URL is not a URL such as http://"),
        ("web-gateway", {"SESSION_KEY": "hunter2"}, "SESSION_KEY is too short"),
        ("web-gateway", {"SESSION_REDIS_URL": "redis://host:x"}, "SESSION_REDIS_URL is not a URL"),
        ("product", {"DATABASE_PASSWORD": ""}, "DATABASE_PASSWORD is not set"),
        ("product", {"DATABASE_PORT": "70000"}, "DATABASE_PORT is '70000'"),
        ("api-gateway", {"UPSTREAM_TIMEOUT_SECONDS": "nan"}, "UPSTREAM_TIMEOUT_SECONDS is 'nan'"),
    ],
)
def test_an_unusable_environment_is_one_clear_line(world, service, changes, message):
    environment = {**world.environment(service, "127.0.0.1"), **changes}
    result = subprocess.run(
        [sys.executable, "-m", "shop", service], env=environment, check=False, capture_output=True, text=True
    )
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert "hunter2" not in result.stderr + result.stdout


def test_no_service_is_a_usage_error(world):
    result = subprocess.run(
        [sys.executable, "-m", "shop"],
        env=world.environment("", ""),
        check=False,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2
    assert "usage: python -m shop {web-gateway|api-gateway|" in result.stderr


def test_a_taken_address_is_one_clear_line(world, shop):
    content = world.start("content", wait=False, POD_IP=shop["content"].address)
    assert content.process.wait(10) == 1
    (line,) = content.lines()
    assert line["msg"] == "cannot serve"
    assert "address already in use" in line["error"]


def test_services_stay_small(shop):
    for name, running in shop.items():
        status = Path(f"/proc/{running.process.pid}/status").read_text()
        kilobytes = int(status.split("VmRSS:")[1].split()[0])
        # 61 MiB with Python 3.13; app.yaml requests 96.
        assert kilobytes < 80 * 1024, name


def test_a_payment_in_flight_is_finished(world):
    payment = world.start("payment")
    with concurrent.futures.ThreadPoolExecutor(1) as pool, requests.Session() as kept:
        kept.get(payment.url("/healthz"), timeout=1)
        answer = pool.submit(requests.post, payment.url("/process"), json=PAYMENT, timeout=10)
        while "draining" not in payment.log.read_text():
            payment.process.send_signal(signal.SIGTERM)
            time.sleep(0.05)
        # For a while it still answers, old connections and new ones, and says that it will go.
        for _ in range(2):
            last = kept.get(payment.url("/healthz"), timeout=1)
            assert last.status_code == 200
            assert last.headers["Connection"] == "close"
        assert answer.result().status_code == 200
    assert payment.process.wait(5) == 0
    assert payment.lines()[-1]["msg"] == "stopped"


async def shop_for(url: str, stop: threading.Event) -> collections.Counter[tuple[str, int | str]]:
    """Browse and buy until told to stop; return how often each step had each outcome."""
    outcomes: collections.Counter[tuple[str, int | str]] = collections.Counter()

    async def browse(session: aiohttp.ClientSession) -> None:
        async with session.get(f"{url}/search?q=tea") as answer:
            outcomes["browse", answer.status] += 1
        await asyncio.sleep(0.02)

    async def buy(session: aiohttp.ClientSession) -> None:
        async with session.post(f"{url}/api/v1/checkout/process", json=ORDER) as answer:
            outcomes["buy", answer.status] += 1

    async def person(step: object) -> None:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            while not stop.is_set():
                await step(session)

    await asyncio.gather(*(person(browse) for _ in range(4)), *(person(buy) for _ in range(8)))
    return outcomes


def start_all(world: World, names: tuple[str, ...]) -> dict[str, Running]:
    running = {name: world.start(name, wait=False) for name in names}
    for process in running.values():
        world.wait_healthy(process)
    return running


def causes(lines: list[dict[str, str]]) -> set[str]:
    """Return the kinds of errors that a service answered with a status from 500."""
    return {line["exception"] for line in lines if line["level"] == "error"}


def test_replacing_pods_fails_no_request(world, shop):
    names = ("product", "payment", "api-gateway", "checkout", "cart")
    old, new = start_all(world, names), {}
    for name in names:
        world.name(name, old[name].address)
    storefront, stop = shop["web-gateway"], threading.Event()
    said_before = len(storefront.lines())
    try:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            outcomes = pool.submit(asyncio.run, shop_for(storefront.url(""), stop))
            # As a rolling update does: both have the name, then the new one only, then the old one ends.
            new = start_all(world, names)
            for name in names:
                world.name(name, old[name].address, new[name].address)
            time.sleep(0.5)
            for name in names:
                world.name(name, new[name].address)
            time.sleep(PRE_STOP_SECONDS)
            for running in old.values():
                running.process.terminate()
            codes = [running.process.wait(10) for running in old.values()]
            time.sleep(0.5)
            stop.set()
        assert codes == [0] * len(names)
        lines = storefront.lines()[said_before:]
        lines += [line for running in (*old.values(), *new.values()) for line in running.lines()]
        # On a starved machine the stores, which nobody replaces here, may pass the services' limits for them
        # (a TimeoutError, and a BadAnswerError at whoever asked). A pod that was gone is another error.
        starved = causes(lines)
        assert starved <= {"TimeoutError", "BadAnswerError"}
        met = set(outcomes.result())
        assert met - ({("browse", 503), ("buy", 503)} if starved else set()) == {("browse", 200), ("buy", 200)}
        assert outcomes.result()["buy", 200] > 30
    finally:
        stop.set()
        for name in names:
            world.name(name, shop[name].address)
        # The storefront keeps connections to whoever lives.
        for running in (*old.values(), *new.values()):
            running.kill()


def test_a_get_is_repeated_when_its_connection_ends(world, shop):
    gateway = world.start("api-gateway")
    with unreliable(world, "product", answers=1) as server, concurrent.futures.ThreadPoolExecutor(4) as pool:
        url = gateway.url("/api/v1/product/products")

        def get(_number: int) -> int:
            return requests.get(url, timeout=5).status_code

        # At once: each leaves a connection of its own in the pool, which ends when it is used again.
        assert list(pool.map(get, range(4))) == [200] * 4
        assert get(5) == 200
        assert len(server.requests) > 6
    world.name("product", shop["product"].address)
    gateway.kill()


def test_a_payment_is_never_repeated(world, shop):
    gateway = world.start("api-gateway")
    with unreliable(world, "payment", answers=0) as server:
        answer = requests.post(gateway.url("/api/v1/payment/process"), json=PAYMENT, timeout=5)
        assert (answer.status_code, answer.json()["error"]) == (502, "upstream_broken")
        assert server.requests == [b"POST"]
    world.name("payment", shop["payment"].address)
    gateway.kill()


def test_each_payment_has_a_connection_of_its_own(world, shop):
    gateway = world.start("api-gateway")
    # It would end a connection that is used twice.
    with unreliable(world, "payment", answers=1) as server:
        url = gateway.url("/api/v1/payment/process")
        assert [requests.post(url, json=PAYMENT, timeout=5).status_code for _ in range(5)] == [200] * 5
        assert server.requests == [b"POST"] * 5
    world.name("payment", shop["payment"].address)
    gateway.kill()


def test_a_service_runs_as_a_user_without_a_name(world):
    if not can_run_as(10001):
        pytest.skip("only root can become another user, and only if the code's folder is open to it")
    address = world.new_address()
    environment = {**world.environment("content", address), "PYTHONDONTWRITEBYTECODE": "1"}
    content = world.launch([sys.executable, "-m", "shop", "content"], environment, address, user=10001)
    world.wait_healthy(content)
    assert content.stop() == 0
