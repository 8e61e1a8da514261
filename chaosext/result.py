"""The verification result: what verification writes, and report and gameday read, as verification.json.

Ratios lie in [0, 1]; durations and sample times are seconds, the latter since `started`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from .architecture import Architecture
from .environment import validation_line
from .errors import BadInput
from .evidence import Evidence

__all__ = [
    "EXIT_CODES",
    "FILE_NAME",
    "WORST_FIRST",
    "About",
    "AlertOutcome",
    "AlertResult",
    "BudgetResult",
    "Outcome",
    "Phase",
    "Rollback",
    "Sample",
    "SliResult",
    "Time",
    "Tolerance",
    "Verdict",
    "Verification",
    "read",
    "write",
]

FILE_NAME = "verification.json"


class Verdict(StrEnum):
    """What a run proved; see EXIT_CODES for its exit code."""

    VERIFIED = "verified"
    SYSTEM_FAILED = "system-failed"
    TOOL_ERROR = "tool-error"
    FAULT_NOT_LANDED = "fault-not-landed"
    NO_DATA = "no-data"
    NOT_RUN = "not-run"


EXIT_CODES = {
    Verdict.VERIFIED: 0,
    Verdict.SYSTEM_FAILED: 1,
    Verdict.TOOL_ERROR: 2,
    Verdict.FAULT_NOT_LANDED: 3,
    Verdict.NO_DATA: 4,
    Verdict.NOT_RUN: 5,
}
"""Exit codes of `chaos gameday run`."""

WORST_FIRST = (
    Verdict.TOOL_ERROR,
    Verdict.SYSTEM_FAILED,
    Verdict.FAULT_NOT_LANDED,
    Verdict.NO_DATA,
    Verdict.NOT_RUN,
    Verdict.VERIFIED,
)
"""The order in which verdicts outrank each other, within a run and over a day."""


class Phase(StrEnum):
    """The part of a run that a sample belongs to."""

    BASELINE = "baseline"
    FAULT = "fault"
    RECOVERY = "recovery"


class Outcome(StrEnum):
    """What became of one SLI, held against what was expected of it."""

    HELD = "held"
    DEVIATED = "deviated as expected"
    STARVED = "starved as expected"
    UNEXPECTED = "deviated unexpectedly"
    TOO_FAR = "deviated further than expected"
    NOT_DEVIATED = "did not deviate"
    NO_DATA = "no data"
    NOT_RECOVERED = "did not recover"
    NOT_JUDGED = "not judged"


class AlertOutcome(StrEnum):
    """What became of one alert, held against what was expected of it."""

    FIRED = "fired in time"
    LATE = "fired too late"
    AFTER_FAULT = "fired after the fault"
    NOT_FIRED = "did not fire"
    SILENT = "stayed silent as expected"
    UNEXPECTED = "fired unexpectedly"
    NO_DATA = "could not be asked"
    NOT_JUDGED = "not judged"


def _in_utc(text: str) -> str:
    """Return a time in UTC, so that times are in the order of their texts. Raises ValueError for no time."""
    try:
        at = datetime.fromisoformat(text)
        known = None if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        known = None
    if known is None:
        raise ValueError(f"{text!r} is not a time in ISO 8601 with its zone")
    return known.isoformat(timespec="seconds")


Time = Annotated[str, AfterValidator(_in_utc)]
"""A moment in ISO 8601."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Tolerance(_Model):
    """The steady-state hypothesis on one SLI: a range of its value, over at least `min_events` events."""

    low: float
    high: float = 1.0
    min_events: float = 1

    def holds(self, value: float) -> bool:
        """Tell whether a value lies in the range."""
        return self.low <= value <= self.high


class Sample(_Model):
    """All SLIs at one moment: seconds since the start, values by name (None: no data), why there is none.

    `failed` names those whose query failed: of them nothing is known, where no data is something to know.
    """

    at: float
    phase: Phase
    values: dict[str, float | None]
    events: dict[str, float] = {}
    missing: dict[str, str] = {}
    failed: list[str] = []


