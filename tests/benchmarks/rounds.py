"""Runs the game day several times in a row: python tests/benchmarks/rounds.py [PLAN] [--rounds N] [--busy].

It takes the lab that is up, or stands it up and takes it down again. `--busy` keeps one core busy meanwhile.
The rounds' output goes to standard error, the table to standard output; the exit code is 1 when something was
not verified.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from figures import print_table
from run import ROOT, lab, lab_environment

from chaosext.gameday.day import read_day
from chaosext.gameday.summary import DayResult, gather
from chaosext.report.words import seconds

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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan", nargs="?", type=Path, default=ROOT / "experiments" / "gameday.yaml")
    parser.add_argument("--rounds", type=int, default=3, help="how many game days in a row")
    parser.add_argument("--busy", action="store_true", help="keep one core busy meanwhile")
    parser.add_argument(
        "--output", type=Path, help="the reports' folder; reports/rounds-<UTC time> when not given"
    )
    given = parser.parse_args()
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
    print_table([(what, sum_up(rounds), "all verified")])
    print(f"\nReports: {output}\n")
    print("\n".join(table(rounds)))
    return int(len(rounds) < given.rounds or any(one.exit_code != 0 for one in rounds))


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


def table(rounds: list[Round]) -> list[str]:
    """Return what each experiment proved in each round, and below what each round came to."""
    names = list(dict.fromkeys(n for one in rounds if one.result for n in one.result.record.planned))
    lines = [
        "| experiment | " + " | ".join(f"round {n + 1}" for n in range(len(rounds))) + " |",
        "| --- |" + " --- |" * len(rounds),
    ]
    lines += [f"| {name} | " + " | ".join(cell(one, name) for one in rounds) + " |" for name in names]
    lines.append("| **all** | " + " | ".join(total(one) for one in rounds) + " |")
    for number, one in enumerate(rounds, 1):
        for run in one.result.runs if one.result else ():
            v = run.verification
            lines += [f"\nRound {number}, {v.experiment}: {reason}" for reason in v.reasons]
        for name, verdict, reason in one.result.not_run if one.result else ():
            lines.append(f"\nRound {number}, {name}: {verdict}: {reason}")
    return lines


def cell(one: Round, name: str) -> str:
    """Say what an experiment proved in a round, its times to detect and to recover."""
    for run in one.result.runs if one.result else ():
        v = run.verification
        if v.experiment == name:
            detected, recovered = seconds(v.time_to_detect_seconds), seconds(v.time_to_recover_seconds)
            return f"{v.verdict}; detected {detected}, recovered {recovered}"
    return "not run"


def total(one: Round) -> str:
    """Say how many were verified in a round, its exit code and its minutes."""
    if one.result is None:
        return f"exit code {one.exit_code}, no record; {one.minutes:.1f} min"
    verified = sum(run.verification.verdict == "verified" for run in one.result.runs)
    planned = len(one.result.record.planned)
    return f"{verified} of {planned} verified, exit code {one.exit_code}; {one.minutes:.1f} min"


if __name__ == "__main__":
    sys.exit(main())
