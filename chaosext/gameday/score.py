"""The resilience score: which share of what the experiments expected was so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from ..report.checks import Met, checks
from ..result import Verdict, Verification

__all__ = ["HOW", "Score", "score"]

HOW = (
    "Of each experiment that gave a judgement of the system (verified or system-failed), the share of its "
    "expectations (SLIs, alerts, budgets, recovery, rollback) that were met; the score is their mean. What "
    "could not be judged counts neither way, and is named."
)
_JUDGED = {Verdict.VERIFIED, Verdict.SYSTEM_FAILED}


@dataclass(frozen=True)
class Score:
    """A day's score in [0, 1], None when nothing was judged; the expectations behind it; who was not judged."""

    value: float | None
    met: int
    missed: int
    unknown: int
    not_judged: tuple[str, ...]

    def __str__(self) -> str:
        """Say the score in percent, or that there is none; never rounded to what it is not."""
        if self.value is None:
            return "no data"
        return "100%" if self.value == 1 else f"{min(self.value * 100, 99.9):.1f}%"


def score(runs: Sequence[Verification], not_started: Sequence[str] = ()) -> Score:
    """Return the score of a day's runs; `not_started` are experiments that were planned and not run."""
    shares, met, missed, unknown = [], 0, 0, 0
    without = list(not_started)
    for v in runs:
        found = [check.met for check in checks(v)] if v.verdict in _JUDGED else []
        good, bad = found.count(Met.MET), found.count(Met.MISSED)
        if good + bad == 0:
            without.append(v.experiment)
            continue
        shares.append(good / (good + bad))
        met, missed, unknown = met + good, missed + bad, unknown + found.count(Met.UNKNOWN)
    return Score(fmean(shares) if shares else None, met, missed, unknown, tuple(without))
