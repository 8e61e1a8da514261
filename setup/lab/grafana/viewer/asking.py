"""Runs panels' targets as Grafana does, through the data sources of /api/ds/query, and keeps fresh answers.

What a range query answers changes only when its last step does, so it is asked once a step; an instant query is
asked once a tick, whoever else looks at the same page.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from dataclasses import dataclass, field
from typing import Any

from ..durations import parse_duration, round_interval
from ..errors import ApiError
from ..frames import Frame, Json
from ..prometheus import Prometheus
from ..promquery import TimeRange
from ..sources import DataSources
from ..upstream import QueryError, Upstream
from .model import Panel
from .resolve import source_of
from .variables import Scope

TICK_MS = 2000
_AT_ONCE = 8  # queries; the verification's own must not wait behind a page
_KEEP_SECONDS = 30.0
_POINTS_A_COLUMN = 25  # of the 24 that a page is wide
_MOST_POINTS = 200
_MIXED = "-- Mixed --"


@dataclass(frozen=True)
class Answer:
    """What a target was answered: frames, or why there are none. A new answer has a new `serial`."""

    serial: int
    ref_id: str
    target: Json
    frames: list[Frame] = field(default_factory=list)
    error: str = ""
    source: Upstream | None = None


class Asker:
    """Asks the data sources, at most a few things at once, and the same thing once."""

    def __init__(self, sources: DataSources) -> None:
        self._sources = sources
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._kept: dict[str, tuple[float, asyncio.Task[tuple[int, list[Frame], str]]]] = {}
        self._serials = itertools.count(1)

    async def panel(self, panel: Panel, scope: Scope) -> list[Answer]:
        """Return the answers to a panel's targets, in their order."""
        return list(await asyncio.gather(*(self._target(panel, target, scope) for target in panel.targets)))

    async def _target(self, panel: Panel, target: Json, scope: Scope) -> Answer:
        ref_id = str(target.get("refId") or "A")
        own, shared = target.get("datasource"), panel.raw.get("datasource")
        try:
            mixed = isinstance(shared, dict) and shared.get("uid") == _MIXED
            source = source_of(own if own or mixed else shared, scope, self._sources)
            step_ms = _step(panel, source, scope)
            asked = self._query(panel, target, scope, source, step_ms)
            window = _window(source, asked, scope, step_ms)
        except (ApiError, ValueError) as error:
            return Answer(0, ref_id, target, error=str(error))
        serial, frames, why = await self.ask(source, asked, window)
        return Answer(serial, ref_id, asked, frames, why, source)

    async def ask(self, source: Upstream, query: Json, window: TimeRange) -> tuple[int, list[Frame], str]:
        """Return a serial number, a query's frames and why there are none; kept for the next who asks."""
        now = time.monotonic()
        self._kept = {key: kept for key, kept in self._kept.items() if now - kept[0] < _KEEP_SECONDS}
        key = json.dumps([source.uid, query, window.start_ms, window.end_ms], sort_keys=True)
        kept = self._kept.get(key)
        task = kept[1] if kept else asyncio.create_task(self._ask(source, query, window))
        self._kept[key] = (now, task)
        answer = await asyncio.shield(task)
        if answer[2]:
            self._kept.pop(key, None)  # the next who asks may have more luck
        return answer

    async def _ask(self, source: Upstream, query: Json, window: TimeRange) -> tuple[int, list[Frame], str]:
        serial = next(self._serials)
        async with self._turns:
            try:
                return serial, await source.query(str(query.get("refId") or "A"), query, window), ""
            except (QueryError, ApiError) as error:
                return serial, [], " ".join(str(error).split())

    @staticmethod
    def _query(panel: Panel, target: Json, scope: Scope, source: Upstream, step_ms: int) -> Json:
        written: Any = scope.deep(target, "promql")
        points = int(panel.raw.get("maxDataPoints") or _points(panel))
        return {**written, "intervalMs": step_ms, "maxDataPoints": points, "datasource": {"uid": source.uid}}


def _points(panel: Panel) -> int:
    return min(panel.w * _POINTS_A_COLUMN, _MOST_POINTS)


def _step(panel: Panel, source: Upstream, scope: Scope) -> int:
    """Return $__interval: the range by the points, not below the panel's or the data source's least."""
    points = int(panel.raw.get("maxDataPoints") or _points(panel))
    written = scope.fill(str(panel.raw.get("interval") or "")).removeprefix(">")
    least = parse_duration(written) if written else source.scrape_ms if isinstance(source, Prometheus) else 1
    return max(round_interval((scope.end_ms - scope.start_ms) / points), least)


def _window(source: Upstream, query: Json, scope: Scope, step_ms: int) -> TimeRange:
    """Return the time range, moved to a full step, or to a tick for what has no step.

    Of numbers the last full one counts; of log lines and traces nothing that is there should be missing.
    """
    if not isinstance(source, Prometheus):
        late = scope.end_ms % TICK_MS - TICK_MS
    else:
        late = scope.end_ms % (TICK_MS if query.get("instant") else step_ms)
    return TimeRange(scope.start_ms - late, scope.end_ms - late)
