"""The image table's databases, started as manifests/app.yaml starts them."""

import asyncio
import base64
import os
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis.asyncio
import yaml

from lab.node.images import newest_postgres, repository

APP = Path(__file__).parents[2] / "manifests" / "app.yaml"


def _documents():
    return list(yaml.safe_load_all(APP.read_text()))


def _create(world, name: str):
    """Create a Deployment's Secret and ConfigMap, and its pod, in the test's namespace."""
    for document in _documents():
        metadata = {"name": document["metadata"]["name"], "namespace": "test"}
        if document["kind"] in ("Secret", "ConfigMap") and document["metadata"]["name"].startswith(name):
            plural = f"{document['kind'].lower()}s"
            world.store.create(plural, {**document, "metadata": metadata})
        if document["kind"] == "Deployment" and document["metadata"]["name"] == name:
            template = document["spec"]["template"]["spec"]
    spec = {key: value for key, value in template.items() if key != "containers"}
    return world.create(name, template["containers"], **spec)


async def _ready(world, name: str) -> str:
    await world.until(lambda: world.condition(name, "Ready") == "True", 20)
    return world.pod(name)["status"]["podIP"]


def test_postgres_starts_with_its_roles_and_asks_for_passwords(with_world):
    async def body(world):
        _create(world, "product-data")
        secret = world.store.get("secrets", "test", "product-data")["data"]
        address = await _ready(world, "product-data")
        words = {"host": address, "user": "product", "database": "products"}
        password = _decode(secret["product-password"])
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(**words, password="wrong")
        connection = await asyncpg.connect(**words, password=password)
        assert await connection.fetchval("SHOW max_connections") == "20"
        assert await connection.fetchval("SHOW password_encryption") == "scram-sha-256"
        assert not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = 'product'")
        await connection.execute("CREATE TABLE product.t (a int)")
        await connection.close()
        _assert_in_no_command_line(password)
        _assert_in_no_command_line(_decode(secret["postgres-password"]))
        pid = int(next((world.folder / "records").iterdir()).name)
        assert _segments_of(pid)
        world.store.delete("pods", "test", "product-data", grace_period_seconds=0)
        await world.until(lambda: not _segments_of(pid), 3)

    with_world(body)


def test_postgres_keeps_its_data_over_a_crash_of_its_container(with_world):
    async def body(world):
        _create(world, "product-data")
        await _ready(world, "product-data")
        pid = int(next((world.folder / "records").iterdir()).name)
        os.kill(pid, 9)
        await world.until(lambda: world.status("product-data").get("restartCount") == 1)
        await _ready(world, "product-data")
        assert "initdb" not in world.output("product-data", 1)
        assert "database system was interrupted" in world.output("product-data", 1)

    with_world(body)


def test_a_killed_backend_of_postgres_is_the_servers_own_affair(with_world):
    async def body(world):
        _create(world, "product-data")
        await _ready(world, "product-data")
        server = int(next((world.folder / "records").iterdir()).name)
        backend = await world.until(
            lambda: next(
                (one.pid for one in psutil.Process(server).children() if "writer" in one.cmdline()[0]), 0
            )
        )
        os.kill(backend, 9)
        await world.until(
            lambda: "all server processes terminated; reinitializing" in world.output("product-data")
        )
        await world.until(lambda: world.output("product-data").count("ready to accept connections") >= 2)
        await world.until(lambda: world.condition("product-data", "Ready") == "True")
        assert world.status("product-data")["restartCount"] == 0

    with_world(body)


def test_postgres_without_a_password_says_so(with_world):
    async def body(world):
        container = {"name": "db", "image": "postgres:15", "env": [{"name": "PGDATA", "value": "/data/pg"}]}
        mounts = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}
        world.create("bare", [{**container, **mounts}], volumes=[{"name": "data", "emptyDir": {}}])
        await world.until(lambda: "POSTGRES_PASSWORD is not set" in world.output("bare"))

    with_world(body)


def test_redis_listens_on_the_pods_address_only(with_world):
    async def body(world):
        _create(world, "cart-data")
        address = await _ready(world, "cart-data")
        client = redis.asyncio.Redis(host=address)
        assert await client.ping()
        folder = (await client.config_get("dir"))["dir"]
        assert folder.startswith(str(world.folder / "pods"))
        await client.aclose()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.78.0.1", 6379)

    with_world(body)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("redis", "redis"),
        ("redis:7.0.15", "redis"),
        ("redis@sha256:abc", "redis"),
        ("registry:5000/team/redis", "registry:5000/team/redis"),
        ("registry:5000/team/redis:7", "registry:5000/team/redis"),
    ],
)
def test_the_repository_of_a_reference(reference, expected):
    assert repository(reference) == expected


def test_the_newest_server_is_chosen_by_number(tmp_path):
    for version in ("9.6", "15", "9", "17"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / "bin" / "postgres").touch()
    assert newest_postgres(tmp_path) == tmp_path / "17" / "bin"
    assert newest_postgres(tmp_path / "none") is None


def _decode(text: str) -> str:
    return base64.b64decode(text).decode()


def _assert_in_no_command_line(secret: str) -> None:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        assert secret.encode() not in words


def _segments_of(pid: int) -> list[str]:
    rows = [line.split() for line in Path("/proc/sysvipc/shm").read_text().splitlines()]
    creator = rows[0].index("cpid")
    return [row[1] for row in rows[1:] if row[creator] == str(pid)]
