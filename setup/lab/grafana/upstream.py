"""What data sources have in common: a program on this machine that they ask over HTTP."""

from __future__ import annotations

import abc
import asyncio
import os
import re
from dataclasses import dataclass
from typing import Any, ClassVar

import aiohttp

from .frames import Frame, Json
from .promquery import TimeRange


class QueryError(Exception):
    """Why one query has no frames: a message and the status that its refId carries."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class SourceDown(Exception):
    """The data source did not answer: refused, broken off, or too late. The message says which."""


@dataclass(frozen=True)
class Reply:
    """What the program behind a data source answered over HTTP."""

    status: int
    content_type: str
    payload: bytes


@dataclass(frozen=True)
class Upstream(abc.ABC):
    """A data source: its place in Grafana, and how it is asked.

    `timeout_seconds` bounds each request; `readable` and `postable` are the paths below `url` that the data
    source proxy passes on, `rules_path` is where its rules and alerts are ("": it has none); `healthy` and
    `unhealthy` are what Grafana says after a health check.
    """

    id: int
    uid: str
    name: str
    url: str
    session: aiohttp.ClientSession
    timeout_seconds: float

    type: ClassVar[str]
    healthy: ClassVar[str]
    unhealthy: ClassVar[str]
    rules_path: ClassVar[str]
    readable: ClassVar[re.Pattern[str]]
    postable: ClassVar[re.Pattern[str]]

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

    @abc.abstractmethod
    def json_data(self) -> Json:
        """Return the data source's settings as Grafana shows them."""

    @abc.abstractmethod
    async def query(self, ref_id: str, query: Json, window: TimeRange) -> list[Frame]:
        """Return the frames of one query; raises QueryError."""

    @abc.abstractmethod
    async def health(self) -> None:
        """Ask the simplest of queries; raises QueryError when it is not answered."""


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error) or type(error).__name__
