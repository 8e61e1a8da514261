"""What the activities of one run share: who the run is, and where its files lie.

Chaos Toolkit hands an activity its arguments, and neither the experiment's folder nor an identity of the run.
Both are kept here, for the one run that a process makes. The verification control begins the run; an activity
used without it gets a run of its own.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from .errors import BadInput

__all__ = ["RUN_ID_LABEL", "Run", "activities", "begin", "configured_file", "current", "resolve"]

RUN_ID_LABEL = "chaos.run-id"
"""The label of every object that a run creates; restoring removes what carries it."""


@dataclass
class Run:
    """One run of one experiment.

    `folder` is the experiment file's folder, from which paths resolve. `refused` is set when a safety rule
    stopped the run before it changed anything: its rollbacks then have nothing to do. `may_write` raises
    Refused when the run has lost the right to change the cluster; None: there is no such rule.
    """

    folder: Path
    experiment: str = "experiment"
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    run_id: str = ""
    refused: bool = False
    reports: Path | None = None
    may_write: Callable[[], None] | None = None
    begun: bool = False

    def __post_init__(self) -> None:
        """Give the run an identity that sorts by time and is a valid label value."""
        if not self.run_id:
            self.run_id = f"{self.started:%Y%m%dt%H%M%S}-{secrets.token_hex(3)}"

    def check_may_write(self) -> None:
        """Raise Refused unless the run may change the cluster; asked just before each change."""
        if self.may_write is not None:
            self.may_write()

    @property
    def selector(self) -> str:
        """The label selector of what this run created."""
        return f"{RUN_ID_LABEL}={self.run_id}"


_DEFAULT_FILES = {
    "slo_file": "../manifests/slo.yaml",
    "windows_file": "../manifests/windows.yaml",
    "app_manifest": "../manifests/app.yaml",
}
_current: Run | None = None


def begin() -> Run:
    """Begin a run of the experiment that `chaos run` was given, and make it the current one.

    A run that `current` has made meanwhile is taken: another control may have asked first.
    """
    global _current  # noqa: PLW0603 - Chaos Toolkit offers activities no other place to share
    if _current is None or _current.begun:
        _current = _new()
    _current.begun = True
    return _current


def current() -> Run:
    """Return the current run, made on first use."""
    global _current  # noqa: PLW0603 - as above
    if _current is None:
        _current = _new()
    return _current


def _new() -> Run:
    source = _source()
    return Run(folder=source.parent, experiment=source.stem) if source else Run(folder=Path.cwd())


def activities(experiment: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what an experiment does: its method's activities, then its rollbacks."""
    return [*(experiment.get("method") or []), *(experiment.get("rollbacks") or [])]


def resolve(path: str) -> Path:
    """Resolve a path of an experiment from the experiment's folder, so that `chaos run` works from anywhere.

    Raises BadInput when there is no such file.
    """
    found = (current().folder / path).resolve()
    if not found.is_file():
        raise BadInput(f"{path}: no such file (looked for {found}; paths start at the experiment's folder)")
    return found


def configured_file(configuration: Mapping[str, Any] | None, key: str) -> Path:
    """Return the file that an experiment's configuration names under `key`, or this repository's.

    `key` is slo_file, windows_file or app_manifest. Raises BadInput when there is no such file.
    """
    return resolve(str((configuration or {}).get(key, _DEFAULT_FILES[key])))


def _source() -> Path | None:
    """Return the local file that `chaos run` was given, by Click's context; None when there is none."""
    context = click.get_current_context(silent=True)
    while context is not None:
        source = context.params.get("source")
        if isinstance(source, str) and Path(source).is_file():
            return Path(source).resolve()
        context = context.parent
    return None