class SliResult(_Model):
    """One SLI through the run.

    A ratio of good events in [0, 1] has the objective as its least value, a count as its greatest. `baseline`
    is its mean before the fault, `worst` its worst sample from the fault on, `during` its value over the fault
    as it had settled with the events that it rests on, `recovered` its last sample.
    """

    name: str
    display_name: str
    unit: Literal["ratio", "count"] = "ratio"
    objective: float
    tolerance: Tolerance | None
    baseline: float | None = None
    worst: float | None = None
    during: float | None = None
    during_events: float | None = None
    recovered: float | None = None
    expected: str
    outcome: Outcome
    deviated_after_seconds: float | None = None
    missing: str | None = None


class AlertResult(_Model):
    """One expected alert: seconds from the fault's landing until it was pending and until it fired.

    `within_seconds` is what it was allowed; None when it is expected to stay silent. `fired` names the first
    that fired of the alerts that a `*` stands for.
    """

    name: str
    labels: dict[str, str] = {}
    fired: str | None = None
    pending_after_seconds: float | None = None
    firing_after_seconds: float | None = None
    within_seconds: float | None = None
    outcome: AlertOutcome

    @property
    def display_name(self) -> str:
        """The alert's name; of `*`, the one that fired."""
        return (self.fired or "any alert") if self.name == "*" else self.name


class BudgetResult(_Model):
    """One SLO's error budget, in its unit: left before the run, spent by it, left after, and what it should."""

    slo: str
    unit: str
    size: float
    before: float | None = None
    spent: float | None = None
    after: float | None = None
    spend_at_least: float | None = None
    spend_at_most: float | None = None

    @property
    def expected(self) -> str:
        """What was to be spent, in words; empty when nothing is stated."""
        bounds = (("at least", self.spend_at_least), ("at most", self.spend_at_most))
        return ", ".join(f"{words} {bound:g}" for words, bound in bounds if bound is not None)

    @property
    def as_expected(self) -> bool | None:
        """Whether as much was spent as is stated; None when that is not known, or nothing is stated."""
        if self.spent is None or self.spend_at_most is None:
            return None
        return (self.spend_at_least or 0) <= self.spent <= self.spend_at_most


class Rollback(_Model):
    """Whether the live state was proved equal to the manifest after the rollbacks, and what differed.

    `found` is what there was to undo just before them: what differed, what the run had created. None: it is not
    known.
    """

    proved: bool
    differences: list[str] = []
    found: list[str] | None = None


class About(_Model):
    """What a reader wants to know beside the numbers: the hypothesis in words, versions, where Grafana is.

    `grafana_url` has no credentials in it; `architecture` is the drawing that a report colours.
    """

    description: str = ""
    hypothesis: str = ""
    tags: list[str] = []
    grafana_url: str | None = None
    versions: dict[str, str] = {}
    architecture: Architecture | None = None


class Verification(_Model):
    """One run of one experiment, verified.

    `fault_applied_seconds` is when the last fault's action had ended, `fault_landed_seconds` when its effect
    showed; both since the start. `healed_before` is what a run that died before this one had left, and this one
    healed first. `time_to_detect_seconds`: from there until the first expected alert fired.
    """

    experiment: str
    title: str
    run_id: str
    environment: str
    compressed_windows: bool
    short_window_seconds: int
    started: Time
    duration_seconds: float
    verdict: Verdict
    reasons: list[str]
    slis: list[SliResult]
    alerts: list[AlertResult] = []
    phases: dict[Phase, float] = Field(default_factory=dict)
    fault_applied_seconds: float | None = None
    fault_landed_seconds: float | None = None
    time_to_detect_seconds: float | None = None
    time_to_recover_seconds: float | None = None
    recover_within_seconds: float | None = None
    budget: list[BudgetResult] = []
    rollback: Rollback
    healed_before: list[str] = []
    deviated: bool = False
    about: About = Field(default_factory=About)
    samples: list[Sample] = []
    evidence: Evidence = Field(default_factory=Evidence)


def write(folder: Path, verification: Verification) -> Path:
    """Write verification.json into a run's folder and return its path."""
    path = folder / FILE_NAME
    partial = path.with_suffix(".partial")
    partial.write_text(verification.model_dump_json(indent=2, by_alias=True) + "\n", encoding="utf-8")
    partial.replace(path)
    return path


def read(folder: Path) -> Verification:
    """Read a run's verification.json. Raises BadInput when it is missing or not of this form."""
    path = folder / FILE_NAME
    try:
        return Verification.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from error
    except ValidationError as error:
        raise BadInput(f"{path}: {validation_line(error)}") from error
