"""Runs the committed game day several times in a row, and prints tables that can be pasted into the README.

    python tests/benchmarks/rounds.py [PLAN] [--rounds N] [--limit-minutes M] [--busy]

It takes the lab that is up, or stands it up and takes it down again. `--busy` keeps one core busy meanwhile.
The rounds' output goes to standard error, the tables to standard output; the exit code is 1 when something was
not verified, or a round took longer than `--limit-minutes`.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from figures import print_table
from run import ROOT, lab, lab_environment

from chaosext.gameday.day import read_day
from chaosext.gameday.summary import DayResult, gather
from chaosext.result import Verdict, Verification

# It ends with its parent, however that ends: nobody else would end it.
_BURN = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: sum(range(100_000))"


@dataclass(frozen=True)
class Round:
    """One game day: what it proved (None: it left no record), its exit code, how long it took."""

    result: DayResult | None
    exit_code: int
    minutes: float


def main() -> int:
    """Run the rounds, print a Markdown table, return the exit code."""
    given = arguments()
    output = (given.output or ROOT / "reports" / f"rounds-{datetime.now(UTC):%Y%m%dT%H%M%SZ}").resolve()
    rounds: list[Round] = []
    with lab_up() as environment, burning(given.busy):
        for number in range(1, given.rounds + 1):
            print(f"round {number} of {given.rounds}", file=sys.stderr, flush=True)
            one, interrupted = run_round(given.plan.resolve(), output, environment)
            rounds.append(one)
            if interrupted:
                break
    busy = ", one core kept busy" if given.busy else ""
    what = f"{given.rounds} game days in a row of {given.plan.stem}{busy}"
    limit = (
        "all verified" if given.limit_minutes is None else f"all verified, {given.limit_minutes:g} min a round"
    )
    print_table([(what, sum_up(rounds), limit)])
    print()
    print("\n".join([*round_table(rounds), "", *time_table(rounds)]))
    print(f"\nReports: {output}", file=sys.stderr)
    problems = [*not_verified(rounds), *too_long(rounds, given.limit_minutes)]
    print("\n".join(problems), file=sys.stderr)
    return int(len(rounds) < given.rounds or bool(problems))


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan", nargs="?", type=Path, default=ROOT / "experiments" / "gameday.yaml")
    parser.add_argument("--rounds", type=int, default=3, help="how many game days in a row")
    parser.add_argument("--limit-minutes", type=float, help="the most that a round may take")
    parser.add_argument("--busy", action="store_true", help="keep one core busy meanwhile")
    parser.add_argument(
        "--output", type=Path, help="the reports' folder; reports/rounds-<UTC time> when not given"
    )
    return parser.parse_args()


@contextmanager
def lab_up() -> Iterator[dict[str, str]]:
    """Give the environment of a lab that is up; take the lab down again if it was not."""
    was_up = (
        subprocess.run([sys.executable, "-m", "lab", "status"], capture_output=True, check=False).returncode
        == 0
    )
    lab("up")
    try:
        yield {**os.environ, **lab_environment()}
    finally:
        if not was_up:
            lab("down")


@contextmanager
def burning(wanted: bool) -> Iterator[None]:
    """Keep one core busy, by a process that ends here, if that is wanted."""
    if not wanted:
        yield
        return
    process = subprocess.Popen([sys.executable, "-c", _BURN], stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def run_round(plan: Path, output: Path, environment: dict[str, str]) -> tuple[Round, bool]:
    """Run one game day; tell also whether Ctrl-C or SIGTERM came, after which the day heals and ends."""
    before = set(output.glob("*-gameday"))
    began = time.monotonic()
    words = [sys.executable, "-m", "chaostoolkit", "--no-version-check", "--no-log-file", "gameday", "run"]
    process = subprocess.Popen(
        [*words, "--progress", "plain", "--output", str(output), str(plan)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
    )
    came: list[int] = []

    def pass_on(signum: int, _frame: FrameType | None) -> None:
        came.append(signum)
        if signum == signal.SIGTERM:  # Ctrl-C reaches the day by itself
            process.terminate()

    handlers = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        code = process.wait()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    folders = sorted(set(output.glob("*-gameday")) - before)
    result = gather(read_day(folders[0]), output) if folders else None
    return Round(result, code, (time.monotonic() - began) / 60), bool(came)


def sum_up(rounds: list[Round]) -> str:
    """Say in a line how many were verified, and how long a round took."""
    results = [one.result for one in rounds if one.result]
    verified = sum(run.verification.verdict == "verified" for result in results for run in result.runs)
    planned = sum(len(result.record.planned) for result in results)
    longest = max(one.minutes for one in rounds)
    return f"{verified} of {planned} verified in {len(rounds)} rounds of at most {longest:.1f} min"


def round_table(rounds: list[Round]) -> list[str]:
    """Return a row for each round: what was proved, and how long it took."""
    lines = ["| round | verdicts | minutes |", "| --- | --- | --- |"]
    for number, one in enumerate(rounds, 1):
        verdicts = (
            counted(one.result.record.verdicts()) if one.result else f"exit code {one.exit_code}, no record"
        )
        lines.append(f"| {number} | {verdicts} | {one.minutes:.1f} |")
    return lines


def time_table(rounds: list[Round]) -> list[str]:
    """Return a row for each experiment: its verdicts, and its times over the rounds."""
    names = list(dict.fromkeys(name for one in rounds if one.result for name in one.result.record.planned))
    lines = [
        "| experiment | verdicts | time to detect: min / median / max | time to recover: min / median / max |",
        "| --- | --- | --- | --- |",
    ]
    for name in names:
        runs = [run for one in rounds for run in runs_of(one) if run.experiment == name]
        detected, recovered = (
            spread_over([value for value in values if value is not None])
            for values in (
                [run.time_to_detect_seconds for run in runs],
                [run.time_to_recover_seconds for run in runs],
            )
        )
        verdicts = counted([run.verdict for run in runs]) if runs else "not run"
        lines.append(f"| {name} | {verdicts} | {detected} | {recovered} |")
    return lines


def runs_of(one: Round) -> list[Verification]:
    """Return the results of a round's experiments that ran."""
    return [run.verification for run in one.result.runs] if one.result else []


def counted(verdicts: Sequence[Verdict]) -> str:
    """Say how many there are of each verdict: `9 verified, 1 no-data`."""
    return ", ".join(f"{number} {verdict}" for verdict, number in Counter(verdicts).most_common())


def spread_over(times: Sequence[float]) -> str:
    """Say the least, the middle and the most of some times; a dash for none."""
    if not times:
        return "-"
    return f"{min(times):.1f} / {statistics.median(times):.1f} / {max(times):.1f} s"


def not_verified(rounds: list[Round]) -> list[str]:
    """Say of everything that was not verified in which round, and why."""
    lines = []
    for number, one in enumerate(rounds, 1):
        found = [(run.experiment, run.verdict, "; ".join(run.reasons)) for run in runs_of(one)]
        found += one.result.not_run if one.result else ()
        lines += [
            f"round {number}, {name}: {verdict}: {reason}"
            for name, verdict, reason in found
            if verdict is not Verdict.VERIFIED
        ]
        if one.exit_code != 0:
            lines.append(f"round {number}: exit code {one.exit_code}")
    return lines


def too_long(rounds: list[Round], limit: float | None) -> list[str]:
    """Say of every round above the limit how long it took."""
    return [
        f"round {number} took {one.minutes:.1f} min, and may take {limit:g}"
        for number, one in enumerate(rounds, 1)
        if limit is not None and one.minutes > limit
    ]


if __name__ == "__main__":
    sys.exit(main())
