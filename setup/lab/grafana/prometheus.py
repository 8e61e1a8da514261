"""The data source of type prometheus: it asks a real Prometheus over HTTP."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import NoReturn

from . import promquery
from .errors import ApiError
from .frames import Frame, Json
from .promframes import frames_of
from .promquery import PromQuery, TimeRange
from .upstream import QueryError, Reply, SourceDown, Upstream


@dataclass(frozen=True)
class Prometheus(Upstream):
    """A data source of type prometheus.

    `scrape_ms` is Prometheus' scrape interval, from which $__rate_interval and the least step follow;
    `traces_uid` is the data source of the traces that exemplars lead to.
    """

    scrape_ms: int
    traces_uid: str = ""

    type = "prometheus"
    healthy = "Successfully queried the Prometheus API."
    unhealthy = "There was an error returned querying the Prometheus API."
    rules_path = "api/v1"
    # Prometheus' endpoints that only read; none of them takes a path of its own, so nothing can climb out.
    readable = re.compile(
        r"api/v1/(?:query|query_range|query_exemplars|series|labels|label/[a-zA-Z_][a-zA-Z0-9_]*/values|metadata"
        r"|rules|alerts|alertmanagers|targets|targets/metadata|format_query"
        r"|status/(?:config|flags|runtimeinfo|buildinfo|tsdb|walreplay))"
    )
    postable = re.compile(r"api/v1/(?:query|query_range|query_exemplars|series|labels|format_query)")

    def json_data(self) -> Json:
        """Return the data source's settings as Grafana shows them."""
        shown: Json = {"httpMethod": "POST", "timeInterval": f"{self.scrape_ms}ms"}
        if self.traces_uid:
            shown["exemplarTraceIdDestinations"] = [{"name": "trace_id", "datasourceUid": self.traces_uid}]
        return shown

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


def _no_such_api(reply: Reply, error: Exception) -> NoReturn:
    # A success that cannot be read is a bad gateway; a failure keeps its own status.
    status = reply.status if reply.status >= 400 else 502  # noqa: PLR2004 - where HTTP's errors begin
    raise QueryError(status, f"HTTP {reply.status}, not an answer of Prometheus' query API: {error}") from None


def _seconds(moment_ms: int) -> str:
    return f"{moment_ms / 1000:.3f}"
