"""Runs experiments with `chaos run`, each in a process of its own, and reads what they proved."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

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
        _run(
            [
                *(sys.executable, "-m", "chaostoolkit", "--no-version-check"),
                *("--log-file", str(Path(scratch) / "chaostoolkit.log")),
                *("run", "--journal-path", str(Path(scratch) / "journal.json"), str(path)),
            ],
            {**os.environ, "CHAOS_REPORT_DIR": str(folder)},
        )
    try:
        return read(folder), folder
    except ChaosextError:
        return None, folder


def _run(words: list[str], environment: dict[str, str]) -> None:
    """Run a program to its own end, whatever signal comes meanwhile.

    A terminal sends Ctrl-C to the program too, and SIGTERM is passed on: the program heals what it broke and
    then ends. subprocess.run would kill it amid its rollback.
    """
    process = subprocess.Popen(words, env=environment)

    def pass_on(signum: int, _frame: FrameType | None) -> None:
        if signum == signal.SIGTERM:
            process.terminate()

    # A function, and not SIG_IGN: that one a program would have inherited, had it been set before.
    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_code(verdicts: list[Verdict]) -> int:
    """Return the exit code of the worst verdict."""
    return EXIT_CODES[min(verdicts, key=WORST_FIRST.index)]
