"""Earlier runs of an experiment, and whether this one is outside of what they vary by.

Every run leaves history.json beside its verification.json: the few numbers that a comparison needs, so that a
year of them can be kept where the samples are not. A folder that has only verification.json, or files of an
older form, is read as far as it goes.
"""

from __future__ import annotations

import functools
import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ..environment import validation_line
from ..result import FILE_NAME as VERIFICATION
from ..result import Time, Verdict, Verification

__all__ = [
    "ENOUGH",
    "FILE_NAME",
    "Comparison",
    "Entry",
    "compare",
    "earlier",
    "entry_of",
    "every",
    "latest",
    "usual",
    "write_entry",
]

logger = logging.getLogger("chaostoolkit")

FILE_NAME = "history.json"
ENOUGH = 5
"""With fewer earlier runs nothing is called unusual."""
MOST = 30
_FOLDER = re.compile(r"\d{8}T\d{6}Z-(?P<experiment>.+)")
_MADS = 3 * 1.4826
"""Three standard deviations, by the median absolute deviation, which one odd run does not spoil."""
_LEAST_SHARE = 0.1
_LEAST = {"seconds": 1.0, "ratio": 0.02, "count": 1.0}


class Entry(BaseModel):
    """What history keeps of one run.

    `worst` and `units` are by SLI, `components` what the run tested. Unknown keys are let be.
    """

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    experiment: str
    environment: str
    run_id: str
    started: Time
    verdict: str
    duration_seconds: float = 0.0
    time_to_detect_seconds: float | None = None
    time_to_recover_seconds: float | None = None
    worst: dict[str, float] = {}
    units: dict[str, str] = {}
    components: list[str] = []


@dataclass(frozen=True)
class Comparison:
    """One number of a run beside those of earlier verified runs; `unit` is seconds, ratio or count.

    `low` and `high` bound what is usual: the median and three standard deviations on either side, at least a
    tenth of the median. They are None with fewer than ENOUGH earlier values.
    """

    name: str
    unit: str
    now: float
    before: tuple[float, ...]
    low: float | None
    high: float | None

    @property
    def judged(self) -> str:
        """Say how it compares; for a ratio less is worse, for all else more."""
        if self.low is None or self.high is None:
            return f"too few earlier runs to tell ({len(self.before)} of {ENOUGH})"
        if self.low <= self.now <= self.high:
            return "as usual"
        return "worse than usual" if (self.now < self.low) == (self.unit == "ratio") else "better than usual"

    @property
    def regressed(self) -> bool:
        """Whether it is worse than earlier runs vary by."""
        return self.judged == "worse than usual"


def entry_of(v: Verification) -> Entry:
    """Return what history keeps of a run."""
    judged = [sli for sli in v.slis if sli.expected]
    return Entry(
        experiment=v.experiment,
        environment=v.environment,
        run_id=v.run_id,
        started=v.started,
        verdict=v.verdict,
        duration_seconds=v.duration_seconds,
        time_to_detect_seconds=v.time_to_detect_seconds,
        time_to_recover_seconds=v.time_to_recover_seconds,
        worst={sli.name: sli.worst for sli in judged if sli.worst is not None},
        units={sli.name: sli.unit for sli in judged},
        components=_components(v),
    )


def _components(v: Verification) -> list[str]:
    """Return which components a run tested: by an SLI that was to leave its tolerance, by name, by tag."""
    moved = {sli.name for sli in v.slis if sli.expected.startswith("deviates")}
    named = {v.experiment, *v.about.tags}
    known = v.about.architecture.components if v.about.architecture else []
    return [c.name for c in known if named & {c.name, c.title.lower()} or moved.intersection(c.slis)]


def write_entry(folder: Path, v: Verification) -> Path:
    """Write history.json into a run's folder."""
    path = folder / FILE_NAME
    path.write_text(entry_of(v).model_dump_json() + "\n", encoding="utf-8")
    return path


