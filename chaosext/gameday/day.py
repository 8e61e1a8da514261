"""A game day: its experiments one after another, and day.json, which says at any moment how far it got."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from ..environment import validation_line
from ..errors import BadInput, ChaosextError
from ..result import Time, Verdict
from . import plan as plans
from .runner import Ran, run_experiment
from .steady import budget_refusal, open_gate, wait_until_steady

__all__ = ["DAY_FILE", "DayRecord", "DayRun", "Progress", "alone", "begun", "read_day", "resumed", "run_day"]

DAY_FILE = "day.json"
_INTERRUPTED = "interrupted"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DayRun(_Model):
    """One experiment of a day: its run's folder beside the day's, its verdict, or why it was not started.

    `interrupted`: a signal came while it ran, so that its verdict is none to go by unless it is verified.
    """

    experiment: str
    folder: str | None = None
    verdict: Verdict
    not_started: str | None = None
    interrupted: bool = False

    @property
    def done(self) -> bool:
        """Whether a resumed day need not run it again."""
        return self.folder is not None and (not self.interrupted or self.verdict is Verdict.VERIFIED)


class DayRecord(_Model):
    """What day.json holds: the plan and its files, what ran, and why the day ended early if it did.

    `planned` names the experiments, `files` says where they lie, in the same order.
    """

    title: str
    started: Time
    environment: str
    stale_after_days: int
    planned: list[str]
    plan: plans.Plan | None = None
    files: list[str] = []
    runs: list[DayRun] = []
    stopped: str | None = None
    ended: Time | None = None

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


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[Path]:
    """Hold a day's folder, so that nobody else writes its record; the kernel lets go of it if we die.

    Yields the folder. Raises BadInput when it is not there, or a day goes on in it.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadInput(f"{folder}: its game day is still running: wait for its end") from error
        except OSError:
            pass  # a file system without locks (some network shares) leaves this to the user
        yield folder
    finally:
        os.close(descriptor)


def begun(day: plans.Day) -> DayRecord:
    """Return the record of a day of which nothing ran yet."""
    return DayRecord(
        title=day.plan.title,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        environment=_environment(),
        stale_after_days=day.plan.stale_after_days,
        planned=[path.stem for path in day.experiments],
        plan=day.plan,
        files=[str(path.absolute()) for path in day.experiments],
    )


def resumed(folder: Path) -> tuple[plans.Day, DayRecord]:
    """Return a day to go on with, by the plan that it began with, and its record of what need not run again.

    What was interrupted, or left out for want of budget or a file, is to be tried again. Raises BadInput when
    day.json cannot be read or does not say what to run, and in another environment than the day's.
    """
    record = read_day(folder)
    if record.plan is None or len(record.files) != len(record.planned):
        raise BadInput(f"{folder / DAY_FILE}: it does not say which files were planned: run the plan anew")
    if record.environment != _environment():
        raise BadInput(
            f"{folder}: the day began on {record.environment}, and CHAOS_ENVIRONMENT is {_environment()}: "
            "one day has one environment"
        )
    record.stopped = record.ended = None
    record.runs = [run for run in record.runs if run.done]
    return plans.Day(record.plan, tuple(Path(file) for file in record.files)), record


def _environment() -> str:
    return os.environ.get("CHAOS_ENVIRONMENT", "unknown")


def run_day(
    day: plans.Day, record: DayRecord, reports: Path, progress: Progress, folder: Path | None = None
) -> None:
    """Run those of a day's experiments that its record has no run of, and keep the record.

    It is kept in `folder` after each one, so that an interrupted day leaves what ran; None keeps none.
    """
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
            record.stopped = _stop(day.plan, record.runs[before:], ran)
        if path == day.experiments[-1] and record.stopped != _INTERRUPTED:
            record.stopped = None  # nothing was left to stop
        _keep(record, folder)
        if record.stopped is not None:
            progress.said(f"the day ends here: {record.stopped}")
            break
    record.ended = datetime.now(UTC).isoformat(timespec="seconds")
    _keep(record, folder)


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
    record.runs.append(
        DayRun(
            experiment=path.stem,
            folder=ran.folder.name,
            verdict=ran.verification.verdict,
            interrupted=ran.interrupted,
        )
    )
    progress.ended(ran)
    return ran


def _stop(plan: plans.Plan, runs: list[DayRun], ran: Ran | None) -> str | None:
    """Say why the day ends after the last of its runs; None: it goes on. `ran` is None for one left out."""
    last = runs[-1]
    if last.interrupted:
        return _INTERRUPTED
    if last.verdict in plan.abort.verdicts:
        return f"{last.experiment} is {last.verdict}, which the plan's abort.verdicts names"
    if plan.abort.not_restored and ran is not None and ran.maybe_broken:
        return f"{last.experiment} did not restore the system, as far as is known (abort.not_restored)"
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
