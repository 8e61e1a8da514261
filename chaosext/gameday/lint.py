"""`chaos gameday lint`: finds in experiments and plans what `chaos validate` takes without a word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..architecture import load_architecture
from ..errors import BadInput, ChaosextError
from .lint_meaning import changed, meaning, slos_of
from .lint_structure import structure
from .plan import DEFAULT_PLAN, load_plan

__all__ = ["lint_all", "lint_experiment"]


def lint_all(given: tuple[Path, ...]) -> tuple[int, list[str]]:
    """Check plans with their experiments, and experiments; nothing given: the usual plan.

    Returns how many files were checked, and the problems, one line each.
    """
    files: dict[Path, None] = {}
    problems: list[str] = []
    checked = 0
    for path in given or (DEFAULT_PLAN,):
        if path.suffix not in {".yaml", ".yml"}:
            files[path] = None
            continue
        checked += 1
        try:
            files.update(dict.fromkeys(load_plan(path).experiments))
        except BadInput as error:
            problems.append(str(error))
    for path in files:
        problems += [f"{path}: {problem}" for problem in lint_experiment(path)]
    return checked + len(files), list(dict.fromkeys(problems))


def lint_experiment(path: Path) -> list[str]:
    """Return what is wrong in an experiment's file, each with its place; nothing when all is well."""
    try:
        experiment = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except OSError as error:
        return [error.strerror or str(error)]
    except (ValueError, RecursionError) as error:
        return [f"not JSON: {error}"]
    if not isinstance(experiment, dict):
        return ["not an experiment: a JSON object is expected"]
    # What has the wrong shape cannot be asked what it means.
    found = structure(experiment)
    return found or [*meaning(path, experiment), *_architecture(path, experiment)]


def _architecture(path: Path, experiment: dict[str, Any]) -> list[str]:
    """Check the drawing beside the SLOs, if there is one: a report would leave it out without a word."""
    configuration = experiment.get("configuration") or {}
    slo_file = path.parent / str(configuration.get("slo_file", "../manifests/slo.yaml"))
    drawing = path.parent / str(configuration.get("architecture_file", "../manifests/architecture.yaml"))
    if not drawing.is_file():
        return [f"architecture_file: {drawing}: no such file"] if "architecture_file" in configuration else []
    try:
        load_architecture(drawing, set(slos_of(slo_file, changed(slo_file))))
    except ChaosextError as error:
        return [str(error)]
    return []


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object of which no key is given twice: JSON would keep the last one only."""
    keys = [key for key, _ in pairs]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise ValueError(f"the key {twice[0]!r} is given twice in one object")
    return dict(pairs)