def earlier(v: Verification, reports: Path) -> list[Entry]:
    """Return earlier verified runs of the same experiment in the same environment, the oldest first."""
    return [
        entry
        for entry in _entries(reports, v.experiment)
        if entry.run_id != v.run_id
        and entry.started < v.started
        and (entry.environment, entry.verdict) == (v.environment, Verdict.VERIFIED)
    ][-MOST:]


def latest(reports: Path, experiment: str) -> Entry | None:
    """Return the latest run of an experiment, whatever its verdict."""
    return max(_entries(reports, experiment), key=lambda entry: entry.started, default=None)


def every(reports: Path) -> list[Entry]:
    """Return every run that left an entry, the oldest first; runs of before history.json are let be."""
    try:
        folders = sorted(path for path in reports.iterdir() if (path / FILE_NAME).is_file())
    except OSError:
        return []
    found = [_entry(folder) for folder in folders]
    return [entry for entry in found if entry is not None]


def compare(now: Entry, before: list[Entry]) -> list[Comparison]:
    """Compare the time to detect, the time to recover, and every judged SLI's worst value."""
    found = [
        _comparison(
            "Time to detect", "seconds", now.time_to_detect_seconds, [e.time_to_detect_seconds for e in before]
        ),
        _comparison(
            "Time to recover",
            "seconds",
            now.time_to_recover_seconds,
            [e.time_to_recover_seconds for e in before],
        ),
        *(
            _comparison(
                f"Worst {name}", now.units.get(name, "ratio"), value, [e.worst.get(name) for e in before]
            )
            for name, value in now.worst.items()
        ),
    ]
    return [comparison for comparison in found if comparison is not None]


def _comparison(name: str, unit: str, now: float | None, values: list[float | None]) -> Comparison | None:
    known = [value for value in values if value is not None]
    return None if now is None else Comparison(name, unit, now, tuple(known), *usual(known, unit))


def usual(known: Sequence[float], unit: str) -> tuple[float, float] | tuple[None, None]:
    """Return the bounds of what is usual, see Comparison; None when too few values are known."""
    if len(known) < ENOUGH:
        return None, None
    middle = median(known)
    spread = _MADS * median(abs(value - middle) for value in known)
    width = max(spread, _LEAST_SHARE * middle if unit == "seconds" else 0.0, _LEAST[unit])
    return middle - width, middle + width


def _entries(reports: Path, experiment: str) -> list[Entry]:
    try:
        folders = sorted(path for path in reports.iterdir() if _is_of(path.name, experiment))
    except OSError:
        return []
    # Twice as many as are compared, since some of them were not verified.
    found = [_entry(folder) for folder in folders[-2 * MOST :]]
    return [entry for entry in found if entry is not None]


def _is_of(name: str, experiment: str) -> bool:
    match = _FOLDER.fullmatch(name)
    return match is not None and match["experiment"] == experiment


def _entry(folder: Path) -> Entry | None:
    """Read a run's entry; None when there is none, or, with a warning, none that can be understood."""
    for name, read in ((FILE_NAME, Entry.model_validate), (VERIFICATION, _from_verification)):
        path = folder / name
        try:
            return read(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, AttributeError, TypeError, KeyError, RecursionError) as error:
            _warn(path, validation_line(error) if isinstance(error, ValidationError) else str(error))
    return None


@functools.cache
def _warn(path: Path, why: str) -> None:
    """Say once that a file is let be."""
    logger.warning("%s is let be, and counts as no earlier run: %s", path, " ".join(why.split()))


def _from_verification(content: dict[str, Any]) -> Entry:
    """Take from a verification.json of any age what it has."""
    judged = [sli for sli in content.get("slis", []) if sli.get("expected")]
    worst = {sli["name"]: sli["worst"] for sli in judged if sli.get("worst") is not None}
    units = {sli["name"]: sli.get("unit", "ratio") for sli in judged}
    return Entry.model_validate({**content, "worst": worst, "units": units})
