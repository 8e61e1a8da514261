"""What was seen of one run; the verdict is judged from it and from nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..evidence import Evidence
from ..result import BudgetResult, Phase, Rollback, Sample, Tolerance
from ..slo.model import Slo
from ..slo.sli import Measurement
from .alerts import AlertWatch
from .expectations import Expectation, Expectations

__all__ = ["Record"]


@dataclass
class Record:
    """The record of a run. Times are seconds since its start, None while a moment has not come.

    `healed_before`: what a run that died before this one had left. `applied`: when the last fault's action had
    ended. `shown`: when the experiment's own activity showed that the fault had landed, `not_shown`: why it did
    not. `last_probe`: what the last probe of the hypothesis before the method said. `not_restored`: rollbacks
    that failed. `found`: what there was to undo just before the rollbacks, None when that is not known.
    `refusal`: why the run was stopped before it changed anything. `tool_errors`: what the suite itself could
    not do, failed method actions among it. `settled`: each SLI over the fault as it had settled.
    `aborted`: why the budget guard ended the fault. `left`: what became of what the run could not restore.
    `steady`: None before the baseline was judged, then whether it was steady.
    """

    window_seconds: float = 0.0
    expectations: Expectations | None = None
    slos: dict[str, Slo] = field(default_factory=dict)
    tolerances: dict[str, Tolerance] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    settled: dict[str, Measurement] = field(default_factory=dict)
    budget: list[BudgetResult] = field(default_factory=list)
    rollback: Rollback = field(default_factory=lambda: Rollback(proved=False, differences=["not checked"]))
    phases: dict[Phase, float] = field(default_factory=dict)
    healed_before: list[str] = field(default_factory=list)
    found: list[str] | None = None
    applied: float | None = None
    shown: float | None = None
    not_shown: str | None = None
    alerts: AlertWatch = field(default_factory=lambda: AlertWatch([]))
    recovered: float | None = None
    recover_within: float | None = None
    steady: bool | None = None
    unsteady: str | None = None
    refusal: str | None = None
    bad_input: str | None = None
    interrupted: bool = False
    aborted: str | None = None
    left: str | None = None
    last_probe: str | None = None
    tool_errors: list[str] = field(default_factory=list)
    not_restored: list[str] = field(default_factory=list)
    evidence: Evidence = field(default_factory=Evidence)

    @property
    def landed(self) -> float | None:
        """When the fault's effect showed: to the experiment's probe, or in an SLI that it was to move."""
        if self.shown is not None or self.not_shown is not None:
            return self.shown
        moved = [e for e in self.expectations.expect if e.outcome != "holds"] if self.expectations else []
        start = self.phases.get(Phase.FAULT)
        for sample in self.samples if start is not None else []:
            if sample.phase is not Phase.BASELINE and any(self._shows(sample, e) for e in moved):
                return sample.at
        return None

    def _shows(self, sample: Sample, expectation: Expectation) -> bool:
        value = sample.values.get(expectation.sli)
        if value is None:
            return expectation.outcome == "starved" and expectation.sli not in sample.failed
        return not self.tolerances[expectation.sli].holds(value)

    @property
    def time_to_recover(self) -> float | None:
        """Seconds from the start of the rollback until every SLI was back."""
        start = self.phases.get(Phase.RECOVERY)
        return None if self.recovered is None or start is None else self.recovered - start
