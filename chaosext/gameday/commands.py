"""What `chaos gameday run` and `chaos gameday report` do."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from ..errors import BadInput
from ..report.files import FORMATS, write_reports
from ..report.tables import show_comparison
from ..result import FILE_NAME, Verdict, read
from .day import DAY_FILE, DayRecord, alone, begun, read_day, resumed, run_day
from .notify import notify
from .pages import write_day
from .plan import Day, plan_of
from .progress import progress_for
from .runner import exit_code
from .summary import DayResult, gather, without_samples

__all__ = ["rebuild", "run"]


def run(
    given: tuple[Path, ...],
    reports: Path,
    *,
    only: str | None = None,
    style: str = "auto",
    fail_on: str | None = None,
    resume: Path | None = None,
) -> int:
    """Run a plan or experiments, write what there is to read, and return the exit code. Raises BadInput."""
    failing = _failing(fail_on)
    if resume is not None and given:
        raise BadInput("--resume goes on with the plan that the day began with: name no other")
    with contextlib.ExitStack() as held:
        if resume is None:
            day = plan_of(given).only(only)
            record = begun(day)
            # Experiments named one by one need no summary; a plan and several of them are a day.
            is_day = len(day.experiments) > 1 or not given or given[0].suffix != ".json"
            folder = held.enter_context(alone(_day_folder(reports))) if is_day else None
        else:
            # Held before it is read: whoever held it may have written a result since.
            folder, reports = held.enter_context(alone(resume)), resume.resolve().parent
            day, record = resumed(folder)
            day = day.only(only)
        _run(day, record, reports, style, folder)
        if folder is not None:
            result = gather(record, reports)
            write_day(folder, result)
            print(f"{result.headline()}; {folder}/index.html", flush=True)
            _notify(day, result)
    return exit_code([verdict for verdict in record.verdicts() if verdict in failing])


def _run(day: Day, record: DayRecord, reports: Path, style: str, folder: Path | None) -> None:
    """Run the day with its display; a SIGTERM between two runs ends it as Ctrl-C does."""
    done = {run.experiment for run in record.runs}
    progress = progress_for([path.stem for path in day.experiments if path.stem not in done], style)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run_day(day, record, reports, progress, folder)
    finally:
        signal.signal(signal.SIGTERM, before)
        progress.close()


def _day_folder(reports: Path) -> Path:
    """Make a day's folder. Raises BadInput when it cannot be made."""
    folder = reports / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-gameday"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{folder}: cannot be made: {error.strerror or error}") from error
    return folder


def _failing(names: str | None) -> set[Verdict]:
    """Return the verdicts that --fail-on names; None: all but verified. Raises BadInput."""
    if names is None:
        return set(Verdict)
    try:
        found = {Verdict(name.strip()) for name in names.split(",") if name.strip()}
    except ValueError as error:
        raise BadInput(f"--fail-on: {error}; verdicts are {', '.join(Verdict)}") from error
    if not found - {Verdict.VERIFIED}:
        raise BadInput(f"--fail-on: {names!r} names no failure, so that nothing would ever fail")
    return found


def _notify(day: Day, result: DayResult) -> None:
    wanted = day.plan.notify
    if wanted == "never" or (wanted == "failure" and result.verdict is Verdict.VERIFIED):
        return
    lines = [f"{run.verification.experiment}: {run.verification.verdict}" for run in result.runs]
    lines += [f"{name}: {verdict} ({reason})" for name, verdict, reason in result.not_run]
    lines += [
        f"{run.verification.experiment}: {show_comparison(c)}" for run in result.runs for c in run.regressions
    ]
    problem = notify(f"{day.plan.title} ({result.record.environment}): {result.headline()}", lines)
    if problem is not None:
        print(f"warning: {problem}", flush=True)


def rebuild(folder: Path, formats: Iterable[str] | None) -> list[Path]:
    """Write the reports of a run's or a day's folder anew from its JSON; return their paths.

    Raises BadInput for a folder of neither, or an unknown format.
    """
    wanted = tuple(FORMATS if formats is None else formats)
    if unknown := [name for name in wanted if name not in FORMATS]:
        raise BadInput(f"--format: {unknown[0]!r} is none of {', '.join(FORMATS)}")
    if (folder / FILE_NAME).exists():
        return write_reports(folder, read(folder), wanted)
    if not (folder / DAY_FILE).exists():
        raise BadInput(f"{folder}: neither {FILE_NAME} nor {DAY_FILE} is there: give a run's or a day's folder")
    record, reports = read_day(folder), folder.resolve().parent
    written, known = [], {}
    for entry in record.runs:
        if entry.folder is not None and (reports / entry.folder / FILE_NAME).exists():
            found = read(reports / entry.folder)
            written += write_reports(reports / entry.folder, found, wanted)
            known[entry.folder] = without_samples(found)
    return [*written, *write_day(folder, gather(record, reports, known), wanted)]
