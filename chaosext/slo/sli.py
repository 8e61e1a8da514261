"""Measures SLIs: every one of them in one request to Grafana."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..errors import GrafanaError, NoData
from ..grafana.client import Answer, Grafana
from .model import Slo, in_window

__all__ = ["SETTLE_SECONDS", "Measurement", "measure", "measure_one"]

SETTLE_SECONDS = 1.0
"""SLIs are asked as of a moment ago: a scrape that is committed between the query of the good events and that
of all events would otherwise make the one lag behind the other, and a healthy SLI dip."""


@dataclass(frozen=True)
class Measurement:
    """One SLI over one window: its value, and the events that it rests on.

    `value` is the ratio of good events in [0, 1], or a count (`total` is then None); it is None when there was
    nothing to measure, and `no_data` says why; `failed` when that is not known, since the query failed.
    `increase()` extrapolates to the window's ends, so event counts are not whole numbers.
    """

    total: float | None = 0.0
    bad: float = 0.0
    value: float | None = None
    no_data: str | None = None
    failed: bool = False

    def over(self, min_events: float) -> Measurement:
        """Return itself, or a measurement without a value when it rests on fewer than `min_events` events."""
        if self.value is None or self.total is None or self.total >= min_events:
            return self
        return Measurement(self.total, self.bad, None, f"{self.total:.0f} events, fewer than {min_events:g}")


def measure(
    grafana: Grafana, slos: Iterable[Slo], seconds: float, at: float | None = None
) -> dict[str, Measurement]:
    """Measure SLIs over the last `seconds` before `at` (epoch seconds), in one request.

    `at` is SETTLE_SECONDS ago when None. Returns a measurement for each SLO's name; one without data says why.
    Raises GrafanaError when Grafana itself could not answer.
    """
    chosen = list(slos)
    queries: dict[str, str] = {}
    for slo in chosen:
        queries.update(_asked(slo, seconds))
    answers = grafana.query(queries, at=time.time() - SETTLE_SECONDS if at is None else at)
    _raise_if_all_failed(answers)
    return {slo.name: _measured(slo, _asked(slo, seconds), answers) for slo in chosen}


def measure_one(
    grafana: Grafana, slo: Slo, seconds: float, min_events: float = 1, at: float | None = None
) -> Measurement:
    """Measure one SLI. Raises NoData, with the query and the reason, when there is nothing to measure."""
    found = measure(grafana, [slo], seconds, at)[slo.name].over(min_events)
    if found.value is None:
        query = _asked(slo, seconds)[_total(slo)]
        raise NoData(f"SLI {slo.name} has no data: {found.no_data}; asked: {query}")
    return found


def _measured(slo: Slo, queries: Mapping[str, str], answers: Mapping[str, Answer]) -> Measurement:
    for ref, query in queries.items():
        if answers[ref].error:
            return Measurement(no_data=f"the query failed: {answers[ref].error} (asked: {query})", failed=True)
    if slo.is_count:
        count, why = _value(answers[_total(slo)])
        return Measurement(None, value=count, no_data=f"the count is {why}" if count is None else None)
    return _measured_ratio(slo, answers)


def _measured_ratio(slo: Slo, answers: Mapping[str, Answer]) -> Measurement:
    total, why = _value(answers[_total(slo)])
    if total is None:
        return Measurement(no_data=f"the total is {why}: no traffic, or not yet scraped")
    if total <= 0:
        return Measurement(no_data="no traffic: 0 events in the window")
    part, why = _value(answers[_part(slo)])
    if slo.bad is not None:
        # A counter of errors that never happened does not exist yet; with traffic beside it, that is a zero.
        if part is None and why != "absent":
            return Measurement(total, no_data=f"the count of bad events is {why}")
        good = total - (part or 0.0)
    elif part is None:
        return Measurement(
            total, no_data=f"the count of good events is {why}, while there are {total:.0f} events"
        )
    else:
        good = part
    good = min(max(good, 0.0), total)
    return Measurement(total, total - good, good / total)


def _value(answer: Answer) -> tuple[float | None, str]:
    """Return an instant answer's single value, or None and what it is instead."""
    if not answer.series or not answer.series[0].values:
        return None, "absent"
    if len(answer.series) > 1:
        return None, f"{len(answer.series)} series (the query must aggregate to one)"
    value = answer.series[0].values[-1]
    if value is None or not math.isfinite(value):
        return None, "not a number"
    return value, ""


def _raise_if_all_failed(answers: Mapping[str, Answer]) -> None:
    """Tell a broken data source from a broken query: when all fail alike, it is the source."""
    errors = {answer.error for answer in answers.values()}
    if len(errors) == 1 and len(answers) > 1 and (error := errors.pop()):
        raise GrafanaError(f"no query could be answered: {error}")


def _asked(slo: Slo, seconds: float) -> dict[str, str]:
    """Return an SLI's queries over a window by refId; the last one is what it cannot do without."""
    parts = {_part(slo): slo.good or slo.bad, _total(slo): slo.total or slo.count}
    return {ref: in_window(query, f"{max(1, round(seconds))}s") for ref, query in parts.items() if query}


def _part(slo: Slo) -> str:
    return f"{slo.name}:part"


def _total(slo: Slo) -> str:
    return f"{slo.name}:total"
