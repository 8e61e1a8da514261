"""The data source of type loki: it asks lab.grafana.logstore over HTTP, as it would a real one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from . import lokiquery
from .errors import ApiError
from .frames import Frame, Json
from .lokiframes import frames_of
from .lokiquery import LokiQuery
from .promquery import TimeRange
from .upstream import QueryError, Reply, SourceDown, Upstream

_OK = 200
_NS = 1_000_000  # nanoseconds in a millisecond


@dataclass(frozen=True)
class Loki(Upstream):
    """A data source of type loki; `traces_uid` is the data source of the traces that lines lead to."""

    traces_uid: str = ""

    type = "loki"
    healthy = "Data source successfully connected."
    unhealthy = "Unable to connect with Loki. Please check the server logs for more details."
    rules_path = "prometheus/api/v1"
    readable = re.compile(
        r"loki/api/v1/(?:query|query_range|labels|label|label/[a-zA-Z_][a-zA-Z0-9_]*/values|series|index/stats)"
    )
    postable = re.compile(r"loki/api/v1/(?:query|query_range|labels|series|push)")

    def json_data(self) -> Json:
        """Return the data source's settings as Grafana shows them."""
        if not self.traces_uid:
            return {"maxLines": "1000"}
        to_trace = {
            "name": "traceID",
            "matcherRegex": r"traceID=(\w+)",
            "url": "${__value.raw}",
            "datasourceUid": self.traces_uid,
        }
        return {"maxLines": "1000", "derivedFields": [to_trace]}

    async def query(self, ref_id: str, query: Json, window: TimeRange) -> list[Frame]:
        """Return the frames of one query; raises QueryError."""
        try:
            parsed = lokiquery.parse(ref_id, query, window)
        except (ApiError, ValueError) as error:
            raise QueryError(400, f"invalid query: {error}") from None
        return await self._frames(parsed)

    async def health(self) -> None:
        """Ask the simplest of queries; raises QueryError when it is not answered."""
        query = {"expr": "vector(1)+vector(1)", "queryType": "instant"}
        await self.query("__healthcheck__", query, TimeRange(1000, 4000))

    async def _frames(self, query: LokiQuery) -> list[Frame]:
        asked = {"query": query.expr, "direction": "forward" if query.forward else "backward"}
        if query.max_lines:
            asked["limit"] = str(query.max_lines)
        path = "loki/api/v1/query"
        if query.instant:
            asked["time"] = str(query.window.end_ms * _NS)
        else:
            path = "loki/api/v1/query_range"
            asked["start"] = str(query.window.start_ms * _NS)
            asked["end"] = str(query.window.end_ms * _NS)
            asked["step"] = f"{query.step_ms}ms"
        try:
            reply = await self.fetch("GET", path, params=asked)
        except SourceDown as error:
            raise QueryError(502, str(error)) from None
        if reply.status != _OK:
            raise QueryError(reply.status, _reason(reply))
        try:
            return frames_of(query, json.loads(reply.payload))
        except (ValueError, KeyError, TypeError) as error:
            raise QueryError(502, f"not an answer of Loki's query API: {error}") from None


def _reason(reply: Reply) -> str:
    """Return why Loki refused: older ones send plain text, newer ones JSON with a message."""
    text = reply.payload.decode("utf-8", "replace").strip()
    try:
        answer = json.loads(text)
    except ValueError:
        return text
    return str(answer.get("message") or text) if isinstance(answer, dict) else text
