"""Logs: a Loki data source, asked through Grafana.

Query types and frames: Grafana's `pkg/tsdb/loki`. An empty answer is no frame at all, and counts as nothing.
"""

from __future__ import annotations

import math
from typing import Any

from ..errors import GrafanaError
from .client import Grafana
from .frames import LogLine, log_lines, series

__all__ = ["Loki"]


class Loki:
    """The Loki data source of a Grafana: the one with that uid, or the only or default one.

    Times are epoch seconds. Every method raises GrafanaError with the query and the reason.
    """

    def __init__(self, grafana: Grafana, uid: str | None = None) -> None:
        self._grafana = grafana
        self._uid = uid

    def count(self, query: str, start: float, end: float) -> int:
        """Return how many lines a log query matches; 0 when none does."""
        # As Grafana gets the times: lines of before the start, which a rounded window reaches, are other lines.
        window_ms = max(int(end * 1000) - int(start * 1000), 1)
        frames = self._ask(
            {"expr": f"sum(count_over_time({query} [{window_ms}ms]))", "queryType": "instant"}, start, end
        )
        values = [value for one in series(frames) for value in one.values[-1:]]
        return round(sum(v for v in values if v is not None and math.isfinite(v)))

    def lines(
        self, query: str, start: float, end: float, limit: int = 100, *, oldest: bool = False
    ) -> list[LogLine]:
        """Return at most `limit` lines that a log query matches: the newest first, or the oldest first."""
        direction = "forward" if oldest else "backward"
        asked = {"expr": query, "queryType": "range", "maxLines": limit, "direction": direction}
        found = log_lines(self._ask(asked, start, end))
        return sorted(found, key=lambda line: line.time, reverse=not oldest)

    def _ask(self, query: dict[str, Any], start: float, end: float) -> list[dict[str, Any]]:
        source = self._grafana.source("loki", self._uid)
        answer = self._grafana.ask(source, {"A": query}, start, end)["A"]
        if answer.error:
            raise GrafanaError(f"{query['expr']}: {answer.error}")
        return answer.frames
