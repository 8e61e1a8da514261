"""Measures the reports of a large game day: python tests/benchmarks/reports.py [--runs N].

It makes up a day of 50 experiments of 10 minutes with 40 SLIs at one sample a second, and ten earlier days of
history, and times the writing of every report and the summary. Nothing is asserted: a person reads it.
"""

from __future__ import annotations

import argparse
import math
import resource
import tempfile
import time
from pathlib import Path

from figures import print_table

from chaosext.architecture import load_architecture
from chaosext.gameday.commands import rebuild
from chaosext.gameday.day import DAY_FILE, DayRecord, DayRun
from chaosext.report.history import FILE_NAME, entry_of
from chaosext.result import (
    About,
    Outcome,
    Phase,
    Rollback,
    Sample,
    SliResult,
    Tolerance,
    Verdict,
    Verification,
    write,
)

ROOT = Path(__file__).parents[2]
SLIS, SECONDS, EARLIER = 40, 600, 10


def main() -> None:
    """Make the day, report it, print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=50, help="how many experiments the day has")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as scratch:
        reports = Path(scratch)
        day = make_day(reports, runs)
        before, cpu = time.monotonic(), time.process_time()
        rebuild(day, None)
        took, used = time.monotonic() - before, time.process_time() - cpu
        largest = max(path.stat().st_size for path in reports.rglob("*.html"))
        summary = (day / "index.html").stat().st_size
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print_table(
        [
            (
                f"reports and summary of {runs} experiments of 10 minutes, {SLIS} SLIs at 1 s",
                f"{took:.1f} s, {used:.1f} s of CPU",
                "10 s",
            ),
            ("memory for that, at its highest", f"{memory:.0f} MiB", "500 MiB"),
            ("the largest report.html", f"{largest / 1000:.0f} kB", "1 MB"),
            ("the summary's index.html", f"{summary / 1000:.0f} kB", "1 MB"),
        ]
    )


def make_day(reports: Path, runs: int) -> Path:
    """Write the results of a day and of earlier ones; return the day's folder."""
    names = [f"experiment-{n:02d}" for n in range(runs)]
    folders = []
    for number, name in enumerate(names):
        run = make_run(name, number)
        folder = reports / f"20261124T10{number:02d}00Z-{name}"
        folder.mkdir()
        write(folder, run)
        folders.append(DayRun(experiment=name, folder=folder.name, verdict=run.verdict))
        for day in range(EARLIER):
            entry = entry_of(run).model_copy(
                update={"run_id": f"{number}-{day}", "started": f"2026-11-{day + 1:02d}T10:00:00+00:00"}
            )
            earlier = reports / f"202611{day + 1:02d}T10{number:02d}00Z-{name}"
            earlier.mkdir()
            (earlier / FILE_NAME).write_text(entry.model_dump_json())
    record = DayRecord(
        title="A large day",
        started="2026-11-24T10:00:00+00:00",
        environment="benchmark",
        stale_after_days=14,
        planned=names,
        runs=folders,
        ended="2026-11-24T19:00:00+00:00",
    )
    folder = reports / "20261124T100000Z-gameday"
    folder.mkdir()
    (folder / DAY_FILE).write_text(record.model_dump_json())
    return folder


def make_run(experiment: str, number: int) -> Verification:
    """Make up a run in which every SLI wavers by the second, and every fourth falls."""
    names = [f"sli-{n:02d}" for n in range(SLIS)]

    def value(sli: int, at: int) -> float:
        fall = 0.4 if sli % 4 == 0 and 120 <= at < 420 else 0.0
        return 1 - fall - 0.02 * abs(math.sin(at * (sli + 3) + number))

    def phase(at: int) -> Phase:
        return Phase.BASELINE if at < 120 else Phase.FAULT if at < 420 else Phase.RECOVERY

    return Verification(
        experiment=experiment,
        title="When something fails, something else holds",
        run_id=f"run-{number}",
        environment="benchmark",
        compressed_windows=False,
        short_window_seconds=60,
        started="2026-11-24T10:00:00+00:00",
        duration_seconds=SECONDS,
        verdict=Verdict.VERIFIED,
        reasons=[],
        slis=[
            SliResult(
                name=name,
                display_name=f"SLI {n}",
                objective=0.99,
                tolerance=Tolerance(low=0.95),
                baseline=0.99,
                worst=0.58 if n % 4 == 0 else 0.98,
                recovered=0.99,
                expected="holds",
                outcome=Outcome.DEVIATED if n % 4 == 0 else Outcome.HELD,
            )
            for n, name in enumerate(names)
        ],
        phases={Phase.BASELINE: 0.0, Phase.FAULT: 120.0, Phase.RECOVERY: 420.0},
        time_to_recover_seconds=30.0,
        rollback=Rollback(proved=True),
        about=About(architecture=load_architecture(ROOT / "manifests" / "architecture.yaml")),
        samples=[
            Sample(at=at, phase=phase(at), values={name: value(n, at) for n, name in enumerate(names)})
            for at in range(SECONDS)
        ],
    )


if __name__ == "__main__":
    main()
