"""When a day ends early: by its plan's rules, by a signal; and how it is gone on with."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

import pytest

from chaosext.polling import poll
from chaosext.result import FILE_NAME, Phase, Rollback, Verdict, read

from .made import made

BROKEN = {"rollback": Rollback(proved=False, differences=["deployment/payment: it does not exist"])}


def verdicts(record):
    return [str(verdict) for verdict in record.verdicts()]


@pytest.mark.parametrize(
    ("abort", "second", "said"),
    [
        ({"verdicts": ["no-data"]}, Verdict.NO_DATA, "b is no-data, which the plan's abort.verdicts names"),
        ({"verdicts": ["tool-error"]}, "nothing", "b is tool-error, which the plan's abort.verdicts names"),
        ({"failures": 1}, Verdict.NO_DATA, "1 experiments are not verified (abort.failures)"),
        ({"failures": 1}, Verdict.NOT_RUN, "1 experiments are not verified (abort.failures)"),
        ({}, "broken", "b did not restore the system, as far as is known (abort.not_restored)"),
        # Nobody knows what a run did that left no result.
        ({}, "nothing", "b did not restore the system, as far as is known (abort.not_restored)"),
    ],
)
def test_a_day_ends_by_its_plan_s_rules(world, abort, second, said):
    world.experiment("a", Verdict.VERIFIED)
    if second == "broken":
        world.experiment("b", Verdict.SYSTEM_FAILED, **BROKEN)
    else:
        world.experiment("b", second)
    world.experiment("c", Verdict.VERIFIED)
    world.run(world.plan("a", "b", "c", abort=abort))
    folder, record = world.day()
    assert (record.stopped, [run.experiment for run in record.runs]) == (said, ["a", "b"])
    assert f"not started: {said}" in (folder / "summary.md").read_text()


@pytest.mark.parametrize(
    ("abort", "second"),
    [
        ({"verdicts": ["tool-error"]}, Verdict.NO_DATA),
        ({"failures": 2}, Verdict.NO_DATA),
        ({"not_restored": False}, "nothing"),
        ({}, Verdict.NOT_RUN),  # it was refused, or had no steady baseline: nothing was changed
    ],
)
def test_a_day_goes_on_where_no_rule_says_otherwise(world, abort, second):
    for name, verdict in (("a", Verdict.VERIFIED), ("b", second), ("c", Verdict.VERIFIED)):
        world.experiment(name, verdict)
    world.run(world.plan("a", "b", "c", abort=abort))
    _, record = world.day()
    assert (record.stopped, len(record.runs)) == (None, 3)


def test_an_experiment_that_could_not_be_begun_counts_for_the_rules_too(world):
    for name in ("a", "b"):
        world.experiment(name, Verdict.VERIFIED)
    # Its gate cannot be opened: there is no Grafana.
    done = world.run(world.plan("a", "b", abort={"verdicts": ["tool-error"]}, budget_floor=0.5))
    assert done.returncode == 2
    _, record = world.day()
    assert record.stopped == "a is tool-error, which the plan's abort.verdicts names"
    assert [(run.experiment, run.folder) for run in record.runs] == [("a", None)]


def test_a_day_that_ended_early_is_gone_on_with(world):
    for name, verdict in (("a", Verdict.VERIFIED), ("b", Verdict.NO_DATA), ("c", Verdict.VERIFIED)):
        world.experiment(name, verdict)
    plan = world.plan("a", "b", "c", abort={"failures": 1})
    assert world.run(plan).returncode == 4
    folder, before = world.day()
    again = world.run("--resume", str(folder))
    assert again.returncode == 4
    assert "b: no-data" not in again.stdout
    _, record = world.day()
    assert (record.stopped, verdicts(record)) == (None, ["verified", "no-data", "verified"])
    assert record.runs[:2] == before.runs
    assert len(list(world.reports.iterdir())) == 4
    other = world.run(plan, "--resume", str(folder))
    assert (other.returncode, "name no other" in other.stderr) == (2, True)


@contextlib.contextmanager
def waiting(world, *words):
    """Start a day, and yield its process when its experiment waits."""
    process = subprocess.Popen(
        # Tests that run in the background have Ctrl-C ignored, and would pass that on.
        ["env", "--default-signal=INT", *world.command(*words)],
        env=world.environment(),
        cwd=world.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        ready = world.folder / "ready"
        assert poll(lambda: None if ready.exists() else "not there", 60, 0.05) is None
        yield process
    finally:
        process.kill()
        process.wait()


def interrupt(world, number, *words):
    """Start a day, send it a signal when its experiment waits, and return its exit code and what it said."""
    with waiting(world, *words) as process:
        os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
        said, _ = process.communicate(timeout=60)
    return process.returncode, said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_an_interrupted_day_reports_what_ran_and_goes_on_with_what_did_not(world, number):
    world.experiment("a", Verdict.VERIFIED)
    world.experiment("b", "slow")
    world.experiment("c", Verdict.VERIFIED)
    world.experiment("left-out", Verdict.SYSTEM_FAILED)
    plan = world.plan("a", "b", "c", "left-out", abort={"verdicts": ["no-data"]})
    code, said = interrupt(world, number, plan, "--only", "a,b,c")
    assert code == 2, said
    folder, record = world.day()
    assert (record.stopped, [run.experiment for run in record.runs]) == ("interrupted", ["a", "b"])
    assert verdicts(record) == ["verified", "tool-error", "not-run"]
    assert "it ended early: interrupted" in (folder / "summary.md").read_text()
    # What is planned is in day.json: the plan may be gone, or say something else by now.
    Path(plan).unlink()
    world.experiment("b", Verdict.VERIFIED)
    again = world.run("--resume", str(folder))
    assert again.returncode == 0, again.stdout + again.stderr
    _, record = world.day()
    assert (record.stopped, verdicts(record)) == (None, ["verified", "verified", "verified"])
    assert [run.experiment for run in record.runs] == ["a", "b", "c"]
    assert "3 of 3 experiments verified" in (folder / "summary.md").read_text()
    assert len(list(world.reports.glob("*-a"))) == 1


def test_a_day_of_named_files_is_gone_on_with_too(world):
    files = [world.experiment("a", Verdict.VERIFIED), world.experiment("b", "slow")]
    interrupt(world, signal.SIGTERM, *(os.path.relpath(file, world.folder) for file in files))
    folder, _ = world.day()
    world.experiment("b", Verdict.VERIFIED)
    # From another folder than the day began in.
    done = subprocess.run(
        world.command("--resume", str(folder)),
        env=world.environment(),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    _, record = world.day()
    assert verdicts(record) == ["verified", "verified"]
    assert record.ended is not None


def test_a_day_that_still_runs_is_not_gone_on_with(world):
    with waiting(world, world.experiment("a", Verdict.VERIFIED), world.experiment("b", "slow")) as process:
        folder, before = world.day()
        done = world.run("--resume", str(folder))
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{folder}: its game day is still running: wait for its end" in done.stderr
        assert world.day() == (folder, before)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    missing = world.run("--resume", str(folder / "none"))
    assert (missing.returncode, f"{folder / 'none'}: No such file or directory" in missing.stderr) == (2, True)


def test_a_day_is_not_gone_on_with_elsewhere(world):
    world.experiment("a", Verdict.VERIFIED)
    world.run(world.plan("a"))
    folder, _ = world.day()
    done = world.run("--resume", str(folder), CHAOS_ENVIRONMENT="gke")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the day began on lab, and CHAOS_ENVIRONMENT is gke: one day has one environment" in done.stderr


def test_a_day_of_which_nobody_knows_what_was_planned_is_not_gone_on_with(world):
    world.experiment("a", Verdict.VERIFIED)
    world.run(world.plan("a"))
    folder, record = world.day()
    (folder / "day.json").write_text(record.model_copy(update={"files": []}).model_dump_json())
    done = world.run("--resume", str(folder))
    assert done.returncode == 2
    assert "does not say which files were planned" in done.stderr


def test_a_watchdog_s_result_is_waited_for(world):
    """The run is killed; what heals in its place writes the result only when it has."""
    healed = made(Verdict.NOT_RUN, experiment="a", phases={Phase.FAULT: 1.0}, rollback=Rollback(proved=True))
    done = world.run(world.experiment("a", f"killed {healed.model_dump_json(by_alias=True)}"))
    assert done.returncode == 5, done.stdout + done.stderr
    (folder,) = world.reports.iterdir()
    assert read(folder) == healed
    assert {"report.html", "report.md", "junit.xml"} <= {path.name for path in folder.iterdir()}


def test_a_run_that_leaves_nothing_is_a_tool_error_with_a_report(world):
    done = world.run(world.experiment("a", "nothing"))
    assert done.returncode == 2
    (folder,) = world.reports.iterdir()
    found = read(folder)
    assert found.verdict is Verdict.TOOL_ERROR
    assert "left no result that can be read" in found.reasons[0]
    assert "chaos gameday heal" in found.reasons[0]
    assert (folder / "report.html").is_file()
    assert (folder / FILE_NAME).is_file()
