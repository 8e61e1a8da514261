"""The table of attacks on a run: what is done to it and when, and what must have become of it."""

from __future__ import annotations

from dataclasses import dataclass

from chaosext.result import Verdict

RUN, WATCHDOG, BY_HAND, NEXT_RUN = "the run", "the watchdog", "hand", "the next run"
INTERRUPTED = "the run was interrupted"
DIED = "the runner died, and the watchdog healed in its place: the system is restored"
UNSTEADY = "no steady baseline, so no fault was applied"
UNPROVED = "the rollback is not proved"
HYPOTHESIS = "Probe: payments-succeed"
"""What the output says before the rollbacks, when the hypothesis is asked for again."""


@dataclass(frozen=True)
class Case:
    """One attack: what is done, at the beginning of which phase.

    A server behaves badly until the run's output has `until`, or the run has ended. Then the run must have this
    verdict (None: it is dead, and gave none) with `said` among its reasons, and `healed_by` must have restored
    what it changed.
    """

    attack: str
    phase: str
    verdict: Verdict | None
    said: str
    healed_by: str = RUN
    until: str | None = None

    @property
    def name(self) -> str:
        """The case in a few words."""
        return f"{self.attack} at {self.phase}"


ROW = "attack"
"""The name of a test's property that holds what became of its case."""


@dataclass(frozen=True)
class Row:
    """What became of a case: the run's verdict (None: it gave none) and exit code, and when all was healed."""

    case: Case
    verdict: Verdict | None
    exit_code: int
    seconds: float  # from the attack until everything was restored
    passed: bool = True

    @property
    def words(self) -> str:
        """The row in a few words."""
        if not self.passed:
            return "FAILED"
        verdict = f"exit code {self.exit_code}" if self.verdict is None else str(self.verdict)
        by = "" if self.case.healed_by == RUN else f" by {self.case.healed_by}"
        return f"{verdict}; {self.seconds:.0f} s{by}"


def markdown(rows: list[Row]) -> str:
    """Return what became of all attacks: a line for each, a column for each phase."""
    found = {(row.case.attack, row.case.phase): row.words for row in rows}
    head = [["attack", *PHASE_NAMES], ["---"] * (1 + len(PHASE_NAMES))]
    attacks = dict.fromkeys(row.case.attack for row in rows)
    body = [[attack, *(found.get((attack, phase), "") for phase in PHASE_NAMES)] for attack in attacks]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [*head, *body])


QUICK = {
    "SIGINT at baseline",
    "Kubernetes refuse at fault",
    "SIGKILL at observe",
    "SIGTERM at rollback",
    "SIGINT at recovery",
}
"""What ./setup/test tries without --full: an attack of each phase."""


def _at(phases: str, attack: str, *expected: object, **more: object) -> list[Case]:
    return [Case(attack, phase, *expected, **more) for phase in phases.split()]  # type: ignore[arg-type]


_ALL = "baseline fault observe rollback recovery"
PHASE_NAMES = _ALL.split()
_NOT_RUN, _NO_DATA, _FAILED = Verdict.NOT_RUN, Verdict.NO_DATA, Verdict.SYSTEM_FAILED
_TOOL, _VERIFIED = Verdict.TOOL_ERROR, Verdict.VERIFIED
CASES = [
    *_at(_ALL, "SIGKILL", _NOT_RUN, DIED, WATCHDOG),
    *_at(_ALL, "SIGTERM", _NOT_RUN, INTERRUPTED),
    *_at(_ALL, "SIGINT", _NOT_RUN, INTERRUPTED),
    Case("SIGHUP", "observe", _NOT_RUN, DIED, WATCHDOG),
    Case("second run", "observe", _VERIFIED, ""),
    *_at("fault rollback", "SIGKILL with watchdog", None, "", BY_HAND),
    *_at("observe recovery", "SIGKILL with watchdog", None, "", NEXT_RUN),
    *_at("baseline observe", "watchdog killed", _TOOL, "the watchdog ended before the run"),
    *_at("rollback", "watchdog killed", _VERIFIED, ""),
    *_at("baseline", "Grafana 500", _NO_DATA, UNSTEADY),
    *_at("fault observe rollback recovery", "Grafana 500", _NO_DATA, "answered 500"),
    *_at("observe recovery", "Grafana hang", _NO_DATA, "did not answer within 5 s"),
    *_at("fault", "Grafana garbage", _NO_DATA, "text/html, not JSON"),
    *_at("observe", "Grafana cut", _NO_DATA, "the connection broke"),
    *_at("baseline", "Prometheus refuse", _NO_DATA, UNSTEADY),
    *_at("observe recovery", "Prometheus refuse", _NO_DATA, "could not be measured"),
    *_at("fault", "Kubernetes refuse", _TOOL, "cannot be reached", WATCHDOG),
    *_at("observe", "Kubernetes refuse", _VERIFIED, "", until=HYPOTHESIS),
    *_at("rollback recovery", "Kubernetes refuse", _FAILED, UNPROVED, WATCHDOG),
    *_at("fault", "Kubernetes hang", _TOOL, "timed out", until=HYPOTHESIS),
    *_at("rollback", "Kubernetes hang", _FAILED, UNPROVED, WATCHDOG),
    *_at("fault", "Kubernetes conflict", _TOOL, "409", until=HYPOTHESIS),
    *_at("rollback", "Kubernetes conflict", _FAILED, UNPROVED, WATCHDOG),
    *_at("recovery", "Kubernetes conflict", _VERIFIED, "", WATCHDOG),
    *_at("rollback", "Kubernetes 410", _FAILED, UNPROVED, WATCHDOG),
    *_at("observe recovery", "disk full", None, "No space left on device"),
]
