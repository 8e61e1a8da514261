"""The CI workflows call only what exists, and heal whatever happens. GitHub itself is not asked."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from chaosext.cli.gameday_commands import gameday
from chaosext.kubernetes.watchdog import HEALING_SECONDS

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def load(path):
    # A plain loader keeps `on` from becoming True, as YAML 1.1 would have it.
    return yaml.load(path.read_text(), yaml.BaseLoader)  # noqa: S506 - it makes text only


def steps(path):
    return [step for job in load(path)["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_it_has_few_rights_a_deadline_and_pinned_actions(path):
    workflow = load(path)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        # On a real cluster most of the time is waiting: its windows are minutes. A runner's most are 360.
        limits = [int(minutes) for minutes in re.findall(r"\d+", job["timeout-minutes"])]
        assert limits, name
        assert limits[-1] <= (240 if name == "kind" else 60), name
        assert max(limits) <= (1440 if "CHAOS_DAY_MINUTES" in job["timeout-minutes"] else 360), name
    for step in steps(path):
        assert ("uses" in step) != ("run" in step)
        if "uses" in step:
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"])
        # What others write, a title or an input, reaches a script by its environment only.
        assert "${{" not in step.get("run", "")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_its_scripts_are_sound_and_call_what_is_there(path):
    for script in (step["run"] for step in steps(path) if "run" in step):
        done = subprocess.run(
            [str(Path(sys.executable).parent / "shellcheck"), "--shell=bash", "--exclude=SC1090,SC1091", "-"],
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        for file in re.findall(r"(?:^|[\s\"/])(?:\./)?(setup/\w+)", script):
            assert (ROOT / file).is_file(), file


def test_actionlint_finds_nothing():
    actionlint = str(Path(sys.executable).parent / "actionlint")
    # Its scripts are shellcheck's above; here only what is GitHub's own.
    words = [actionlint, "-no-color", "-shellcheck=", "-pyflakes=", *map(str, WORKFLOWS)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_python_that_is_supported_is_tested():
    matrix = load(ROOT / ".github/workflows/ci.yml")["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["python"] == ["3.11", "3.12", "3.13"]


# Takes down what it is asked, and answers as the test's files say.
GH = """#!/bin/sh -e
printf '%s\\n' "$*" >>"$PWD/asked"
case "$1 $2" in
  "run list") cat "$PWD/runs" ;;
  "run download")
    [ "$3" = "$(cat "$PWD/has-history")" ]
    mkdir -p reports/a && cp runs reports/a/history.json ;;
  "issue list") cat "$PWD/open-issue" ;;
  "issue comment" | "issue create") for word; do last=$word; done; cat "$last" >"$PWD/body" ;;
esac
"""


class GitHub:
    """A folder in which a step's script runs, beside a `gh` that answers from files."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "gh").write_text(GH)
        (folder / "gh").chmod(0o755)

    def step(self, name):
        script = next(s["run"] for s in steps(ROOT / ".github/workflows/gameday.yml") if s.get("name") == name)
        variables = {
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "RUNNER_TEMP": str(self.folder),
            "RUN_URL": "https://ci.example/runs/7",
            "GITHUB_REF_NAME": "main",
            "GITHUB_STEP_SUMMARY": str(self.folder / "job.md"),
        }
        # As GitHub runs a step without a shell of its own: bash -e.
        done = subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.folder,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def asked(self):
        return (self.folder / "asked").read_text().splitlines()


@pytest.fixture
def github(tmp_path):
    (tmp_path / "reports" / "20261124T100000Z-gameday").mkdir(parents=True)
    (tmp_path / "reports" / "20261124T100000Z-gameday" / "summary.md").write_text("# A day\n")
    return GitHub(tmp_path)


@pytest.mark.parametrize(
    ("already_open", "last"), [("", "issue create --title The game day failed"), ("12\n", "issue comment 12")]
)
def test_a_failed_day_opens_one_issue_and_the_next_ones_add_to_it(github, already_open, last):
    (github.folder / "open-issue").write_text(already_open)
    github.step("Open or update the issue of a failed day")
    found = github.asked()
    assert [line.partition(" --")[0] for line in found] == ["issue list", last.partition(" --")[0]]
    assert found[1].startswith(last)
    assert (github.folder / "body").read_text() == "# A day\n\nhttps://ci.example/runs/7\n"


