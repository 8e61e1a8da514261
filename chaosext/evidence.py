"""The evidence of a run, as verification.json holds it: what logs and traces say about its fault.

Times are seconds since the run's start, durations seconds. Texts are cut to a bounded length, and what looks
like a secret or a card number in them is masked.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["Evidence", "LogEvidence", "RootCause", "ServiceErrors", "TraceEvidence", "TraceSpan"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LogEvidence(_Model):
    """Log lines that were expected: how many came (None: could not be asked, `missing` says why).

    `query` is LogQL. `first_at` is when the first one was written, `samples` are the first few lines.
    """

    name: str
    query: str
    at_least: int
    count: int | None = None
    first_at: float | None = None
    samples: list[str] = []
    missing: str | None = None

    @property
    def found(self) -> bool:
        """Whether at least as many lines came as were expected."""
        return self.count is not None and self.count >= self.at_least


class ServiceErrors(_Model):
    """One service in a sample of the fault's traces: the requests that it answered, and those it failed."""

    service: str
    requests: int
    failed: int

    @property
    def rate(self) -> float:
        """The share of failed requests, in [0, 1]."""
        return self.failed / self.requests if self.requests else 0.0


class TraceSpan(_Model):
    """One span of a waterfall, `start` from the trace's own; `depth` is how far below the root it lies.

    `peer` is whom a caller's span asked, `statement` its SQL statement or Redis command, `exception` what was
    recorded on it, `version` the service's. `to_blame` marks the deepest failure.
    """

    id: str
    parent: str = ""
    depth: int
    service: str
    version: str = ""
    name: str
    kind: str = ""
    peer: str = ""
    start: float
    duration: float
    failed: bool = False
    statement: str = ""
    exception: str = ""
    to_blame: bool = False


class TraceEvidence(_Model):
    """The worst trace of the fault: the slowest one with a failure, or the slowest where none failed.

    `spans` are in the waterfall's order, parents first; `left_out` is how many more there were.
    """

    id: str
    name: str
    service: str
    at: float
    duration: float
    failed: bool
    spans: list[TraceSpan]
    left_out: int = 0


class RootCause(_Model):
    """Who the traces blame. `service` is None when nothing failed and nothing became slower.

    `by` is `errors` (`count` of `of` failed traces end in it) or `latency` (so many of its calls are slower).
    `expected` is what the experiment states, in words, `as_expected` whether it was met; None when it states
    nothing.
    """

    service: str | None = None
    by: Literal["errors", "latency"] | None = None
    count: int = 0
    of: int = 0
    words: str = ""
    expected: str | None = None
    as_expected: bool | None = None

    @property
    def share(self) -> float:
        """The share of traces or calls that blame the service, in [0, 1]."""
        return self.count / self.of if self.of else 0.0

    @property
    def met(self) -> bool:
        """Whether the service is the expected one; of an older result, whose words were its name, by that."""
        return self.service == self.expected if self.as_expected is None else self.as_expected


class Evidence(_Model):
    """What logs and traces say about a run's fault; `not_collected` says by source why something is missing.

    `services` is in order of their error rates, the worst first.
    """

    collected: bool = False
    not_collected: dict[str, str] = {}
    logs: list[LogEvidence] = []
    services: list[ServiceErrors] = []
    worst_trace: TraceEvidence | None = None
    root_cause: RootCause | None = None
    took_seconds: float = 0.0
