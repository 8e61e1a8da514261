"""Runs experiments with `chaos run`, each in a process of its own, and reads what they proved."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

from ..errors import ChaosextError
from ..kubernetes.watchdog import HEALING_SECONDS, at_work
from ..polling import poll
from ..report.files import write_reports
from ..result import EXIT_CODES, WORST_FIRST, Phase, Rollback, Verdict, Verification, read, write

__all__ = ["Ran", "exit_code", "run_experiment"]

_REPORT_SECONDS = 120.0
"""What a watchdog may take, after its healing, to write what it did."""


@dataclass(frozen=True)
class Ran:
    """What one run left: its result, its folder, and whether it was interrupted from outside.

    `known` is False when it left no result, and this one says only so.
    """

    verification: Verification
    folder: Path
    interrupted: bool
    known: bool = True

    @property
    def maybe_broken(self) -> bool:
        """Whether the system is not, or not known to be, as it was before the run."""
        v = self.verification
        return not self.known or (Phase.FAULT in v.phases and not v.rollback.proved)


def run_experiment(path: Path, reports: Path, on_line: Callable[[str], None] | None = None) -> Ran:
    """Run one experiment; its folder lies under `reports`.

    Its output goes to this process's own, or line by line to `on_line`. A run that
    leaves no result, however it ended, gets one that says so.
    """
    started = datetime.now(UTC)
    folder = _new_folder(reports, started, path.stem)
    # Chaos Toolkit's own log and journal would land in whatever folder the caller is in.
    with tempfile.TemporaryDirectory(prefix="gameday-") as scratch:
        words = [
            *(sys.executable, "-m", "chaostoolkit", "--no-version-check"),
            *("--log-file", str(Path(scratch) / "chaostoolkit.log")),
            *("run", "--journal-path", str(Path(scratch) / "journal.json"), str(path)),
        ]
        code, interrupted = _run(words, {**os.environ, "CHAOS_REPORT_DIR": str(folder)}, on_line)
    # Of a run that died, or could not restore, the watchdog is at work: it writes the result of the former, and
    # in a container it would end with this process.
    try:
        poll(lambda: "healing" if at_work(folder) else None, HEALING_SECONDS + _REPORT_SECONDS)
    except KeyboardInterrupt:
        interrupted = True
    verification, known = _result(path, folder, started, code)
    return Ran(verification, folder, interrupted, known)


def _new_folder(reports: Path, started: datetime, name: str) -> Path:
    """Return a folder that no other run has: one that was refused may have begun within the same second."""
    while (folder := reports / f"{started:%Y%m%dT%H%M%SZ}-{name}").exists():
        started += timedelta(seconds=1)
    return folder


def _result(path: Path, folder: Path, started: datetime, code: int) -> tuple[Verification, bool]:
    """Read a run's result, and see to its report; make one that says what is known when there is none.

    Returns also whether the run, or its watchdog, left one.
    """
    try:
        found = read(folder)
        if not (folder / "report.html").exists():
            write_reports(folder, found)  # a watchdog that was itself ended may have left none
    except ChaosextError as error:
        ended = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        why = (
            f"the run {ended} and left no result that can be read ({error}); its output says why. Whether it "
            "left the system as it found it is not known: chaos gameday heal sees to that"
        )
        found = _unknown(path, started, why)
        # A disk that is full, perhaps: the verdict is told all the same.
        with contextlib.suppress(OSError, ChaosextError):
            folder.mkdir(parents=True, exist_ok=True)
            write(folder, found)
            write_reports(folder, found)
        return found, False
    return found, True


def _unknown(path: Path, started: datetime, reason: str) -> Verification:
    return Verification(
        experiment=path.stem,
        title=path.stem,
        run_id=f"{started:%Y%m%dt%H%M%S}-unknown",
        environment=os.environ.get("CHAOS_ENVIRONMENT", "unknown"),
        compressed_windows=False,
        short_window_seconds=0,
        started=started.isoformat(timespec="seconds"),
        duration_seconds=round((datetime.now(UTC) - started).total_seconds(), 1),
        verdict=Verdict.TOOL_ERROR,
        reasons=[reason],
        slis=[],
        rollback=Rollback(proved=False, differences=["not checked"]),
    )


def _run(
    words: list[str], environment: dict[str, str], on_line: Callable[[str], None] | None = None
) -> tuple[int, bool]:
    """Run a program to its own end, whatever signal comes meanwhile; return its code, and whether one came.

    A terminal sends Ctrl-C to the program too, and SIGTERM is passed on: the program heals what it broke and
    then ends. subprocess.run would kill it amid its rollback.
    """
    process = subprocess.Popen(
        words,
        env=environment,
        text=True,
        errors="replace",
        stdout=subprocess.PIPE if on_line else None,
        stderr=subprocess.STDOUT if on_line else None,
    )
    came: list[int] = []

    def pass_on(signum: int, _frame: FrameType | None) -> None:
        came.append(signum)
        if signum == signal.SIGTERM:
            process.terminate()

    # A function, and not SIG_IGN: that one a program would have inherited, had it been set before.
    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        if on_line and process.stdout:
            for line in process.stdout:
                on_line(line.rstrip("\n"))
        process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return process.returncode, bool(came)


def exit_code(verdicts: list[Verdict]) -> int:
    """Return the exit code of the worst verdict; 0 for none."""
    return EXIT_CODES[min(verdicts, key=WORST_FIRST.index)] if verdicts else 0
