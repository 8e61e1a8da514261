"""What a game day amounts to: gathered once, for the page, the Markdown, the JUnit file and the message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ..architecture import Architecture
from ..errors import ChaosextError
from ..report.history import Comparison, Entry, compare, earlier, entry_of
from ..report.svg.scale import clock
from ..result import WORST_FIRST, Verdict, Verification, read
from .coverage import Coverage, age_in_days, architecture_of, coverage
from .day import DayRecord
from .score import Score, score

__all__ = ["DayResult", "RunResult", "gather", "without_samples"]


@dataclass(frozen=True)
class RunResult:
    """One experiment of the day: its folder's name, its result, earlier runs, and how it compares."""

    folder: str
    verification: Verification
    before: tuple[Entry, ...]
    compared: tuple[Comparison, ...]

    @property
    def regressions(self) -> list[Comparison]:
        """What is worse than earlier runs vary by."""
        return [comparison for comparison in self.compared if comparison.regressed]


@dataclass(frozen=True)
class DayResult:
    """A day: its record, what ran, what did not and why, the score, and which components were tested when."""

    record: DayRecord
    runs: tuple[RunResult, ...]
    not_run: tuple[tuple[str, Verdict, str], ...]
    score: Score
    coverage: tuple[Coverage, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst verdict."""
        return min(self.record.verdicts(), key=WORST_FIRST.index)

    @property
    def took(self) -> str:
        """How long it took, a resumed day from its beginning, as minutes and seconds; "" while it lasts."""
        ended = None if self.record.ended is None else age_in_days(self.record.started, self.record.ended)
        return "" if ended is None else clock(ended * 86400)

    def headline(self) -> str:
        """Say in one line how it went."""
        planned = len(self.record.planned)
        verified = self.record.verdicts().count(Verdict.VERIFIED)
        ended = f"; it ended early: {self.record.stopped}" if self.record.stopped else ""
        judged = f" ({len(self.score.not_judged)} not judged)" if self.score.not_judged else ""
        return f"{verified} of {planned} experiments verified, resilience score {self.score}{judged}{ended}"


def gather(
    record: DayRecord, reports: Path, known: Mapping[str, Verification] = MappingProxyType({})
) -> DayResult:
    """Gather a day's results from its runs' folders, which lie under `reports`; `known` were read already.

    A folder whose result cannot be read any more is named as such, and counts for nothing.
    """
    runs, missing = [], []
    for entry in record.runs:
        if entry.folder is None:
            missing.append((entry.experiment, entry.verdict, entry.not_started or "not started"))
            continue
        try:
            found = (
                known[entry.folder] if entry.folder in known else without_samples(read(reports / entry.folder))
            )
        except ChaosextError as error:
            missing.append((entry.experiment, entry.verdict, f"its result is lost: {error}"))
            continue
        before = earlier(found, reports)
        runs.append(RunResult(entry.folder, found, tuple(before), tuple(compare(entry_of(found), before))))
    named = {entry.experiment for entry in record.runs}
    why = record.stopped or ("it was left out" if record.ended else "the day has not ended")
    reason = f"not started: {why}"
    missing.extend((name, Verdict.NOT_RUN, reason) for name in record.planned if name not in named)
    results = [run.verification for run in runs]
    return DayResult(
        record=record,
        runs=tuple(runs),
        not_run=tuple(missing),
        score=score(results, [name for name, _, _ in missing]),
        coverage=tuple(coverage(_architecture(results, record.files), reports, record)),
    )


def without_samples(v: Verification) -> Verification:
    """Return a result with its last sample only: a day's pages draw none, and all of a day's may be 100 MiB."""
    return v.model_copy(update={"samples": v.samples[-1:]})


def _architecture(runs: Sequence[Verification], files: Sequence[str]) -> Architecture | None:
    """Return the system's drawing, by a run or, when all of them died too early, by an experiment's file."""
    known = next((v.about.architecture for v in runs if v.about.architecture is not None), None)
    return known or next((a for file in files if (a := architecture_of(Path(file))) is not None), None)
