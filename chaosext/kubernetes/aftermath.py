"""What a run that died leaves for its report: the samples that it kept, and what the watchdog did."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from ..errors import BadInput
from ..result import Phase, Rollback, Sample, Verdict, Verification, read, write
from .healing import Healing

__all__ = ["HEALED_FILE", "JOURNAL_FILE", "SAMPLES_FILE", "Healed", "read_healed", "write_healed"]

HEALED_FILE = "healed.json"
JOURNAL_FILE = "journal.json"
SAMPLES_FILE = "samples.jsonl"
"""One sample a line, kept while the run lasts."""


class Healed(Healing):
    """What healed.json holds: what a watchdog did for a run, and when it had."""

    run_id: str
    experiment: str
    ended: str


def read_healed(folder: Path) -> Healed | None:
    """Read what a watchdog did for the run of this folder; None when it did nothing that can be read."""
    try:
        return Healed.model_validate_json((folder / HEALED_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write_healed(folder: Path, unfinished: Verification, done: Healing) -> Verification | None:
    """Write healed.json, and verification and journal of a run that has not written its own.

    Returns that verification, None when the run had one. Raises OSError.
    """
    ended = datetime.now(UTC)
    record = Healed(
        run_id=unfinished.run_id,
        experiment=unfinished.experiment,
        ended=ended.isoformat(timespec="seconds"),
        **done.model_dump(),
    )
    (folder / HEALED_FILE).write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if _wrote_its_own(folder, unfinished.run_id):
        return None
    found = _verification(folder, unfinished, done, ended)
    if not _is_json(folder / JOURNAL_FILE):
        (folder / JOURNAL_FILE).write_text(
            json.dumps(_journal(found, record), indent=2) + "\n", encoding="utf-8"
        )
    # The verdict comes last, as a run itself writes it: what reads it may rely on what is beside it.
    write(folder, found)
    (folder / SAMPLES_FILE).unlink(missing_ok=True)
    return found


def _wrote_its_own(folder: Path, run_id: str) -> bool:
    """Tell whether the verification is the run's; somebody who saw it end may have left one in its place."""
    try:
        return read(folder).run_id == run_id
    except BadInput:
        return False


def _is_json(path: Path) -> bool:
    """Tell whether a file is there and whole: a run may have died while it wrote it."""
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def _journal(found: Verification, healed: Healed) -> dict[str, object]:
    """Return a journal that says that there is none: Chaos Toolkit tells what it did at its end only."""
    return {
        "experiment": {"title": found.title},
        "start": found.started,
        "end": healed.ended,
        "duration": found.duration_seconds,
        "status": "aborted",
        "reason": f"{healed.reason}: Chaos Toolkit died without a journal, and what it did is not known",
        "run": [],
        "rollbacks": [],
        "verification": {"verdict": str(found.verdict), "reasons": found.reasons},
    }


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
            "rollback": Rollback(proved=done.healed, differences=done.remaining, found=done.differences),
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
