"""A copy of the experiments and manifests that a test may spoil, and runs of it on the running lab."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from chaosext.result import Verification, read

ROOT = Path(__file__).parents[1]
CHAOS = [str(ROOT / ".venv/bin/chaos"), "--no-version-check", "--no-log-file"]


class Copy:
    """A copy of the experiments and manifests that a test may spoil, and the runs of it."""

    def __init__(self, folder: Path, lab: Any) -> None:
        self.folder = folder
        self.env = {**lab.env, "HOME": str(folder)}
        shutil.copytree(ROOT / "experiments", folder / "experiments")
        shutil.copytree(ROOT / "manifests", folder / "manifests")

    def experiment(self, name: str) -> Path:
        """Return the file of an experiment."""
        return self.folder / "experiments" / f"{name}.json"

    def change(self, name: str, change: Callable[[dict[str, Any]], Any], to: str | None = None) -> None:
        """Change an experiment; with `to`, in a copy of that name."""
        experiment = json.loads(self.experiment(name).read_text())
        change(experiment)
        self.experiment(to or name).write_text(json.dumps(experiment))

    def change_windows(self, **values: float) -> None:
        """Change the lab's window table."""
        path = self.folder / "manifests" / "windows.yaml"
        table = yaml.safe_load(path.read_text())
        table["environments"]["lab"] |= values
        path.write_text(yaml.safe_dump(table))

    def chaos(self, *words: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
        """Run `chaos` to its end; a variable of the environment that is None is left out."""
        return subprocess.run(
            [*CHAOS, *words],
            env={name: value for name, value in (self.env | environment).items() if value is not None},
            cwd="/",  # paths resolve from the experiment's folder, so that it works from anywhere
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )

    def run(
        self, name: str, **environment: str | None
    ) -> tuple[subprocess.CompletedProcess[str], Verification]:
        """Run `chaos run`; return the process and what it left in the one folder under reports/."""
        shutil.rmtree(self.folder / "reports", ignore_errors=True)
        journal = str(self.folder / "journal.json")
        done = self.chaos("run", "--journal-path", journal, str(self.experiment(name)), **environment)
        assert "Traceback" not in done.stderr
        (folder,) = (self.folder / "reports").iterdir()
        return done, read(folder)
