"""Node ports: TCP to a ready pod, following its Service."""

import asyncio
import contextlib
import socket

import pytest

from lab.node.forwarder import Forwarder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.asynccontextmanager
async def _server(address: str, answer: bytes):
    """Serve one answer to whatever arrives until the caller has said all; yield (address, port)."""

    async def serve(reader, writer):
        question = await reader.read()
        writer.write(answer + question)
        writer.close()

    server = await asyncio.start_server(serve, address, 0)
    try:
        yield address, server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _ask(port: int, question: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(question)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    return answer


@contextlib.asynccontextmanager
async def _forwarder():
    forwarder = Forwarder("127.0.0.1")
    try:
        yield forwarder, _free_port()
    finally:
        await forwarder.close()


def test_connections_go_to_each_ready_pod_in_turn():
    async def body():
        async with (
            _forwarder() as (forwarder, port),
            _server("127.78.0.1", b"one ") as one,
            _server("127.78.0.2", b"two ") as two,
        ):
            await forwarder.update({port: [one, two]})
            answers = {await _ask(port, b"hello") for _ in range(4)}
            assert answers == {b"one hello", b"two hello"}
            await forwarder.update({port: [two]})
            assert {await _ask(port, b"x") for _ in range(3)} == {b"two x"}

    asyncio.run(body())


def test_large_answers_arrive_whole():
    async def body():
        async with _forwarder() as (forwarder, port), _server("127.78.0.1", b"x" * 5_000_000) as pod:
            await forwarder.update({port: [pod]})
            assert len(await _ask(port, b"")) == 5_000_000

    asyncio.run(body())


@pytest.mark.parametrize("targets", [[], [("127.78.0.3", 9)]])
def test_without_a_pod_that_answers_the_connection_is_closed(targets):
    async def body():
        async with _forwarder() as (forwarder, port):
            await forwarder.update({port: targets})
            with contextlib.suppress(ConnectionError):
                assert await _ask(port, b"hello") == b""

    asyncio.run(body())


def test_a_port_without_a_service_is_closed():
    async def body():
        async with _forwarder() as (forwarder, port):
            await forwarder.update({port: []})
            await forwarder.update({})
            with pytest.raises(ConnectionRefusedError):
                await _ask(port, b"")

    asyncio.run(body())
