"""Traces: a Tempo data source, asked through Grafana.

A trace by its id comes from /api/ds/query. A search goes to Tempo's own API through the data source proxy, as
Grafana's frontend does: its backend answers "backend TraceQL search queries are not supported".
https://grafana.com/docs/tempo/latest/api_docs/#search
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ..errors import GrafanaError
from .client import Grafana
from .traces import Trace, trace_of

__all__ = ["Found", "Tempo"]

_BATCH = 10
_MAX_ROUNDS = 12
_ID_DIGITS = 32
_AROUND_SECONDS = 900.0


@dataclass(frozen=True)
class Found:
    """A trace that a search found: its root's service and name, start in epoch seconds, duration in seconds."""

    id: str
    service: str
    name: str
    start: float
    seconds: float


class Tempo:
    """The Tempo data source of a Grafana: the one with that uid, or the only or default one.

    Times are epoch seconds. Every method raises GrafanaError with the query and the reason.
    """

    def __init__(self, grafana: Grafana, uid: str | None = None) -> None:
        self._grafana = grafana
        self._uid = uid

    def search(self, query: str, start: float, end: float, limit: int = 20) -> list[Found]:
        """Return at most `limit` traces of that time that a TraceQL query finds, the newest first."""
        source = self._grafana.source("tempo", self._uid)
        # Tempo takes whole seconds only: what lies outside of the time is left out below.
        asked: dict[str, str | int] = {
            "q": query,
            "start": math.floor(start),
            "end": math.ceil(end),
            "limit": limit,
            "spss": 1,
        }
        try:
            answer = self._grafana.proxied(source, "api/search", asked)
            every = [_found(trace) for trace in answer.get("traces") or []]
        except GrafanaError as error:
            raise GrafanaError(f"{query}: {error}") from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise GrafanaError(f"{query}: not an answer of Tempo's search: {error!r}") from error
        found = [one for one in every if one.start <= end and one.start + one.seconds >= start]
        return sorted(found, key=lambda trace: trace.start, reverse=True)

    def slowest(
        self, condition: str, start: float, end: float, known: Sequence[Found] | None = None
    ) -> Found | None:
        """Return the slowest trace with a span that a TraceQL condition (what stands in braces) holds for.

        A search does not sort: it is repeated for ever slower traces, until none is left. It goes on from
        `known`, what a search for the condition found; all there is when that is fewer than its limit.
        """
        slowest = _slowest(self.search(f"{{ {condition} }}", start, end) if known is None else known)
        for _ in range(_MAX_ROUNDS):
            if slowest is None:
                break
            slower = f"traceDuration > {math.floor(slowest.seconds * 1000)}ms"
            both = f"{condition} && {slower}" if condition else slower
            best = _slowest(self.search(f"{{ {both} }}", start, end))
            if best is None or best.seconds <= slowest.seconds:
                break
            slowest = best
        return slowest

    def traces(self, ids: Iterable[str], start: float, end: float) -> list[Trace]:
        """Return the traces with these ids that lie about that time, without those that are no longer there."""
        source = self._grafana.source("tempo", self._uid)
        waiting = iter(dict.fromkeys(ids))
        found: list[Trace] = []
        errors: list[str] = []
        while batch := list(islice(waiting, _BATCH)):
            queries = {f"t{n}": {"queryType": "traceId", "query": trace} for n, trace in enumerate(batch)}
            answers = self._grafana.ask(source, queries, start - _AROUND_SECONDS, end + _AROUND_SECONDS)
            for n, trace_id in enumerate(batch):
                answer = answers[f"t{n}"]
                if answer.error:
                    errors.append(f"trace {trace_id}: {answer.error}")
                elif trace := trace_of(trace_id, answer.frames):
                    found.append(trace)
        if errors and not found:
            raise GrafanaError(errors[0])
        return found


def _slowest(found: Sequence[Found]) -> Found | None:
    return max(found, key=lambda trace: trace.seconds, default=None)


def _found(trace: dict[str, Any]) -> Found:
    # Protobuf's JSON leaves out what is zero or empty, and Tempo the zeros that an id begins with.
    return Found(
        id=str(trace["traceID"]).zfill(_ID_DIGITS),
        service=str(trace.get("rootServiceName") or "unknown"),
        name=str(trace.get("rootTraceName") or ""),
        start=int(trace.get("startTimeUnixNano") or 0) / 1e9,
        seconds=float(trace.get("durationMs") or 0) / 1000,
    )
