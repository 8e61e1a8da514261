"""Names of other services: asked once, forgotten on demand, whoever waits for them."""

import asyncio
import socket
import threading

import pytest
from aiohttp import web
from yarl import URL

from shop.names import Names
from shop.upstream import UpstreamError, Upstreams

PORT = 8080


class Library:
    """The C library's getaddrinfo, which answers when it is let, and counts how often it was asked."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked = 0
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self, _host, port, *_arguments, **_named):
        self.asked += 1
        assert self.may_answer.wait(30)
        if not self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in self.addresses]


@pytest.fixture
def library(monkeypatch):
    library = Library("127.0.0.2", "127.0.0.3")
    monkeypatch.setattr(socket, "getaddrinfo", library)
    yield library
    library.may_answer.set()


async def first(names: Names) -> str:
    return (await names.resolve("cart", PORT))[0]["host"]


def test_all_who_wait_share_one_answer_and_addresses_take_turns(library):
    async def scenario():
        names = Names()
        library.may_answer.clear()
        waiting = [asyncio.create_task(first(names)) for _ in range(4)]
        await asyncio.sleep(0)
        library.may_answer.set()
        found = await asyncio.gather(*waiting)
        assert sorted(found) == ["127.0.0.2", "127.0.0.2", "127.0.0.3", "127.0.0.3"]
        assert {await first(names), await first(names)} == {"127.0.0.2", "127.0.0.3"}
        assert library.asked == 1

    asyncio.run(scenario())


def test_a_name_is_asked_for_anew_when_it_is_forgotten(library):
    async def scenario():
        names = Names()
        await first(names)
        library.addresses = ("127.0.0.9",)
        names.forget()
        assert await first(names) == "127.0.0.9"

    asyncio.run(scenario())


def test_a_name_lives_for_a_short_time(library, monkeypatch):
    monkeypatch.setattr("shop.names.REMEMBER_SECONDS", 0.0)

    async def scenario():
        names = Names()
        await first(names)
        await first(names)
        assert library.asked == 2

    asyncio.run(scenario())


def test_who_gives_up_takes_nobody_s_answer_away(library):
    async def scenario():
        names = Names()
        library.may_answer.clear()
        impatient, patient = (asyncio.create_task(first(names)) for _ in range(2))
        await asyncio.sleep(0)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        library.may_answer.set()
        assert await patient == "127.0.0.2"

    asyncio.run(scenario())


def test_a_name_that_nobody_knows_is_asked_for_again(library):
    library.addresses = ()

    async def scenario():
        names = Names()
        for _ in range(2):
            with pytest.raises(OSError, match="not known"):
                await names.resolve("cart", PORT)
        assert library.asked == 2

    asyncio.run(scenario())


def test_requests_that_wait_for_a_name_survive_that_it_is_forgotten(library):
    """Callers of a service that is gone find that out one after another, and each forgets its name."""
    library.addresses = ("127.0.0.1",)

    async def ask(client: Upstreams, url: URL) -> str:
        with pytest.raises(UpstreamError) as failure:
            await client.request("POST", url, body=b"{}")
        return failure.value.reason

    async def forget_all_the_time(client: Upstreams) -> None:
        while True:
            client._names.forget()
            await asyncio.sleep(0)

    async def scenario(port: int):
        url = URL(f"http://api-gateway:{port}/")
        client = Upstreams("web-gateway", 30)
        async for _ in client.run(web.Application()):
            library.may_answer.clear()
            asking = [asyncio.create_task(ask(client, url)) for _ in range(20)]
            forgetting = asyncio.create_task(forget_all_the_time(client))
            while not library.asked:
                await asyncio.sleep(0)
            library.may_answer.set()
            assert set(await asyncio.gather(*asking)) == {"unreachable"}
            forgetting.cancel()

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        asyncio.run(scenario(taken.getsockname()[1]))
