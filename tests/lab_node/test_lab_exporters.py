"""The exporters of PostgreSQL and Redis against the data stores of app.yaml, in a lab without the rest."""

import asyncio
import base64
import re
import subprocess
import time
from pathlib import Path

import asyncpg
import psutil
import pytest
import yaml

from lab import exporters
from lab.settings import Settings

from .ownlab import CHECKOUT, PATIENCE_SECONDS, apart

pytestmark = pytest.mark.timeout(600)
STORES = ["cart-data", "cart-data-replica", "product-data"]
ALL_WELL = dict.fromkeys(STORES, 1.0)
MAX_CONNECTIONS, RESERVED = 20, 3


def test_only_the_collectors_that_share_a_connection_are_on(tmp_path):
    """What an unknown option would do: the real program ends."""
    words = exporters.postgres_words(Settings(CHECKOUT, tmp_path))
    assert "--no-collector.database" in words
    assert "--web.listen-address=127.0.0.1:19187" in words
    assert subprocess.run([*words, "--version"], capture_output=True, check=False).returncode == 0
    assert "-web.listen-address=127.0.0.1:19121" in exporters.redis_words(Settings(CHECKOUT, tmp_path))


@pytest.fixture(scope="module")
def stores():
    """A lab with product-data and cart-data, and nobody who uses them; each test leaves them whole."""
    with apart() as lab:
        up = lab("up", "--no-apply")
        assert up.returncode == 0, up.stderr
        lab.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(_data_stores()))
        lab.until(lambda: _states(lab) == ALL_WELL)
        yield lab


def _data_stores() -> list[dict]:
    found = list(yaml.safe_load_all((CHECKOUT / "manifests" / "app.yaml").read_text()))
    kinds = {"Namespace", "Secret", "ConfigMap"}
    return [one for one in found if one["kind"] in kinds or one["metadata"]["name"] in STORES]


def _states(lab) -> dict[str, float]:
    return {labels["service"]: value for labels, value in lab.query("pg_up or redis_up")}


def _secret(name: str, key: str) -> str:
    (secret,) = (one for one in _data_stores() if (one["kind"], one["metadata"]["name"]) == ("Secret", name))
    return base64.b64decode(secret["data"][key]).decode()


def _address(lab, name: str) -> str:
    words = (
        "-n",
        "ecommerce",
        "-l",
        f"app.kubernetes.io/name={name}",
        "-o",
        "jsonpath={.items[*].status.podIP}",
    )
    return lab.kubectl("get", "pods", *words)


def test_every_store_is_measured_under_its_service_s_name(stores):
    # A scrape on a busy machine may come too late, and its series are absent until the next.
    limits = stores.until(lambda: stores.query('pg_settings_max_connections{namespace="ecommerce"}'))
    assert [(labels["service"], value) for labels, value in limits] == [("product-data", MAX_CONNECTIONS)]
    stores.until(lambda: _value(stores, "pg_settings_superuser_reserved_connections") == RESERVED)
    stores.until(lambda: _value(stores, 'redis_connected_slaves{service="cart-data"}') == 1)
    stores.until(lambda: _services(stores, "redis_connected_clients") == {*STORES[:2]})
    password = _secret("product-data-exporter", "password")
    lines = [" ".join(process.cmdline()) for process in psutil.process_iter() if process.is_running()]
    assert not [line for line in lines if password in line]
    assert password not in stores("logs", "postgres-exporter").stdout + stores("logs", "daemon").stdout


def _services(lab, expression: str) -> set[str]:
    return {labels["service"] for labels, _ in lab.query(expression)}


def _value(lab, expression: str) -> float | None:
    found = lab.query(expression)
    return found[0][1] if found else None


def test_a_store_that_is_gone_is_0_and_not_absent_and_its_new_pod_is_found(stores):
    gone = ("deployment/product-data", "deployment/cart-data-replica")
    before = _address(stores, "product-data")
    stores.kubectl("scale", "-n", "ecommerce", *gone, "--replicas=0")
    expected = {"product-data": 0.0, "cart-data": 1.0, "cart-data-replica": 0.0}
    stores.until(lambda: _states(stores) == expected)
    stores.until(lambda: {value for _, value in stores.query('up{job=~"postgres|redis"}')} == {1.0})
    stores.kubectl("scale", "-n", "ecommerce", *gone, "--replicas=1")
    stores.until(lambda: _states(stores) == ALL_WELL)
    assert _address(stores, "product-data") != before


def test_a_server_without_a_free_slot_is_still_counted(stores):
    """By a role that is no superuser, on the connection that it has."""
    password = _secret("product-data", "product-password")
    product = {"host": _address(stores, "product-data"), "user": "product", "database": "products"}
    asyncio.run(_fill(stores, {**product, "password": password}))
    stores.until(lambda: _value(stores, "pg_up") == 1)


async def _fill(lab, product: dict[str, str]) -> None:
    held = [await asyncpg.connect(**product) for _ in range(MAX_CONNECTIONS - RESERVED - 1)]
    with pytest.raises(asyncpg.TooManyConnectionsError) as refused:
        await asyncpg.connect(**product)
    assert re.search("remaining connection slots|too many clients", str(refused.value))
    used = MAX_CONNECTIONS - RESERVED
    await asyncio.to_thread(lab.until, lambda: _value(lab, "sum(pg_stat_activity_count)") == used)
    await asyncio.to_thread(lab.until, lambda: _value(lab, "pg_up") == 1)
    # When its own session ends and another takes the slot, it has no numbers, and says so.
    held.append(await _take_slot_of_exporter(product))
    await asyncio.to_thread(lab.until, lambda: _value(lab, "pg_up") == 0)
    for connection in held:
        await connection.close()


async def _take_slot_of_exporter(product: dict[str, str]) -> asyncpg.Connection:
    """End the exporter's session and be faster than it, which tries again every two seconds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        await _end_session_of_exporter(product)
        try:
            return await asyncpg.connect(**product)
        except (
            asyncpg.TooManyConnectionsError
        ):  # the ended sessions are not gone yet, or the exporter was faster
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)


async def _end_session_of_exporter(product: dict[str, str]) -> None:
    secret = _secret("product-data", "postgres-password")
    admin = await asyncpg.connect(**{**product, "user": "postgres", "password": secret})
    rows = await admin.fetch("SELECT rolsuper, rolconnlimit FROM pg_roles WHERE rolname = 'exporter'")
    assert [tuple(row) for row in rows] == [(False, 2)]
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'exporter'")
    # As long as this session lives it counts as well, and an ordinary role is refused.
    await admin.close()


def test_a_changed_password_reaches_the_exporter(stores):
    first = stores.component("postgres-exporter")
    right = {key: _secret("product-data-exporter", key) for key in ("username", "password")}
    try:
        _apply_secret(stores, {**right, "password": "wrong"})
        stores.until(lambda: _states(stores).get("product-data") == 0)
        now = stores.component("postgres-exporter")
        assert now["pid"] != first["pid"]
        assert now["restarts"] == first["restarts"]
        environment = Path(f"/proc/{now['pid']}/environ").read_bytes().split(b"\0")
        assert b"DATA_SOURCE_PASS=wrong" in environment
    finally:
        _apply_secret(stores, right)
    stores.until(lambda: _states(stores) == ALL_WELL)


def _apply_secret(lab, words: dict[str, str]) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "product-data-exporter"}}
    secret["data"] = {key: base64.b64encode(word.encode()).decode() for key, word in words.items()}
    lab.kubectl("apply", "-n", "ecommerce", "-f", "-", stdin=yaml.safe_dump(secret))
