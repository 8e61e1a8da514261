"""A game day: its experiments one after another, and day.json, which says at any moment how far it got."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from ..environment import validation_line
from ..errors import BadInput, ChaosextError
from ..result import Phase, Verdict
from . import plan as plans
from .runner import Ran, run_experiment
from .steady import budget_refusal, open_gate, wait_until_steady

__all__ = ["DAY_FILE", "DayRecord", "DayRun", "Progress", "read_day", "run_day"]

DAY_FILE = "day.json"
_INTERRUPTED = "interrupted"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DayRun(_Model):
    """One experiment of a day: its run's folder beside the day's, its verdict, or why it was not started."""

    experiment: str
    folder: str | None = None
    verdict: Verdict
    not_started: str | None = None


class DayRecord(_Model):
    """What day.json holds: the plan, what ran, and why the day ended early if it did."""

    title: str
    started: str
    environment: str
    stale_after_days: int
    planned: list[str]
    runs: list[DayRun] = []
    stopped: str | None = None
    ended: str | None = None

    def verdicts(self) -> list[Verdict]:
        """Return the verdict of every planned experiment; what did not run is not-run."""
        ran = {run.experiment: run.verdict for run in self.runs}
        return [ran.get(name, Verdict.NOT_RUN) for name in self.planned]


class Progress(Protocol):
    """Who is told how the day goes."""

    def waiting(self, experiment: str) -> None:
        """Take note that the pause before an experiment begins."""

    def started(self, experiment: str) -> Callable[[str], None] | None:
        """Take note of a start; what is returned gets the output line by line, None: it is printed."""

    def ended(self, ran: Ran) -> None:
        """Take note of a result."""

    def not_started(self, experiment: str, reason: str) -> None:
        """Take note of an experiment that was left out."""

    def said(self, text: str) -> None:
        """Pass on what else a person should know."""


def run_day(
    day: plans.Day,
    reports: Path,
    progress: Progress,
    folder: Path | None = None,
    resumed: DayRecord | None = None,
) -> DayRecord:
    """Run a day's experiments and return its record.

    The record is kept in `folder` after each one, so that an interrupted day leaves what ran; None keeps none.
    A `resumed` record is gone on with: what it has a verdict for is not run again.
    """
    record = resumed or DayRecord(
        title=day.plan.title,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        environment=os.environ.get("CHAOS_ENVIRONMENT", "unknown"),
        stale_after_days=day.plan.stale_after_days,
        planned=[path.stem for path in day.experiments],
    )
    record.stopped = None
    # What was left out, for want of budget or a file, is tried again.
    record.runs = [run for run in record.runs if run.folder is not None]
    done = {run.experiment for run in record.runs}
    # Rules look at what runs now: a resumed day was resumed in spite of what ran before.
    before = len(record.runs)
    _keep(record, folder)
    for path in day.experiments:
        if path.stem in done:
            continue
        try:
            ran = _one(day.plan, path, reports, progress, record)
        except KeyboardInterrupt:
            record.stopped = _INTERRUPTED
        else:
            if ran is not None:
                record.stopped = _stop(day.plan, record.runs[before:], ran)
        if path == day.experiments[-1] and record.stopped != _INTERRUPTED:
            record.stopped = None  # nothing was left to stop
        _keep(record, folder)
        if record.stopped is not None:
            progress.said(f"the day ends here: {record.stopped}")
            break
    record.ended = datetime.now(UTC).isoformat(timespec="seconds")
    _keep(record, folder)
    return record


def _one(plan: plans.Plan, path: Path, reports: Path, progress: Progress, record: DayRecord) -> Ran | None:
    """Run one experiment, unless something speaks against it; take note of it in the record."""
    refusal = None if path.is_file() else "no such experiment"
    verdict = Verdict.TOOL_ERROR
    if refusal is None and (plan.budget_floor > 0 or (plan.pause is not None and record.runs)):
        progress.waiting(path.stem)
        try:
            gate = open_gate(path)
        except ChaosextError as error:
            refusal = str(error)
        else:
            refusal, verdict = budget_refusal(gate, plan.budget_floor), Verdict.NOT_RUN
            if refusal is None and plan.pause is not None and record.runs:
                unsteady = wait_until_steady(gate, plan.pause)
                if unsteady is not None:
                    progress.said(f"{path.stem}: not steady before it begins: {unsteady}")
    if refusal is not None:
        record.runs.append(DayRun(experiment=path.stem, verdict=verdict, not_started=refusal))
        progress.not_started(str(path), refusal)
        return None
    ran = run_experiment(path, reports, progress.started(path.stem))
    record.runs.append(DayRun(experiment=path.stem, folder=ran.folder.name, verdict=ran.verification.verdict))
    progress.ended(ran)
    return ran


def _stop(plan: plans.Plan, runs: list[DayRun], ran: Ran) -> str | None:
    """Say why the day ends after a run; None: it goes on."""
    v = ran.verification
    if ran.interrupted:
        return _INTERRUPTED
    if v.verdict in plan.abort.verdicts:
        return f"{v.experiment} is {v.verdict}, which the plan's abort.verdicts names"
    if plan.abort.not_restored and Phase.FAULT in v.phases and not v.rollback.proved:
        return f"{v.experiment} did not restore the system (abort.not_restored)"
    failures = sum(run.verdict is not Verdict.VERIFIED for run in runs)
    if plan.abort.failures is not None and failures >= plan.abort.failures:
        return f"{failures} experiments are not verified (abort.failures)"
    return None


def _keep(record: DayRecord, folder: Path | None) -> None:
    """Write day.json. Raises BadInput when it cannot be written."""
    if folder is None:
        return
    path = folder / DAY_FILE
    partial = path.with_suffix(".partial")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror or error}") from error


def read_day(folder: Path) -> DayRecord:
    """Read a day's record. Raises BadInput when it is missing or not of this form."""
    path = folder / DAY_FILE
    try:
        return DayRecord.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    except ValidationError as error:
        raise BadInput(f"{path}: {validation_line(error)}") from error
