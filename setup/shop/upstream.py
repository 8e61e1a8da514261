"""Requests to other services: bounded in time and size, counted, and safe while pods are replaced."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from shop import metrics
from shop.logs import fields
from shop.names import Names

CONNECT_SECONDS = 2.0
MAX_ANSWER_BYTES = 2 * 1024 * 1024
# Repeating one of these does nothing that the first did not do (RFC 9110, 9.2.2).
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})

_log = logging.getLogger("shop")


class UpstreamError(Exception):
    """The upstream gave no answer; `reason` is unreachable, timeout or broken."""

    def __init__(self, upstream: str, cause: Exception) -> None:
        self.reason = _reason(cause)
        super().__init__(f"no answer from {upstream}: {self.reason} ({type(cause).__name__}: {cause})")


class BadAnswerError(Exception):
    """The upstream answered with a status that is of no use to the caller."""

    def __init__(self, upstream: str, status: int) -> None:
        super().__init__(f"{upstream} answered {status}")


class AnswerTooLargeError(aiohttp.ClientError):
    """The upstream's answer is larger than MAX_ANSWER_BYTES."""


@dataclass(frozen=True)
class Answer:
    """An upstream's whole answer, whatever its status."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object; {} if it is none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


class Upstreams:
    """The client of one service.

    Idempotent requests use pooled connections, and are sent once more when the connection ended before an
    answer. Others go on a connection of their own, which no server closes for being idle: there is nothing
    to repeat, and no payment is taken twice. A connection that could not be made is tried once more with a
    fresh look at the name, whatever the method: nothing was sent.
    """

    def __init__(self, service: str, timeout_seconds: float) -> None:
        self._service = service
        self._timeout = timeout_seconds

    async def run(self, _application: web.Application) -> AsyncIterator[None]:
        """Keep the sessions open for as long as the application lives (for cleanup_ctx)."""
        self._names = Names()
        self._pooled = self._session(force_close=False)
        self._single = self._session(force_close=True)
        yield
        await self._pooled.close()
        await self._single.close()
        await self._names.close()

    def _session(self, *, force_close: bool) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            resolver=self._names, use_dns_cache=False, force_close=force_close, limit=0
        )
        return aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept-Encoding", "Content-Type"),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def request(
        self,
        method: str,
        url: URL,
        *,
        headers: Mapping[str, str] | CIMultiDict[str] | None = None,
        body: bytes | None = None,
        seconds: float | None = None,
    ) -> Answer:
        """Send a request and return the answer, whatever its status; raise UpstreamError if there is none.

        It may take as long as this client's requests do, or `seconds`.
        """
        upstream = url.host or ""
        start = perf_counter()
        try:
            async with asyncio.timeout(seconds or self._timeout):
                answer = await self._try_twice(method, url, headers, body)
        except (aiohttp.ClientError, TimeoutError) as error:
            metrics.unanswered(self._service, upstream, method, error, perf_counter() - start)
            raise UpstreamError(upstream, error) from error
        metrics.answered(self._service, upstream, method, answer.status, perf_counter() - start)
        return answer

    async def send_json(
        self,
        method: str,
        url: URL,
        value: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a value as JSON (None: no body); otherwise like request."""
        if value is None:
            return await self.request(method, url, headers=headers)
        kind = {"Content-Type": "application/json", **(headers or {})}
        return await self.request(method, url, headers=kind, body=json.dumps(value).encode())

    async def _try_twice(
        self, method: str, url: URL, headers: Mapping[str, str] | None, body: bytes | None
    ) -> Answer:
        session = self._pooled if method in IDEMPOTENT else self._single
        try:
            return await _exchange(session, method, url, headers, body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            failure: Exception = error
            self._names.forget()
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            if method not in IDEMPOTENT:
                raise
            failure = error
        _log.info("trying again", extra=fields(upstream=url.host, exception=type(failure).__name__))
        return await _exchange(self._single, method, url, headers, body)


async def _exchange(
    session: aiohttp.ClientSession,
    method: str,
    url: URL,
    headers: Mapping[str, str] | None,
    body: bytes | None,
) -> Answer:
    async with session.request(method, url, headers=headers, data=body, allow_redirects=False) as response:
        content = bytearray()
        async for piece in response.content.iter_any():
            content += piece
            if len(content) > MAX_ANSWER_BYTES:
                raise AnswerTooLargeError(f"more than {MAX_ANSWER_BYTES} bytes")
        return Answer(response.status, response.headers, bytes(content))


def _reason(error: Exception) -> str:
    if isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)):
        return "unreachable"
    return "timeout" if isinstance(error, TimeoutError) else "broken"
