"""Collects a run's evidence from Loki and Tempo, when the fault has ended and the system is healed.

It never raises, and ends in bounded time: what could not be asked is said in the evidence itself. Logs and
spans arrive late, so that what is expected is waited for.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..errors import ChaosextError
from ..evidence import Evidence, LogEvidence, RootCause, ServiceErrors
from ..grafana.client import Grafana
from ..grafana.loki import Loki
from ..grafana.tempo import Found, Tempo
from ..grafana.traces import Trace
from ..polling import poll
from .expectations import EvidenceExpectation, LogExpectation
from .privacy import masked
from .rootcause import blame_by_errors, blame_by_time, blamed_span, calls_by_service
from .waterfall import waterfall

__all__ = ["Moments", "Sources", "collect"]

logger = logging.getLogger("chaostoolkit")

WAIT_SECONDS = 20.0
"""How long after the fault's end lines and traces may still arrive: they are sent in batches of seconds."""
LIMIT_SECONDS = 45.0
"""When collecting begins nothing new any more; each request ends by the client's own limit."""
SAMPLES = 5
SLICES, SEARCHED = 8, 125
"""A search finds the newest traces of its time, so many at most. It is made in slices, lest the fault's end
speak for all of its time. Of what is found, so many are looked at span by span:"""
FAILED_TRACES, ALL_TRACES, BASELINE_TRACES = 40, 80, 40
_LINE, _REASON = 2000, 500
_FAILED = "status = error && kind = server"


@dataclass(frozen=True)
class Moments:
    """Epoch seconds: the run's start, its baseline, the fault's start and end, until when lines count."""

    zero: float
    baseline: float
    fault: float
    end: float
    until: float


@dataclass(frozen=True)
class Sources:
    """Who is asked: a Grafana, and the uids of its Loki and Tempo data sources where there are several."""

    grafana: Grafana
    loki_uid: str | None = None
    tempo_uid: str | None = None


@dataclass(frozen=True)
class _Sample:
    """What the searches found, all there was (`whole`) or not, and those of its traces that were looked at."""

    condition: str = ""
    found: Sequence[Found] = ()
    whole: bool = True
    traces: Sequence[Trace] = ()


class _TooLate(ChaosextError):
    """The time for collecting is over."""


def collect(
    sources: Sources,
    expected: EvidenceExpectation,
    moments: Moments,
    wait: float = WAIT_SECONDS,
    limit: float = LIMIT_SECONDS,
) -> Evidence:
    """Return the evidence of a fault.

    What is expected is waited for until `wait` seconds after the fault's end; collecting takes `limit` seconds,
    and what one request takes, at most.
    """
    return _Collector(sources, expected, moments, wait, limit).collect()


