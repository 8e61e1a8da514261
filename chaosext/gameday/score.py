"""The resilience score: which share of what the experiments expected was so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from ..report.checks import Met, checks
from ..result import Verdict, Verification

__all__ = ["HOW", "Score", "Share", "score", "show_share"]

HOW = (
    "Of each experiment that gave a judgement of the system (verified or system-failed), the share of its "
    "expectations (SLIs, alerts, budgets, recovery, rollback) that were met; the score is their mean. What "
    "could not be judged counts neither way, and is named."
)
_JUDGED = {Verdict.VERIFIED, Verdict.SYSTEM_FAILED}


@dataclass(frozen=True)
class Share:
    """What one experiment brings to the score: how many of its expectations were met, missed, not judged."""

    experiment: str
    met: int
    missed: int
    unknown: int

    @property
    def value(self) -> float:
        """The share of those judged that were met."""
        return self.met / (self.met + self.missed)


@dataclass(frozen=True)
class Score:
    """A day's score in [0, 1], None when nothing was judged; what it is the mean of; who was not judged."""

    value: float | None
    shares: tuple[Share, ...]
    not_judged: tuple[str, ...]

    @property
    def met(self) -> int:
        """How many expectations were met, over all experiments."""
        return sum(share.met for share in self.shares)

    @property
    def missed(self) -> int:
        """How many were missed."""
        return sum(share.missed for share in self.shares)

    def __str__(self) -> str:
        """Say the score in percent, or that there is none."""
        return "no data" if self.value is None else show_share(self.value)


def show_share(value: float) -> str:
    """Say a share in percent; never rounded to a whole that it is not."""
    return "100%" if value == 1 else f"{min(value * 100, 99.9):.1f}%"


def score(runs: Sequence[Verification], not_started: Sequence[str] = ()) -> Score:
    """Return the score of a day's runs; `not_started` are experiments that were planned and not run."""
    shares, without = [], list(not_started)
    for v in runs:
        found = [check.met for check in checks(v)] if v.verdict in _JUDGED else []
        share = Share(v.experiment, *(found.count(met) for met in (Met.MET, Met.MISSED, Met.UNKNOWN)))
        if share.met + share.missed == 0:
            without.append(v.experiment)
        else:
            shares.append(share)
    return Score(fmean(s.value for s in shares) if shares else None, tuple(shares), tuple(without))
