"""Makes the verification result of a run from its record."""

from __future__ import annotations

from ..environment import Windows
from ..result import Verification
from ..run import Run
from .detection import alert_results, time_to_detect
from .judge import judge, sli_results
from .record import Record

__all__ = ["assemble"]


def assemble(
    run: Run, title: str, windows: Windows | None, record: Record, duration: float, deviated: bool
) -> Verification:
    """Return the result of a run; `windows` is None when the window table itself was wrong."""
    slis = sli_results(record)
    alerts = alert_results(record)
    verdict, reasons = judge(record, slis, alerts)
    return Verification(
        experiment=run.experiment,
        title=title,
        run_id=run.run_id,
        environment=windows.environment if windows else "unknown",
        compressed_windows=windows.compressed if windows else False,
        short_window_seconds=windows.short_window_seconds if windows else 0,
        started=run.started.isoformat(timespec="seconds"),
        duration_seconds=round(duration, 1),
        verdict=verdict,
        reasons=reasons,
        slis=slis,
        alerts=alerts,
        phases={phase: round(at, 2) for phase, at in record.phases.items()},
        fault_applied_seconds=_rounded(record.applied),
        fault_landed_seconds=_rounded(record.landed),
        time_to_detect_seconds=time_to_detect(alerts),
        time_to_recover_seconds=_rounded(record.time_to_recover),
        recover_within_seconds=record.recover_within,
        budget=record.budget,
        rollback=record.rollback,
        healed_before=record.healed_before,
        deviated=deviated,
        evidence=record.evidence,
        samples=record.samples,
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