class _Collector:
    def __init__(
        self, sources: Sources, expected: EvidenceExpectation, moments: Moments, wait: float, limit: float
    ) -> None:
        self._sources = sources
        self._expected = expected
        self._moments = moments
        self._wait = wait
        self._began = time.monotonic()
        self._limit = limit
        self._evidence = Evidence()

    def collect(self) -> Evidence:
        for name, part in (("logs", self._logs), ("traces", self._traces)):
            try:
                part()
            except ChaosextError as error:
                self._evidence.not_collected[name] = self._masked(str(error), _REASON)
                logger.warning("No evidence from %s: %s", name, error)
            except KeyboardInterrupt:
                # The system is healed, and only the asking cut short.
                self._evidence.not_collected[name] = "interrupted"
            except Exception as error:
                # Evidence is an addition: whatever is wrong with it must not take the run's verdict away.
                # Nobody chose its words, so that they may quote anything; a traceback would repeat them.
                said = self._masked(f"{type(error).__name__}: {error}", _REASON)
                self._evidence.not_collected[name] = said
                where = traceback.extract_tb(error.__traceback__)[-1]
                logger.error("No evidence from %s: %s (%s:%s)", name, said, where.filename, where.lineno)
        self._evidence.collected = set(self._evidence.not_collected) != {"logs", "traces"}
        self._evidence.took_seconds = round(time.monotonic() - self._began, 2)
        return self._evidence

    def _in_time(self) -> None:
        if time.monotonic() - self._began > self._limit:
            raise _TooLate(f"collecting took more than {self._limit:g} s: given up")

    def _logs(self) -> None:
        wanted = self._expected.logs
        self._evidence.logs = [
            LogEvidence(name=w.name, query=w.query, at_least=w.at_least, missing="not asked") for w in wanted
        ]
        loki = Loki(self._sources.grafana, self._sources.loki_uid)
        self._sources.grafana.source("loki", self._sources.loki_uid)

        def missing() -> str | None:
            for number, want in enumerate(wanted):
                if not self._evidence.logs[number].found:
                    self._in_time()
                    self._evidence.logs[number] = self._lines(loki, want)
            lacking = [log.name for log in self._evidence.logs if not log.found]
            return f"no {lacking[0]}" if lacking else None

        poll(missing, self._left(), interval=1.0)

    def _left(self) -> float:
        """Return for how many seconds more something may arrive."""
        return max(self._moments.end + self._wait - time.time(), 0.0)

    def _lines(self, loki: Loki, want: LogExpectation) -> LogEvidence:
        found = LogEvidence(name=want.name, query=want.query, at_least=want.at_least)
        try:
            found.count = loki.count(want.query, self._moments.fault, self._moments.until)
            lines = loki.lines(want.query, self._moments.fault, self._moments.until, SAMPLES, oldest=True)
        except ChaosextError as error:
            found.count, found.missing = None, self._masked(str(error), _REASON)
            return found
        if lines:
            found.first_at = self._since_start(lines[0].time)
        found.samples = [self._masked(line.text, _LINE) for line in lines]
        return found

    def _traces(self) -> None:
        tempo = Tempo(self._sources.grafana, self._sources.tempo_uid)
        expected = self._expected.root_cause
        failed, all_traces = _Sample(), _Sample()

        def missing() -> str | None:
            nonlocal failed, all_traces
            failed = self._sample(tempo, _FAILED, FAILED_TRACES)
            all_traces = self._sample(tempo, "", ALL_TRACES)
            cause = self._evidence.root_cause = self._root_cause(tempo, failed, all_traces)
            return None if cause.as_expected else "another root cause than expected"

        poll(missing, self._left() if expected else 0.0, interval=2.0)
        calls = calls_by_service(all_traces.traces).items()
        services = [ServiceErrors(service=s, requests=n, failed=f) for s, (n, f) in calls]
        self._evidence.services = sorted(services, key=lambda one: (-one.rate, one.service))
        self._in_time()
        cause = self._evidence.root_cause or RootCause()
        by_errors = bool(failed.traces) and cause.by != "latency"
        worst = self._worst(tempo, failed if by_errors else all_traces, cause)
        if worst is not None:
            self._evidence.worst_trace = waterfall(worst, self._moments.zero, self._masked)

    def _sample(self, tempo: Tempo, condition: str, most: int, *, before: bool = False) -> _Sample:
        """Return traces of the fault's time, or of the time before it, from all of that time."""
        start, end = self._moments.fault, self._moments.end
        if before:
            start, end = self._moments.baseline, self._moments.fault
        by_id: dict[str, Found] = {}
        whole = True
        for first, last in _slices(start, end):
            self._in_time()
            some = tempo.search(f"{{ {condition} }}", first, last, SEARCHED)
            whole = whole and len(some) < SEARCHED
            by_id |= {one.id: one for one in some}
        found = sorted(by_id.values(), key=lambda one: one.start)
        picked = found[:: max(-(-len(found) // most), 1)]
        self._in_time()
        return _Sample(condition, found, whole, tempo.traces([one.id for one in picked], start, end))

    def _root_cause(self, tempo: Tempo, failed: _Sample, all_traces: _Sample) -> RootCause:
        blame, by = blame_by_errors(failed.traces), "errors"
        if blame is None:
            baseline = self._sample(tempo, "", BASELINE_TRACES, before=True)
            blame, by = blame_by_time(all_traces.traces, baseline.traces), "latency"
        if blame is None:
            words = "there is no trace of the fault's time"
            if all_traces.traces:
                words = (
                    f"{len(failed.found)} of {len(all_traces.found)} traces failed, no service became slower"
                )
            return self._expectation_of(RootCause(words=words))
        cause = RootCause(
            service=blame.service,
            by="errors" if by == "errors" else "latency",
            count=blame.by,
            of=blame.of,
            words=self._masked(blame.words, _REASON),
        )
        return self._expectation_of(cause)

    def _expectation_of(self, cause: RootCause) -> RootCause:
        expected = self._expected.root_cause
        if expected is None:
            return cause
        return cause.model_copy(update={"expected": str(expected), "as_expected": expected.met_by(cause)})

    def _worst(self, tempo: Tempo, sample: _Sample, cause: RootCause) -> Trace | None:
        """Return the slowest trace: of those whose failure shows the root cause, where there are any."""
        start, end = self._moments.fault, self._moments.end
        slowest = max(sample.found, key=lambda one: one.seconds, default=None)
        if not sample.whole:
            slowest = tempo.slowest(sample.condition, start, end, sample.found)
        known = [*sample.traces, *(tempo.traces([slowest.id], start, end) if slowest else [])]

        def rank(trace: Trace) -> tuple[bool, float]:
            blamed = blamed_span(trace) if cause.by == "errors" else None
            return blamed is not None and blamed[1] == cause.service, trace.seconds

        return max(known, key=rank, default=None)

    def _since_start(self, epoch: float) -> float:
        return round(epoch - self._moments.zero, 2)

    def _masked(self, text: str, longest: int) -> str:
        return masked(text, longest, (self._sources.grafana.token,))


def _slices(start: float, end: float) -> list[tuple[float, float]]:
    """Cut a time into at most SLICES parts, at whole seconds, since Tempo takes no others."""
    inner = {round(start + n * (end - start) / SLICES) for n in range(1, SLICES)}
    edges = [start, *sorted(edge for edge in inner if start < edge < end), end]
    return list(pairwise(edges))
