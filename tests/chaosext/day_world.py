"""Game days of real `chaos run` processes, whose experiments' verdicts are made up."""

import json
import os
import subprocess
import sys

from chaosext.gameday.day import DayRecord
from chaosext.result import Verdict

from .made import made

CHAOS = [sys.executable, "-m", "chaostoolkit", "--no-version-check", "--no-log-file", "gameday"]
# A control that leaves the result that its experiment's configuration asks for, as the real one would.
CONTROL = """
import fcntl, json, os, pathlib, signal, subprocess, sys, time
def after_experiment_control(context, state, **_):
    wanted = context["configuration"]["result"]
    if wanted == "nothing":
        return
    if wanted == "slow":
        pathlib.Path(context["configuration"]["ready"]).touch()
        time.sleep(60)
    folder = pathlib.Path(os.environ["CHAOS_REPORT_DIR"])
    folder.mkdir(parents=True)
    if wanted.startswith("killed "):
        # As a watchdog does it, which holds its log's lock until it has healed.
        log = (folder / "watchdog.log").open("wb")
        fcntl.flock(log, fcntl.LOCK_EX)
        heal = "import sys,time; time.sleep(1); open(sys.argv[1], 'w').write(sys.argv[2])"
        words = [sys.executable, "-c", heal, str(folder / "verification.json"), wanted[7:]]
        subprocess.Popen(words, stderr=log, start_new_session=True)
        os.kill(os.getpid(), signal.SIGKILL)
    (folder / "verification.json").write_text(wanted)
"""


class World:
    """A folder with experiments of given verdicts, and the day's command on them."""

    def __init__(self, folder):
        self.folder, self.reports = folder, folder / "out"
        (folder / "made_up_control.py").write_text(CONTROL)

    def experiment(self, name, verdict, **changes):
        result = verdict
        if isinstance(verdict, Verdict):
            result = made(verdict, experiment=name, **changes).model_dump_json(by_alias=True)
        provider = {"type": "python", "module": "made_up_control"}
        content = {
            "title": name,
            "description": "made up",
            "configuration": {"result": result, "ready": str(self.folder / "ready")},
            "controls": [{"name": "made-up", "provider": provider}],
            "method": [],
        }
        (self.folder / f"{name}.json").write_text(json.dumps(content))
        return str(self.folder / f"{name}.json")

    def plan(self, *names, **fields):
        content = {"title": "A made up day", "experiments": [f"{name}.json" for name in names], **fields}
        (self.folder / "plan.yaml").write_text(json.dumps(content))
        return str(self.folder / "plan.yaml")

    def command(self, *words):
        return [*CHAOS, "run", "--output", str(self.reports), *words]

    def environment(self, **more):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("GRAFANA", "SLACK", "CHAOS"))}
        return {**kept, "PYTHONPATH": str(self.folder), "CHAOS_ENVIRONMENT": "lab", **more}

    def run(self, *words, **environment):
        done = subprocess.run(
            self.command(*words),
            env=self.environment(**environment),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert "Traceback" not in done.stdout
        return done

    def day(self):
        (folder,) = self.reports.glob("*-gameday")
        return folder, DayRecord.model_validate_json((folder / "day.json").read_text())
