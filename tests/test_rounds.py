"""What game days in a row come to: the README's tables, and the exit code. The days are made up."""

import contextlib
import importlib
import sys
from pathlib import Path

import pytest

from chaosext.gameday.day import DayRecord, DayRun
from chaosext.gameday.summary import gather
from chaosext.result import Verdict, write

from .chaosext.made import made

ROOT = Path(__file__).parents[1]


@pytest.fixture
def rounds(monkeypatch):
    """The program; its folder is the first that its modules are looked for in, as when it is run."""
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "benchmarks"))
    return importlib.import_module("rounds")


@pytest.fixture
def a_round(rounds, tmp_path):
    """A function that makes a round up: of experiment a in so many seconds, and of b with a verdict."""

    def make(detected, verdict, minutes, code):
        reports = tmp_path / f"{minutes}"
        reports.mkdir()
        runs = []
        for name, of, times in (
            ("a", Verdict.VERIFIED, {"time_to_detect_seconds": detected, "time_to_recover_seconds": 9}),
            ("b", verdict, {"time_to_detect_seconds": None, "time_to_recover_seconds": None}),
        ):
            folder = reports / name
            folder.mkdir()
            write(folder, made(of, experiment=name, **times))
            runs.append(DayRun(experiment=name, folder=name, verdict=of))
        record = DayRecord(
            title="A day", started="2026-11-24T10:00:00+00:00", environment="lab", stale_after_days=14,
            planned=["a", "b"], runs=runs, ended="2026-11-24T11:00:00+00:00",
        )  # fmt: skip
        return rounds.Round(gather(record, reports), code, minutes)

    return make


@pytest.fixture
def run(rounds, monkeypatch, capsys):
    """A function that runs the program on rounds that are over; its exit code, its output and its errors."""

    def main(over, *words):
        waiting = iter(over)
        plans = []

        def run_round(plan, _output, _environment):
            plans.append(plan)
            return next(waiting), False

        monkeypatch.setattr(rounds, "lab_up", lambda: contextlib.nullcontext({}))
        monkeypatch.setattr(rounds, "run_round", run_round)
        monkeypatch.setattr(sys, "argv", ["rounds.py", "--rounds", str(len(over)), *words])
        code = rounds.main()
        assert set(plans) == {ROOT / "experiments" / "gameday.yaml"}
        return code, *capsys.readouterr()

    return main


def test_the_tables_have_verdicts_minutes_and_times_over_the_rounds(a_round, run):
    over = [
        a_round(seconds, Verdict.VERIFIED, minutes, 0) for seconds, minutes in ((6, 11.2), (9, 12), (7, 14.9))
    ]
    code, said, _ = run(over, "--limit-minutes", "15")
    assert code == 0
    assert said.splitlines() == [
        "| what | measured | limit |",
        "| --- | --- | --- |",
        "| 3 game days in a row of gameday | 6 of 6 verified in 3 rounds of at most 14.9 min "
        "| all verified, 15 min a round |",
        "",
        "| round | verdicts | minutes |",
        "| --- | --- | --- |",
        "| 1 | 2 verified | 11.2 |",
        "| 2 | 2 verified | 12.0 |",
        "| 3 | 2 verified | 14.9 |",
        "",
        "| experiment | verdicts | time to detect: min / median / max | time to recover: min / median / max |",
        "| --- | --- | --- | --- |",
        "| a | 3 verified | 6.0 / 7.0 / 9.0 s | 9.0 / 9.0 / 9.0 s |",
        "| b | 3 verified | - | - |",
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [((), 0, ""), (("--limit-minutes", "15"), 1, "round 1 took 15.1 min, and may take 15")],
)
def test_a_round_that_takes_longer_than_its_limit_is_a_failure(a_round, run, words, code, said):
    found, _, errors = run([a_round(6, Verdict.VERIFIED, 15.1, 0)], *words)
    assert found == code
    assert said in errors


def test_what_was_not_verified_is_a_failure_with_its_reason(a_round, run):
    over = [a_round(6, Verdict.VERIFIED, 11, 0), a_round(8, Verdict.NO_DATA, 12, 4)]
    code, said, errors = run(over)
    assert code == 1
    assert "| 2 | 1 verified, 1 no-data | 12.0 |" in said
    assert "| b | 1 verified, 1 no-data | - | - |" in said
    assert "round 2, b: no-data: this is why it is no-data" in errors
    assert "round 2: exit code 4" in errors


def test_a_round_without_a_record_is_a_failure(rounds, run):
    code, said, _ = run([rounds.Round(None, 2, 0.1)])
    assert code == 1
    assert "| 1 | exit code 2, no record | 0.1 |" in said
