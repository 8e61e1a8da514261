"""Replicas that replicate, and rollouts that callers do not notice, in the whole lab."""

import contextlib
import functools
import http.client
import json
import os
import secrets
import signal
import subprocess
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator

import psutil
import pytest

from lab import layout, settings

from .ownlab import until

pytestmark = pytest.mark.lab
_until = functools.partial(until, seconds=60.0)
NAMESPACE = "ecommerce"
STATELESS = ("content", "payment", "cart", "product", "checkout", "api-gateway", "web-gateway")


def _redis(host: str, *words: str) -> str:
    """Ask a Redis by its Service's name, as a pod of the shop's namespace would."""
    places = layout.find(settings.from_environment())
    env = {**os.environ, "LD_PRELOAD": "libnss_wrapper.so", "NSS_WRAPPER_HOSTS": str(places.hosts / NAMESPACE)}
    done = subprocess.run(
        ["redis-cli", "-h", host, "-p", "6379", *words],
        env=env,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.stdout.strip() + done.stderr.strip()


def _pod(lab, name: str) -> dict:
    words = ("get", "pods", "-n", NAMESPACE, "-l", f"app.kubernetes.io/name={name}", "-o", "json")
    (pod,) = json.loads(lab.run("kubectl", *words).stdout)["items"]
    return pod


def _server(address: str) -> int:
    """Return the process of the Redis at a pod's address, among those that the lab has started."""
    for record in layout.find(settings.from_environment()).processes.iterdir():
        # One that has just ended may still have its record.
        with contextlib.suppress(psutil.NoSuchProcess):
            if f"{address}:6379" in " ".join(psutil.Process(int(record.name)).cmdline()):
                return int(record.name)
    raise AssertionError(f"no Redis at {address}")


@pytest.fixture(autouse=True)
def afterwards(lab) -> Iterator[None]:
    """Leave the lab as the next test may expect it: every check and every scrape is up."""
    yield
    _until(lambda: _lowest(lab, "probe_success") == _lowest(lab, "up") == 1)


def _lowest(lab, series: str) -> float:
    query = urllib.parse.urlencode({"query": f"min({series})"})
    with urllib.request.urlopen(f"{lab.prometheus_url}/api/v1/query?{query}", timeout=30) as answer:
        return float(json.load(answer)["data"]["result"][0]["value"][1])


@pytest.fixture
def key() -> Iterator[str]:
    """Yield a key of the test's own, gone from every primary afterwards."""
    name = f"test:{secrets.token_hex(8)}"
    yield name
    for primary in ("cart-data", "session-data"):
        _redis(primary, "DEL", name)


@pytest.mark.usefixtures("lab")
@pytest.mark.parametrize("primary", ["cart-data", "session-data"])
def test_what_is_written_to_a_primary_is_read_from_its_replica(primary, key):
    assert _redis(primary, "SET", key, "kept", "EX", "120") == "OK"
    _until(lambda: _redis(f"{primary}-replica", "GET", key) == "kept")
    assert _redis(f"{primary}-replica", "SET", key, "other").startswith("READONLY")
    assert _redis(primary, "GET", key) == "kept"


class Buyers:
    """Shop through the storefront's API over and over, on new and on kept connections."""

    def __init__(self, port: int) -> None:
        self.transactions: list[str] = []
        self.failures: list[str] = []
        self._port = port
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._shop, args=(kept,)) for kept in (True, True, False)]

    def __enter__(self) -> "Buyers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _shop(self, kept: bool) -> None:
        while not self._ending.is_set():
            browser = Browser(self._port, kept)
            try:
                # The same one for as long as it works: a kept connection outlives many purchases.
                while not self._ending.wait(0.1):
                    self.transactions.append(_buy(browser))
            except (AssertionError, OSError, http.client.HTTPException) as error:
                self.failures.append(f"{browser.asked} (kept: {kept}): {type(error).__name__}: {error}")
            finally:
                browser.close()


