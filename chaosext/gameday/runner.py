"""Runs experiments with `chaos run`, each in a process of its own, and reads what they proved."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from ..errors import ChaosextError
from ..result import EXIT_CODES, WORST_FIRST, Verdict, Verification, read

__all__ = ["exit_code", "run_experiment"]


def run_experiment(path: Path, reports: Path) -> tuple[Verification | None, Path]:
    """Run one experiment and return its verification, None when it left none, and its folder under `reports`.

    Its output goes to this process's own.
    """
    started = datetime.now(UTC)
    folder = reports / f"{started:%Y%m%dT%H%M%SZ}-{path.stem}"
    # Chaos Toolkit's own log and journal would land in whatever folder the caller is in.
    with tempfile.TemporaryDirectory(prefix="gameday-") as scratch:
        subprocess.run(
            [
                *(sys.executable, "-m", "chaostoolkit", "--no-version-check"),
                *("--log-file", str(Path(scratch) / "chaostoolkit.log")),
                *("run", "--journal-path", str(Path(scratch) / "journal.json"), str(path)),
            ],
            env={**os.environ, "CHAOS_REPORT_DIR": str(folder)},
            check=False,
        )
    try:
        return read(folder), folder
    except ChaosextError:
        return None, folder


def exit_code(verdicts: list[Verdict]) -> int:
    """Return the exit code of the worst verdict."""
    return EXIT_CODES[min(verdicts, key=WORST_FIRST.index)]
