"""A game day's plan: which experiments, in which order, what lies between them, and when to stop."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..environment import validation_line
from ..errors import BadInput
from ..result import Verdict
from ..yamlfile import read_document

__all__ = ["DEFAULT_PLAN", "Abort", "Day", "Pause", "Plan", "load_plan", "plan_of"]

DEFAULT_PLAN = Path("experiments/gameday.yaml")
_TWICE = "a day can have one experiment named {!r}, by which its verdict is known"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Pause(_Strict):
    """What is waited for before the next experiment: its SLIs within their tolerances, in short windows.

    They must have been for `steady_windows` on end; after `within_windows` the experiment begins all the same,
    and its own baseline judges.
    """

    steady_windows: float = Field(default=1, ge=0, le=100)
    within_windows: float = Field(default=12, gt=0, le=1000)


class Abort(_Strict):
    """When the day ends early: on one of these verdicts, after so many that are not verified.

    `not_restored`: also when a rollback is not proved. The next experiment would begin on a broken system.
    """

    verdicts: list[Verdict] = []
    failures: int | None = Field(default=None, ge=1)
    not_restored: bool = True


class Plan(_Strict):
    """A game day's plan.

    `experiments` are files, from the plan's folder. `budget_floor` is the share of every SLO's error budget
    that must be left before an experiment begins. `notify` says when a message is sent to Slack (notify.py).
    A component that no experiment has tested for `stale_after_days` is named.
    """

    title: str = Field(min_length=1)
    experiments: list[str] = Field(min_length=1)
    pause: Pause | None = None
    abort: Abort = Abort()
    budget_floor: float = Field(default=0, ge=0, lt=1)
    notify: Literal["always", "failure", "never"] = "never"
    stale_after_days: int = Field(default=14, ge=1)


@dataclass(frozen=True)
class Day:
    """A plan with its experiments as files, some of which may not exist."""

    plan: Plan
    experiments: tuple[Path, ...]

    def only(self, names: str | None) -> Day:
        """Return the day with the named experiments only, in the plan's order.

        `names` are separated by commas. Raises BadInput for a name that the day does not have.
        """
        if names is None:
            return self
        wanted = [name.strip().removesuffix(".json") for name in names.split(",") if name.strip()]
        have = [path.stem for path in self.experiments]
        if unknown := [name for name in wanted if name not in have]:
            raise BadInput(f"--only: no experiment is named {unknown[0]!r}: the plan has {', '.join(have)}")
        if not wanted:
            raise BadInput(f"--only: name at least one experiment of {', '.join(have)}")
        return Day(self.plan, tuple(path for path in self.experiments if path.stem in wanted))


def load_plan(path: Path) -> Day:
    """Read a plan. Raises BadInput, with file and field, when it is wrong or names a file that is not there."""
    try:
        plan = Plan.model_validate(read_document(path))
    except ValidationError as error:
        raise BadInput(f"{path}: {validation_line(error)}") from error
    files: list[Path] = []
    for index, name in enumerate(plan.experiments):
        file = path.parent / name
        if "\0" in name or not file.is_file():
            raise BadInput(f"{path}: experiments.{index}: {name!r}: no such file beside the plan")
        if file.stem in {other.stem for other in files}:
            raise BadInput(f"{path}: experiments.{index}: {name!r}: {_TWICE.format(file.stem)}")
        files.append(file)
    return Day(plan, tuple(files))


def plan_of(given: tuple[Path, ...]) -> Day:
    """Return the day that a command line asks for: a plan, experiments one after another, or the usual plan.

    Raises BadInput.
    """
    plans = [path for path in given if path.suffix in {".yaml", ".yml"}]
    if plans and len(given) > 1:
        raise BadInput(
            f"{plans[0]} is a plan: give one plan, or experiments, and --only to choose among a plan's"
        )
    if plans or not given:
        return load_plan(plans[0] if plans else DEFAULT_PLAN)
    stems = [path.stem for path in given]
    for index, path in enumerate(given):
        if path.stem in stems[:index]:
            raise BadInput(f"{path}: {_TWICE.format(path.stem)}")
    # Whoever names experiments gets them all, one after another, whatever the first ones prove.
    plan = Plan(title="Experiments", experiments=[str(path) for path in given], abort=Abort(not_restored=False))
    return Day(plan, given)
