"""The CI workflows call only what exists, and heal whatever happens. GitHub itself is not asked."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from chaosext.cli.gameday_commands import gameday

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
    assert all(int(job["timeout-minutes"]) <= 60 for job in workflow["jobs"].values())
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


def test_the_game_day_calls_only_commands_and_options_that_exist():
    calls = re.findall(
        r"chaos gameday (\w+)(.*)",
        "\n".join(s.get("run", "") for s in steps(ROOT / ".github/workflows/gameday.yml")),
    )
    assert {name for name, _ in calls} == {"lint", "run", "heal"}
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
