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
from collections import Counter
from collections.abc import Iterator

import psutil
import pytest

from lab import layout, settings

from .ownlab import until

pytestmark = pytest.mark.lab
_until = functools.partial(until, seconds=60.0)
NAMESPACE = "ecommerce"


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


class Callers:
    """Ask the storefront's first page over and over, on new and on kept connections; count the answers."""

    def __init__(self, port: int) -> None:
        self.answers: Counter = Counter()
        self.failures: list[str] = []
        self._port = port
        self._ending = threading.Event()
        kinds = (True, True, False, False)
        self._threads = [threading.Thread(target=self._ask, args=(kept,)) for kept in kinds]

    def __enter__(self) -> "Callers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, kept: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self._ending.wait(0.1):
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{type(error).__name__}: {error} (kept: {kept})")
                connection.close()
                continue
            self.answers[answer.status] += 1
            if answer.status != http.HTTPStatus.OK:
                self.failures.append(f"{answer.status}: {body[:200]!r}")
            if not kept or answer.getheader("Connection") == "close":
                connection.close()


def test_a_rolling_restart_loses_no_request(lab):
    names = ("web-gateway", "api-gateway", "product")
    port = 30080 + settings.from_environment().offset
    deployments = [f"deployment/{name}" for name in names]
    with Callers(port) as callers:
        _until(lambda: callers.answers[200] >= 10)
        assert lab.run("kubectl", "rollout", "restart", "-n", NAMESPACE, *deployments).returncode == 0
        for deployment in deployments:
            words = ("rollout", "status", "-n", NAMESPACE, deployment, "--timeout=100s")
            done = lab.run("kubectl", *words, seconds=110)
            assert done.returncode == 0, done.stdout + done.stderr
        _until(lambda: all(_is_settled(lab, name) for name in names))
        enough = callers.answers[200] + 10
        _until(lambda: callers.answers[200] >= enough)
    assert not callers.failures
    assert set(callers.answers) == {200}


def _is_settled(lab, name: str) -> bool:
    """Say whether the pods that a rollout replaced are gone."""
    words = ("get", "pods", "-n", NAMESPACE, "-l", f"app.kubernetes.io/name={name}", "-o", "json")
    pods = json.loads(lab.run("kubectl", *words).stdout)["items"]
    return not any("deletionTimestamp" in pod["metadata"] for pod in pods)