class Browser:
    """One visitor of the storefront: a cookie, and a connection that is kept or not."""

    def __init__(self, port: int, kept: bool) -> None:
        self.asked = ""
        self._kept = kept
        self._cookie = ""
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, method: str, path: str, value: object = None) -> bytes:
        """Return the body of an answer that is no error."""
        self.asked = f"{method} {path}"
        body = None if value is None else json.dumps(value)
        headers = {"Content-Type": "application/json", "Cookie": self._cookie}
        self._connection.request(method, f"/api/v1/{path}", body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status < http.HTTPStatus.BAD_REQUEST, f"{answer.status} {content[:200]!r}"
        if (given := answer.getheader("Set-Cookie")) is not None:
            self._cookie = given.partition(";")[0]
        if not self._kept or answer.getheader("Connection") == "close":
            self._connection.close()
        return content

    def close(self) -> None:
        self._connection.close()


def _buy(browser: Browser) -> str:
    """Look, fill the cart, check out and pay; return the transaction's id."""
    line = {"product_id": "carrot-cake", "quantity": 2}
    card = {"holder": "Robin Example", "number": "4242424242424242", "expiry": "12/34", "cvc": "123"}
    assert b"carrot-cake" in browser.ask("GET", "product/products?q=cake")
    assert b"<svg" in browser.ask("GET", "content/pictures/carrot-cake.svg")
    browser.ask("POST", "cart/items", line)
    assert json.loads(browser.ask("GET", "cart/items"))["count"] == 2
    bought = json.loads(browser.ask("POST", "checkout/process", {"items": [line], "card": card}))
    assert json.loads(browser.ask("GET", "cart/items"))["count"] == 0
    return bought["transaction_id"]


@pytest.mark.timeout(300)
def test_a_rolling_restart_of_every_service_loses_no_purchase(lab):
    with Buyers(30080 + settings.from_environment().offset) as buyers:
        _until(lambda: len(buyers.transactions) >= 3)
        for name in STATELESS:
            deployment = f"deployment/{name}"
            assert lab.run("kubectl", "rollout", "restart", "-n", NAMESPACE, deployment).returncode == 0
            # The next one begins while the old pod of this one still ends: both kinds of change at once.
            words = ("rollout", "status", "-n", NAMESPACE, deployment, "--timeout=100s")
            done = lab.run("kubectl", *words, seconds=110)
            assert done.returncode == 0, done.stdout + done.stderr
        _until(lambda: all(_is_settled(lab, name) for name in STATELESS))
        enough = len(buyers.transactions) + 3
        _until(lambda: len(buyers.transactions) >= enough)
    assert not buyers.failures
    assert len(set(buyers.transactions)) == len(buyers.transactions)


def _is_settled(lab, name: str) -> bool:
    """Say whether the pods that a rollout replaced are gone."""
    words = ("get", "pods", "-n", NAMESPACE, "-l", f"app.kubernetes.io/name={name}", "-o", "json")
    pods = json.loads(lab.run("kubectl", *words).stdout)["items"]
    return not any("deletionTimestamp" in pod["metadata"] for pod in pods)


# Last: web-gateway keeps connections that the kill has ended, and each costs one visitor a 503 when it is used.
def test_replication_resumes_after_the_primary_was_killed(lab, key):
    pod = _pod(lab, "session-data")
    before = pod["status"]["containerStatuses"][0]["restartCount"]
    os.kill(_server(pod["status"]["podIP"]), signal.SIGKILL)
    _until(lambda: _pod(lab, "session-data")["status"]["containerStatuses"][0]["restartCount"] == before + 1)
    last = _pod(lab, "session-data")["status"]["containerStatuses"][0]["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"]) == (137, "Error")
    _until(lambda: _redis("session-data", "SET", key, "again", "EX", "120") == "OK")
    _until(lambda: "master_link_status:up" in _redis("session-data-replica", "INFO", "replication"))
    _until(lambda: _redis("session-data-replica", "GET", key) == "again")
