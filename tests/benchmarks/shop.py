"""Measures the shop's services: python tests/benchmarks/shop.py [--seconds N]. It needs no lab.

A closed loop of callers asks the API gateway for the catalogue, which product reads from PostgreSQL, as fast as
both answer. Counted are requests per second of CPU time that the two services take, which, unlike requests per
second, hardly depends on what else the machine does. It is done with telemetry as in the lab (spans go to a
collector), with spans that are made and go nowhere, and without any (OTEL_SDK_DISABLED). Nothing is asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections import Counter
from http import HTTPStatus
from pathlib import Path

import aiohttp
import psutil
from aiohttp import web
from figures import print_table

ROOT = Path(__file__).parents[2]
# As a script this file's folder comes first, and this file is no package `shop`.
sys.path[0] = str(ROOT)

from tests.shop.world import PRODUCT_PASSWORD, Postgres, Running, World  # noqa: E402 -- see above

CALLERS = 16
WARM_UP_SECONDS = 2.0
ROUNDS = 5
PATH = "/api/v1/product/products"
EXPORTED, MADE, DISABLED = "telemetry on", "spans made but not exported", "OTEL_SDK_DISABLED"


def main() -> None:
    """Start the services in each of three ways, measure in turns, print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each of the rounds lasts")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        database = Postgres(world)
        try:
            prepare(database)
            world.name("product-data", database.address)
            results = asyncio.run(measure(world, seconds))
        finally:
            world.stop()
            database.remove()
    print_table((name, written(rates), "") for name, rates in results.items())


def written(rates: list[float]) -> str:
    """Write the middle of the rounds and how far they lie apart."""
    middle, spread = statistics.median(rates), (max(rates) - min(rates)) / 2
    return f"{middle:.0f} ± {spread:.0f} requests per second and core, api-gateway and product"


def prepare(database: Postgres) -> None:
    """Start the server and make what app.yaml's init script makes."""
    database.start()
    database.sql("CREATE DATABASE products", "postgres")
    database.sql(f"CREATE ROLE product LOGIN PASSWORD '{PRODUCT_PASSWORD}'")
    database.sql("CREATE SCHEMA product AUTHORIZATION product")


async def measure(world: World, seconds: float) -> dict[str, list[float]]:
    """Return requests per CPU second of each round, by what becomes of spans."""
    sink = Sink()
    url = await sink.start()
    variants: dict[str, dict[str, str]] = {
        EXPORTED: {"OTEL_EXPORTER_OTLP_ENDPOINT": url},
        MADE: {},
        DISABLED: {"OTEL_SDK_DISABLED": "true"},
    }
    results: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(ROUNDS):  # in turns, so that a busy minute of the machine meets all
        for name, environment in variants.items():
            services = await asyncio.to_thread(start, world, environment)
            address = services[0].url(PATH)
            # Until its connections to the database are there, product refuses who would wait long for one.
            await ask(address, WARM_UP_SECONDS)
            before, sent = cpu_seconds(services), sink.bodies
            answers = served(await ask(address, seconds))
            results[name].append(answers / (cpu_seconds(services) - before))
            await asyncio.to_thread(lambda services=services: [one.stop() for one in services])
            check(name, exported=sink.bodies > sent, made=traced(services))
    await sink.stop()
    return results


def check(name: str, *, exported: bool, made: bool) -> None:
    """Stop when the services did not do what the row's name says."""
    if (made, exported) != (name != DISABLED, name == EXPORTED):
        raise SystemExit(f"{name}: spans made: {made}, exported: {exported}, unlike what the table would say")


def traced(services: list[Running]) -> bool:
    """Tell whether a service wrote the id of a span of its own into its log."""
    return any("traceID=" in one.log.read_text() for one in services)


def start(world: World, environment: dict[str, str]) -> list[Running]:
    """Start product and the API gateway in front of it; the gateway comes first in the list."""
    product = world.start("product", **environment)
    world.name("product", product.address)
    return [world.start("api-gateway", **environment), product]


async def ask(url: str, seconds: float) -> Counter[int]:
    """Return the callers' answers of a time by their status, each asking again as soon as it has one."""
    deadline = time.monotonic() + seconds
    answers: Counter[int] = Counter()

    async def call(session: aiohttp.ClientSession) -> None:
        while time.monotonic() < deadline:
            async with session.get(url) as answer:
                await answer.read()
                answers[answer.status] += 1

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(call(session) for _ in range(CALLERS)))
    return answers


def served(answers: Counter[int]) -> int:
    """Return how many answers were what was asked for; stop when they are not nearly all."""
    if answers[HTTPStatus.OK] < 0.99 * answers.total():
        raise SystemExit(f"too few answers are 200, so that others were measured: {dict(answers)}")
    return answers[HTTPStatus.OK]


def cpu_seconds(services: list[Running]) -> float:
    """Return the CPU time that the services have taken so far, user and system."""
    return sum(sum(psutil.Process(one.process.pid).cpu_times()[:2]) for one in services)


class Sink:
    """An OTLP/HTTP collector that throws away what it gets, so that it costs the machine little."""

    def __init__(self) -> None:
        self.bodies = 0
        app = web.Application()
        app.router.add_post("/v1/traces", self._take)
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self) -> str:
        """Start it and return its address."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """End it."""
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        await request.read()
        self.bodies += 1
        return web.Response()


if __name__ == "__main__":
    main()