def test_a_day_without_a_summary_opens_its_issue_too(github):
    (github.folder / "reports" / "20261124T100000Z-gameday" / "summary.md").unlink()
    (github.folder / "open-issue").write_text("")
    github.step("Open or update the issue of a failed day")
    assert "left no summary" in (github.folder / "body").read_text()
    github.step("Summary")


def test_a_killed_day_s_summary_is_made_in_its_place(github):
    """`chaos` says what it was asked, and writes what it would."""
    day = github.folder / "reports" / "20261124T100000Z-gameday"
    (day / "summary.md").unlink()
    (day / "day.json").write_text("{}")
    (github.folder / "chaos").write_text(
        '#!/bin/sh -e\necho "$*" >>"$PWD/asked"\necho "# Made" >"$3/summary.md"\n'
    )
    (github.folder / "chaos").chmod(0o755)
    github.step("Summary")
    assert github.asked() == ["gameday report reports/20261124T100000Z-gameday"]
    assert (github.folder / "job.md").read_text() == "# Made\n"
    github.step("Summary")
    assert len(github.asked()) == 1


def test_a_day_s_time_ends_before_its_job_s():
    (job,) = load(ROOT / ".github/workflows/gameday.yml")["jobs"].values()
    day = next(step for step in job["steps"] if step.get("name") == "Run the game day")
    *_, cluster, lab = map(int, re.findall(r"\d+", day["timeout-minutes"]))
    *_, whole_cluster, whole_lab = map(int, re.findall(r"\d+", job["timeout-minutes"]))
    assert lab + 15 <= whole_lab
    assert cluster + 30 <= whole_cluster


def test_it_does_not_run_when_the_cluster_s_own_game_day_does():
    _, cron = yaml.safe_load_all((ROOT / "manifests" / "gameday" / "cronjob.yaml").read_text())
    (mine,) = load(ROOT / ".github/workflows/gameday.yml")["on"]["schedule"]
    minute, _, _, _, day = mine["cron"].split()
    other = cron["spec"]["schedule"].split()
    assert minute != other[0]
    assert day != other[-1]


def test_a_push_does_not_end_the_weekly_run():
    assert "github.event_name" in load(ROOT / ".github/workflows/ci.yml")["concurrency"]["group"]


def test_nobody_s_live_lease_is_taken():
    heal = next(s["run"] for s in steps(ROOT / ".github/workflows/gameday.yml") if s.get("name") == "Heal")
    assert "--force" not in heal
    assert float(re.search(r"--wait (\d+)", heal)[1]) > HEALING_SECONDS


def test_earlier_results_come_from_the_latest_run_that_left_some(github):
    (github.folder / "runs").write_text("31\n30\n29\n")
    (github.folder / "has-history").write_text("30")
    assert github.step("Earlier results, for comparison") == ""
    downloads = [line.split()[2] for line in github.asked() if line.startswith("run download")]
    assert downloads == ["31", "30"]
    assert (github.folder / "reports" / "a" / "history.json").is_file()


def test_a_first_day_has_no_earlier_results(github):
    (github.folder / "runs").write_text("")
    assert "No earlier results" in github.step("Earlier results, for comparison")


def test_the_summary_is_the_job_s(github):
    github.step("Summary")
    assert (github.folder / "job.md").read_text() == "# A day\n"


def test_the_game_day_calls_only_commands_and_options_that_exist():
    calls = re.findall(
        r"chaos gameday (\w+)(.*)",
        "\n".join(s.get("run", "") for s in steps(ROOT / ".github/workflows/gameday.yml")),
    )
    assert {name for name, _ in calls} == {"lint", "run", "heal", "report"}
    for name, rest in calls:
        known = {option for parameter in gameday.commands[name].params for option in parameter.opts}
        assert set(re.findall(r"--[\w-]+", rest)) <= known


def test_the_game_day_heals_reports_and_cleans_up_whatever_happens():
    found = {step.get("name"): step for step in steps(ROOT / ".github/workflows/gameday.yml")}
    order = list(found)
    for name in ("Heal", "Summary", "Reports", "Keep the results for comparison"):
        assert found[name]["if"] == "always()"
        assert order.index(name) > order.index("Run the game day")
    assert order.index("Heal") < order.index("Take the lab down")
    assert load(ROOT / ".github/workflows/gameday.yml")["on"]["schedule"]
