"""Three kinds of people with paces of their own, so that one broken step does not starve the others.

    TARGET_URL=http://127.0.0.1:8080 BROWSERS=10 CART_USERS=6 PAYERS=16 python -m shop.load

A step that hangs ends after 5 seconds. Who pays depends on nothing but the way to checkout: neither on the
pages that others browse nor on the cart's answer. What people meet is served as metrics on $POD_IP:8080, or on
127.0.0.1:8080.
"""

import itertools
import logging
import os
import random
import sys
import time
from urllib.parse import urlsplit

import gevent
from locust import FastHttpUser, constant_pacing, events, task
from locust.contrib.fasthttp import ResponseContextManager
from locust.env import Environment
from prometheus_client import start_http_server

from shop import logfmt, metrics
from shop.load.plan import read_plan
from shop.settings import SettingsError

BROWSING_SECONDS = 1
CART_SECONDS = 2
PAYING_SECONDS = 2
TIMEOUT_SECONDS = 5
METRICS_PORT = 8080
SUMMARY_SECONDS = 10

PRODUCTS = ("first-light-espresso", "bergamot-grey", "carrot-cake", "sea-salt-cookies", "copper-kettle")
WORDS = ("tea", "dark chocolate", "honey", "cake", "espresso")
# The test card that payment providers give out; no bank issues it.
TEST_CARD = {"holder": "Robin Example", "number": "4242424242424242", "expiry": "12/34", "cvc": "123"}

try:
    PLAN = read_plan()
except SettingsError as error:
    sys.exit(f"load: {error}")
SERVICE = os.environ.get("SERVICE_NAME", "load")
UPSTREAM = urlsplit(PLAN.target).hostname or ""


class Person(FastHttpUser):
    """Somebody with a browser of their own."""

    abstract = True
    pace = 1.0
    host = PLAN.target
    network_timeout = TIMEOUT_SECONDS
    connection_timeout = TIMEOUT_SECONDS

    def on_start(self) -> None:
        """Start somewhere within the first pace: people do not act in step."""
        gevent.sleep(random.uniform(0, self.pace))  # noqa: S311 - a pause, no secret

    def product(self) -> str:
        """Return the id of some product."""
        return random.choice(PRODUCTS)  # noqa: S311 - a taste, no secret


class Browser(Person):
    """Looks around: the start page, a search, a product, its picture."""

    abstract = PLAN.browsers == 0
    fixed_count = PLAN.browsers
    pace = BROWSING_SECONDS
    wait_time = constant_pacing(BROWSING_SECONDS)

    def on_start(self) -> None:
        """Begin with any of the steps."""
        super().on_start()
        steps = [self.home, self.search, self.look, self.picture]
        first = random.randrange(len(steps))  # noqa: S311 - a start, no secret
        self._steps = itertools.cycle(steps[first:] + steps[:first])

    @task
    def step(self) -> None:
        """Take the next step."""
        next(self._steps)()

    def home(self) -> None:
        """Open the start page."""
        self.client.get("/", name="home")

    def search(self) -> None:
        """Search for some words."""
        words = random.choice(WORDS).replace(" ", "+")  # noqa: S311 - a taste, no secret
        self.client.get(f"/search?q={words}", name="search")

    def look(self) -> None:
        """Open a product's page."""
        self.client.get(f"/products/{self.product()}", name="product")

    def picture(self) -> None:
        """Load a picture."""
        self.client.get(f"/api/v1/content/pictures/{self.product()}.svg", name="picture")


class CartUser(Person):
    """Puts something into the cart and looks at it, then takes it out again, and never buys."""

    abstract = PLAN.cart_users == 0
    fixed_count = PLAN.cart_users
    pace = CART_SECONDS
    wait_time = constant_pacing(CART_SECONDS)

    @task
    def change_of_mind(self) -> None:
        """Add a product and remove it; each shows the cart by a redirect."""
        product = self.product()
        self.client.post("/cart/items", data={"product_id": product, "quantity": "1"}, name="add to cart")
        self.client.post(f"/cart/items/{product}", data={"remove": "1"}, name="remove from cart")


class Payer(Person):
    """Puts something into the cart and pays for it."""

    abstract = PLAN.payers == 0
    fixed_count = PLAN.payers
    pace = PAYING_SECONDS
    wait_time = constant_pacing(PAYING_SECONDS)

    @task
    def buy(self) -> None:
        """Buy one product; the payment is made even when the cart does not answer."""
        line = {"product_id": self.product(), "quantity": 1}
        self.client.post("/api/v1/cart/items", json=line, name="fill cart")
        order = {"items": [line], "card": TEST_CARD}
        self.client.post("/api/v1/checkout/process", json=order, name="pay")


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        pairs = [
            ("ts", logfmt.timestamp(record.created)),
            ("level", record.levelname.lower()),
            ("service", "load"),
            ("msg", record.getMessage()),
        ]
        error = record.exc_info[1] if record.exc_info else None
        if error:
            pairs += [("exception", type(error).__name__), ("error", str(error))]
        return logfmt.line([*pairs, *getattr(record, "fields", {}).items()])


def _configure_logs() -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Formatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("shop.load").setLevel(logging.INFO)
    # Its table, which Locust prints at the end.
    logging.getLogger("locust.stats_logger").disabled = True


def _summarise(environment: Environment) -> None:
    """Write a line every SUMMARY_SECONDS: what was asked and what failed since the line before."""
    log = logging.getLogger("shop.load")
    asked_before: dict[tuple[str, str], int] = {}
    failed_before: dict[tuple[str, str], int] = {}
    while True:
        time.sleep(SUMMARY_SECONDS)
        # Looked up each time: Locust replaces it when it starts over.
        entries = dict(environment.stats.entries)
        asked = {key: entry.num_requests for key, entry in entries.items()}
        failed = {key: entry.num_failures for key, entry in entries.items()}
        failures = {key[0]: number - failed_before.get(key, 0) for key, number in failed.items()}
        requests = sum(asked.values()) - sum(asked_before.values())
        summary = {
            "requests": requests,
            "per_second": f"{requests / SUMMARY_SECONDS:.1f}",
            "failures": sum(failures.values()),
            "failed": ", ".join(f"{name}: {number}" for name, number in failures.items() if number) or "none",
        }
        log.info("summary", extra={"fields": summary})
        asked_before, failed_before = asked, failed


@events.request.add_listener
def _count(
    request_type: str,
    response_time: float,  # milliseconds, redirects included
    response: ResponseContextManager | None,
    exception: Exception | None,
    **_arguments: object,
) -> None:
    status = response.status_code if response is not None else 0
    if status:
        metrics.answered(SERVICE, UPSTREAM, request_type, status, response_time / 1000)
    else:
        error = exception or ConnectionError()
        metrics.unanswered(SERVICE, UPSTREAM, request_type, error, response_time / 1000)


@events.init.add_listener
def _on_init(environment: Environment, **_arguments: object) -> None:
    _configure_logs()
    metrics.expect_upstream(SERVICE, UPSTREAM, ("GET", "POST"))
    start_http_server(METRICS_PORT, os.environ.get("POD_IP", "127.0.0.1"), registry=metrics.REGISTRY)
    gevent.spawn(_summarise, environment)
