"""What a run that died leaves for its report: the samples that it kept, and what the watchdog did."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from ..result import FILE_NAME, Phase, Rollback, Sample, Verdict, Verification, write
from .healing import Healing

__all__ = ["HEALED_FILE", "SAMPLES_FILE", "write_healed"]

HEALED_FILE = "healed.json"
SAMPLES_FILE = "samples.jsonl"
"""One sample a line, kept while the run lasts."""


def write_healed(folder: Path, unfinished: Verification, done: Healing) -> None:
    """Write healed.json, and the verification of the run unless it has written its own. Raises OSError."""
    ended = datetime.now(UTC)
    record = {
        "run_id": unfinished.run_id,
        "experiment": unfinished.experiment,
        "ended": ended.isoformat(timespec="seconds"),
        **done.model_dump(),
    }
    (folder / HEALED_FILE).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    if not (folder / FILE_NAME).exists():
        write(folder, _verification(folder, unfinished, done, ended))
        (folder / SAMPLES_FILE).unlink(missing_ok=True)


def _verification(folder: Path, unfinished: Verification, done: Healing, ended: datetime) -> Verification:
    samples = _samples(folder / SAMPLES_FILE)
    phases: dict[Phase, float] = {}
    for sample in samples:
        phases.setdefault(sample.phase, sample.at)
    outcome = "the system is restored" if done.healed else f"it is not restored: {'; '.join(done.remaining)}"
    return unfinished.model_copy(
        update={
            "verdict": Verdict.NOT_RUN if done.healed else Verdict.SYSTEM_FAILED,
            "reasons": [f"{done.reason}, and the watchdog healed in its place: {outcome}"],
            "duration_seconds": round((ended - datetime.fromisoformat(unfinished.started)).total_seconds(), 1),
            "phases": phases,
            "samples": samples,
            "rollback": Rollback(proved=done.healed, differences=done.remaining),
        }
    )


def _samples(path: Path) -> list[Sample]:
    """Return the samples of a file; the last line may have been cut off."""
    found = []
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for line in lines:
        try:
            found.append(Sample.model_validate_json(line))
        except ValidationError:
            break
    return found
