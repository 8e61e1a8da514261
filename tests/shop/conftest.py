"""One shop for all tests; who breaks something does so to a process of their own, or heals it."""

from collections.abc import Iterator

import pytest
import requests

from .servers import Collector
from .world import PRODUCT_PASSWORD, Postgres, Running, World, poll


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("shop"))
    yield world
    world.stop()


@pytest.fixture(scope="session")
def postgres(world: World) -> Iterator[Postgres]:
    server = Postgres(world)
    server.start()
    server.sql("CREATE DATABASE products", "postgres")
    server.sql(f"CREATE ROLE product LOGIN PASSWORD '{PRODUCT_PASSWORD}'")
    server.sql("CREATE SCHEMA product AUTHORIZATION product")
    world.name("product-data", server.address)
    yield server
    server.remove()


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.stop()


@pytest.fixture(scope="session")
def shop(world: World, postgres: Postgres, collector: Collector) -> dict[str, Running]:
    """The whole shop; a name to each of its processes."""
    assert postgres.address
    running = {name: world.start_redis() for name in ("cart-data", "session-data")}
    services = ("payment", "content", "product", "cart", "checkout", "api-gateway", "web-gateway")
    for service in services:
        running[service] = world.start(service, wait=False, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    for name, process in running.items():
        world.name(name, process.address)
    for service in services:
        world.wait_healthy(running[service])
    poll(lambda: requests.get(running["product"].url("/products"), timeout=2).ok, 10, "catalogue seeded")
    return running
