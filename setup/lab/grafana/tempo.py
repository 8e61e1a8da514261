"""The data source of type tempo: it asks lab.grafana.tracestore over HTTP, as it would a real one."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from . import body
from .errors import ApiError
from .frames import Frame, Json
from .promquery import TimeRange
from .tempoframes import search_frame, trace_frame
from .upstream import QueryError, Reply, SourceDown, Upstream

_OK = 200
_DEFAULT_LIMIT = 20
_ID = re.compile(r"[0-9a-fA-F]{1,32}")


@dataclass(frozen=True)
class Tempo(Upstream):
    """A data source of type tempo; `logs_uid` is the data source of the logs that spans lead to."""

    logs_uid: str = ""

    type = "tempo"
    healthy = "Data source is working"
    unhealthy = "The traces cannot be asked for."
    rules_path = ""
    readable = re.compile(
        r"api/(?:v2/)?(?:traces/[0-9a-fA-F]{1,32}|search/tags|search/tag/[\w.:/-]{1,200}/values)|api/search|api/echo"
    )
    postable = re.compile(r"(?!)")  # nothing

    def json_data(self) -> Json:
        """Return the data source's settings as Grafana shows them: among them the way to a span's logs."""
        if not self.logs_uid:
            return {}
        to_logs = {
            "datasourceUid": self.logs_uid,
            "spanStartTimeShift": "-1m",
            "spanEndTimeShift": "1m",
            "tags": [{"key": "service.name", "value": "service"}],
            "filterByTraceID": True,
            "filterBySpanID": False,
            "customQuery": False,
        }
        return {"tracesToLogsV2": to_logs}

    async def query(self, ref_id: str, query: Json, window: TimeRange) -> list[Frame]:
        """Return the frame of a trace (queryType traceId) or of a search (traceql); raises QueryError."""
        try:
            kind, text = body.text(query, "queryType") or "traceql", body.text(query, "query").strip()
            limit = body.whole(query, "limit") or _DEFAULT_LIMIT
        except ApiError as error:
            raise QueryError(400, f"invalid query: {error}") from None
        if kind not in {"traceId", "traceql"}:
            raise QueryError(400, f"not supported here: queryType {kind[:80]!r}; traceId and traceql are")
        # As in Grafana, an id where a query belongs asks for that trace.
        if kind == "traceId" or _ID.fullmatch(text):
            if not _ID.fullmatch(text):
                raise QueryError(400, f"{text[:80]!r} is no trace id: expected up to 32 hexadecimal digits")
            return [trace_frame(ref_id, await self._ask(f"api/traces/{text}"))]
        asked = {
            "q": text,
            "limit": str(limit),
            "start": str(window.start_ms // 1000),
            "end": str(-(-window.end_ms // 1000)),
        }
        found = await self._ask("api/search", asked)
        return [search_frame(ref_id, found)]

    async def health(self) -> None:
        """Ask for the answer that Tempo always gives; raises QueryError."""
        await self._fetch("api/echo")

    async def _ask(self, path: str, asked: dict[str, str] | None = None) -> Json:
        reply = await self._fetch(path, asked)
        try:
            found: Json = json.loads(reply.payload)
        except ValueError as error:
            raise QueryError(502, f"not an answer of Tempo's query API: {error}") from None
        return found

    async def _fetch(self, path: str, asked: dict[str, str] | None = None) -> Reply:
        try:
            reply = await self.fetch("GET", path, params=asked or {})
        except SourceDown as error:
            raise QueryError(502, str(error)) from None
        if reply.status != _OK:
            raise QueryError(reply.status, reply.payload.decode("utf-8", "replace").strip())
        return reply
