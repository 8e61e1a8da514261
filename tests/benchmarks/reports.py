"""Measures the reports of a large game day: python tests/benchmarks/reports.py [--runs N].

It makes up a day of 50 experiments of 10 minutes with 40 SLIs at one sample a second, and ten earlier days of
history, and measures `chaos gameday report` on it: every run's report, and the summary. It exits with 1 when a
limit is missed. The evidence is a real run's, so that its logs and its worst trace are of the usual size.
"""

from __future__ import annotations

import argparse
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean

from figures import print_table

from chaosext.architecture import load_architecture
from chaosext.evidence import Evidence
from chaosext.gameday.day import DAY_FILE, DayRecord, DayRun
from chaosext.report.history import FILE_NAME, entry_of
from chaosext.result import (
    About,
    AlertOutcome,
    AlertResult,
    BudgetResult,
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
WINDOW, FAULT, RECOVERY = 60, 120, 420
MOVED, JUDGED, COUNTS = 8, 32, {9, 17}
"""The first SLIs move with the fault, so many are judged, and these are counts of errors."""
BEGAN = datetime(2026, 11, 24, 10, tzinfo=UTC)
LIMITS = {"seconds": 10.0, "MiB": 500.0, "bytes": 1_000_000}


@dataclass(frozen=True)
class Measured:
    """What the reports of a day cost."""

    seconds: float
    cpu: float
    mib: float
    page: int
    summary: int
    points: int

    @property
    def missed(self) -> bool:
        """Whether a limit is missed, or all samples were drawn, so that nothing was thinned."""
        return (
            self.seconds > LIMITS["seconds"]
            or self.mib > LIMITS["MiB"]
            or max(self.page, self.summary) > LIMITS["bytes"]
            or self.points >= SECONDS
        )


def main() -> int:
    """Make the day, report it, print a Markdown table; return 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=50, help="how many experiments the day has")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as scratch:
        found = measure(Path(scratch), runs)
    print_table(
        [
            (
                f"reports and summary of {runs} experiments of 10 minutes, {SLIS} SLIs at 1 s",
                f"{found.seconds:.1f} s, {found.cpu:.1f} s of CPU",
                f"{LIMITS['seconds']:.0f} s",
            ),
            ("memory for that, at its highest", f"{found.mib:.0f} MiB", f"{LIMITS['MiB']:.0f} MiB"),
            ("the largest report.html", f"{found.page / 1000:.0f} kB", "1 MB"),
            ("the summary's index.html", f"{found.summary / 1000:.0f} kB", "1 MB"),
            (f"the most points of a plot, of {SECONDS} samples", str(found.points), f"fewer than {SECONDS}"),
        ]
    )
    return 1 if found.missed else 0


def measure(reports: Path, runs: int) -> Measured:
    """Make a day under `reports`, and have it reported by a process of its own."""
    day = make_day(reports, runs)
    words = [sys.executable, "-m", "chaostoolkit", "--no-version-check", "--no-log-file", "gameday", "report"]
    before = time.monotonic()
    subprocess.run([*words, str(day)], stdout=subprocess.DEVNULL, check=True)
    took = time.monotonic() - before
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    pages = list(reports.rglob("report.html"))
    return Measured(
        seconds=took,
        cpu=used.ru_utime + used.ru_stime,
        mib=used.ru_maxrss / 1024,
        page=max(path.stat().st_size for path in pages),
        summary=(day / "index.html").stat().st_size,
        points=max(map(_points, pages)),
    )


def _points(page: Path) -> int:
    """Return how many points the plot of a page has that has most; a point is a command of its path."""
    lines = re.findall(r'<path d="([^"]*)" class="line"', page.read_text(encoding="utf-8"))
    return max((len(re.findall("[Mlh]", line)) for line in lines), default=0)


def make_day(reports: Path, runs: int) -> Path:
    """Write the results of a day and of earlier ones; return the day's folder."""
    evidence = read_evidence()
    names = [f"experiment-{n:02d}" for n in range(runs)]
    kept = []
    for number, name in enumerate(names):
        run = make_run(name, number, evidence)
        folder = reports / f"20261124T10{number:02d}00Z-{name}"
        folder.mkdir()
        write(folder, run)
        kept.append(DayRun(experiment=name, folder=folder.name, verdict=run.verdict))
        _keep_earlier(reports, run, number)
    record = DayRecord(
        title="A large day",
        started=BEGAN.isoformat(),
        environment="benchmark",
        stale_after_days=14,
        planned=names,
        runs=kept,
        ended=(BEGAN + timedelta(hours=9)).isoformat(),
    )
    folder = reports / "20261124T100000Z-gameday"
    folder.mkdir()
    (folder / DAY_FILE).write_text(record.model_dump_json())
    return folder


def _keep_earlier(reports: Path, run: Verification, number: int) -> None:
    """Write the experiment's entries of the days before, which vary a little."""
    luck = random.Random(number)  # noqa: S311 - noise, the same in every measurement
    for day in range(1, EARLIER + 1):
        times = {
            name: None if value is None else value * luck.uniform(0.9, 1.1)
            for name, value in (
                ("time_to_detect_seconds", run.time_to_detect_seconds),
                ("time_to_recover_seconds", run.time_to_recover_seconds or 40.0),
            )
        }
        began = BEGAN - timedelta(days=EARLIER + 1 - day)
        changes = {"run_id": f"{number}-{day}", "started": began.isoformat(), "verdict": Verdict.VERIFIED}
        folder = reports / f"{began:%Y%m%d}T10{number:02d}00Z-{run.experiment}"
        folder.mkdir()
        entry = entry_of(run).model_copy(update={**changes, **times})
        (folder / FILE_NAME).write_text(entry.model_dump_json())


def read_evidence() -> Evidence:
    """Return what logs and traces said about a real run."""
    result = ROOT / "tests" / "chaosext" / "results" / "postgres-connections.json"
    return Verification.model_validate_json(result.read_text()).evidence


def make_run(experiment: str, number: int, evidence: Evidence) -> Verification:
    """Make up a run: verified, or, one in ten each, one that did not recover and one with a gap of a minute."""
    broken, blind = number % 10 == 3, number % 10 == 7
    samples = make_samples(number, broken=broken, blind=blind)
    slis = [make_sli(n, samples, broken=broken, blind=blind) for n in range(SLIS)]
    verdict = Verdict.SYSTEM_FAILED if broken else Verdict.NO_DATA if blind else Verdict.VERIFIED
    said = {
        Verdict.VERIFIED: [],
        Verdict.SYSTEM_FAILED: ["recovery of all SLIs was not seen, where 150 s were allowed"],
        Verdict.NO_DATA: [f"{slis[MOVED].display_name} could not be measured: the query failed"],
    }
    return Verification(
        experiment=experiment,
        title=f"When part {number} fails, what depends on it fails, all else holds, and a rollback heals it",
        run_id=f"run-{number}",
        environment="benchmark",
        compressed_windows=False,
        short_window_seconds=WINDOW,
        started=(BEGAN + timedelta(minutes=number)).isoformat(),
        duration_seconds=SECONDS,
        verdict=verdict,
        reasons=said[verdict],
        slis=slis,
        alerts=[
            AlertResult(
                name=f"Sli{n}BudgetBurn",
                labels={"severity": "page"},
                pending_after_seconds=20.0 + n,
                firing_after_seconds=35.0 + n,
                within_seconds=90,
                outcome=AlertOutcome.FIRED,
            )
            for n in range(MOVED)
        ],
        phases={Phase.BASELINE: 0.0, Phase.FAULT: float(FAULT), Phase.RECOVERY: float(RECOVERY)},
        fault_applied_seconds=FAULT + 3.0,
        fault_landed_seconds=FAULT + 5.0,
        time_to_detect_seconds=35.0,
        time_to_recover_seconds=None if broken else 41.0 + number % 7,
        recover_within_seconds=150,
        budget=[
            BudgetResult(
                slo=f"sli-{n:02d}",
                unit="failures",
                size=500,
                before=480,
                spent=60 if n < MOVED else 0,
                after=420 if n < MOVED else 480,
                spend_at_most=120 if n < MOVED else None,
            )
            for n in range(JUDGED)
            if n not in COUNTS
        ],
        rollback=Rollback(proved=True, found=[f"deployment/part-{number}: spec.replicas is 0, not 2"]),
        deviated=True,
        about=About(
            description="Made up for a measurement.",
            hypothesis="The shop works",
            grafana_url="http://grafana.example",
            architecture=load_architecture(ROOT / "manifests" / "architecture.yaml"),
        ),
        samples=samples,
        evidence=evidence,
    )


def make_samples(number: int, *, broken: bool, blind: bool) -> list[Sample]:
    """Make a sample a second: values waver, fall with the fault and come back, and here and there one lacks."""
    luck = random.Random(number)  # noqa: S311 - noise, the same in every measurement
    samples = []
    for at in range(SECONDS):
        phase = Phase.BASELINE if at < FAULT else Phase.FAULT if at < RECOVERY else Phase.RECOVERY
        values: dict[str, float | None] = {}
        for n in range(SLIS):
            values[f"sli-{n:02d}"] = _value(n, at, luck, broken=broken)
        # A starved SLI has no traffic under the fault, a query fails now and then, a blind run lacks a minute.
        gaps = [MOVED - 1] if FAULT + 30 <= at < RECOVERY else []
        gaps += [n for n in range(MOVED, SLIS) if luck.random() < 0.002]
        gaps += [MOVED] if blind and 200 <= at < 280 else []
        missing = {f"sli-{n:02d}": "no traffic: 0 events in the window" for n in gaps}
        samples.append(
            Sample(
                at=at + luck.uniform(0, 0.05),
                phase=phase,
                values={name: None if name in missing else value for name, value in values.items()},
                events={name: float(luck.randint(200, 260)) for name in values if name not in missing},
                missing=missing,
            )
        )
    return samples


def _value(n: int, at: int, luck: random.Random, *, broken: bool) -> float:
    """Return an SLI's value: its best, its worst, or between them while a window fills with the fault."""
    down = min(max((at - FAULT - 5) / WINDOW, 0.0), 1.0)
    up = 0.0 if broken and n == 0 else min(max((at - RECOVERY - 5) / WINDOW, 0.0), 1.0)
    share = (down - up if at >= RECOVERY else down) if n < MOVED else 0.0
    if n in COUNTS:
        return 0.0
    return round(1 - 0.4 * share - abs(luck.gauss(0, 0.004)), 6)


def make_sli(n: int, samples: list[Sample], *, broken: bool, blind: bool) -> SliResult:
    """Say what became of an SLI, by its samples."""
    name = f"sli-{n:02d}"
    count = n in COUNTS
    before = [v for s in samples if s.phase is Phase.BASELINE and (v := s.values[name]) is not None]
    after = [v for s in samples if s.phase is not Phase.BASELINE and (v := s.values[name]) is not None]
    fault = [v for s in samples if s.phase is Phase.FAULT and (v := s.values[name]) is not None]
    expected, outcome = "holds", Outcome.HELD
    if n == MOVED - 1:
        expected, outcome = "starved", Outcome.STARVED
    elif n < MOVED:
        expected, outcome = "deviates to at most 70%", Outcome.DEVIATED
    if n == 0 and broken:
        outcome = Outcome.NOT_RECOVERED
    if n == MOVED and blind:
        outcome = Outcome.NO_DATA
    judged = n < JUDGED
    return SliResult(
        name=name,
        display_name=f"Success of requests to part {n}",
        unit="count" if count else "ratio",
        objective=0 if count else 0.99,
        tolerance=(Tolerance(low=0, high=0) if count else Tolerance(low=0.95)) if judged else None,
        baseline=fmean(before),
        worst=(max if count else min)(after),
        during=fmean(fault),
        during_events=None if count else 1200,
        recovered=samples[-1].values[name],
        expected=expected if judged else "",
        outcome=outcome if judged else Outcome.NOT_JUDGED,
        missing=next((s.missing[name] for s in reversed(samples) if name in s.missing), None),
    )


if __name__ == "__main__":
    sys.exit(main())
