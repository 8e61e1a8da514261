"""The data source of type prometheus: it asks a real Prometheus over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass
from typing import Any, NoReturn

import aiohttp

from . import promquery
from .errors import ApiError
from .frames import Frame, Json
from .promframes import frames_of
from .promquery import PromQuery, TimeRange


class QueryError(Exception):
    """Why one query has no frames: a message and the status that its refId carries."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class SourceDown(Exception):
    """The data source did not answer: refused, broken off, or too late. The message says which."""


@dataclass(frozen=True)
class Reply:
    """What Prometheus answered over HTTP."""

    status: int
    content_type: str
    payload: bytes


@dataclass(frozen=True)
class Prometheus:
    """A data source of type prometheus.

    `scrape_ms` is Prometheus' scrape interval, from which $__rate_interval and the least step follow;
    `timeout_seconds` bounds each request to it.
    """

    id: int
    uid: str
    name: str
    url: str
    session: aiohttp.ClientSession
    scrape_ms: int
    timeout_seconds: float
    type: str = "prometheus"

    def json_data(self) -> Json:
        """Return the data source's settings as Grafana shows them."""
        return {"httpMethod": "POST", "timeInterval": f"{self.scrape_ms}ms"}

    async def query(self, ref_id: str, query: Json, window: TimeRange) -> list[Frame]:
        """Return the frames of one query; raises QueryError."""
        try:
            parsed = promquery.parse(ref_id, query, window, self.scrape_ms)
        except (ApiError, ValueError) as error:
            raise QueryError(400, f"invalid query: {error}") from None
        asked = [self._instant(parsed)] if parsed.instant else []
        asked += [self._range(parsed)] if parsed.range else []
        return [frame for frames in await asyncio.gather(*asked) for frame in frames]

    async def _instant(self, query: PromQuery) -> list[Frame]:
        form = {"query": query.expr, "time": _seconds(query.window.end_ms)}
        return await self._frames(query, "api/v1/query", form)

    async def _range(self, query: PromQuery) -> list[Frame]:
        window = query.aligned()
        form = {
            "query": query.expr,
            "start": _seconds(window.start_ms),
            "end": _seconds(window.end_ms),
            "step": _seconds(query.step_ms),
        }
        return await self._frames(query, "api/v1/query_range", form)

    async def _frames(self, query: PromQuery, path: str, form: dict[str, str]) -> list[Frame]:
        try:
            reply = await self.fetch("POST", path, data=form)
        except SourceDown as error:
            raise QueryError(502, str(error)) from None
        try:
            answer = json.loads(reply.payload)
            if answer["status"] == "success":
                return frames_of(query, answer)
            message = f"{answer['errorType']}: {answer['error']}"
        except (ValueError, KeyError, TypeError) as error:
            _no_such_api(reply, error)
        raise QueryError(reply.status, message)

    async def health(self) -> None:
        """Ask the simplest of queries; raises QueryError when it is not answered."""
        query = {"expr": "1+1", "instant": True}
        await self.query("__healthcheck__", query, TimeRange(1000, 4000))

    async def fetch(self, method: str, path: str, **options: Any) -> Reply:
        """Send a request to `path` under the data source's URL and read the whole answer.

        `options` are aiohttp's (data, params, headers). Raises SourceDown.
        """
        url = f"{self.url.rstrip('/')}/{path}"
        doing = f'{method.capitalize()} "{url}"'
        try:
            async with asyncio.timeout(self.timeout_seconds):
                async with self.session.request(method, url, allow_redirects=False, **options) as response:
                    return Reply(response.status, response.content_type, await response.read())
        except TimeoutError:
            raise SourceDown(f"{doing}: no answer within {self.timeout_seconds:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise SourceDown(f"{doing}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error) or type(error).__name__


def _no_such_api(reply: Reply, error: Exception) -> NoReturn:
    # A success that cannot be read is a bad gateway; a failure keeps its own status.
    status = reply.status if reply.status >= 400 else 502  # noqa: PLR2004 - where HTTP's errors begin
    raise QueryError(status, f"HTTP {reply.status}, not an answer of Prometheus' query API: {error}") from None


def _seconds(moment_ms: int) -> str:
    return f"{moment_ms / 1000:.3f}"
