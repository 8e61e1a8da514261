"""The verification control: it watches a run through Chaos Toolkit's hooks and gives the verdict.

    "controls": [
      {"name": "verification", "provider": {"type": "python", "module": "chaosext.verification.control"}}
    ]

It refuses a run that must not begin, waits for a steady baseline, samples every SLI, waits after the rollbacks
until the SLIs are back, proves the rollback, and writes verification.json and journal.json into the run's
folder. Chaos Toolkit calls a run that failed `completed`; this control makes it `failed` unless it is verified.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chaoslib.exceptions import InterruptExecution
from chaoslib.types import Activity, Configuration, Experiment, Hypothesis, Journal, Secrets
from chaoslib.types import Run as ActivityRun

from ..errors import BadInput, ChaosextError, Refused
from ..kubernetes.aftermath import JOURNAL_FILE, SAMPLES_FILE
from ..result import FILE_NAME, Verdict, write
from ..run import Run, begin
from .about import describe_run
from .announcement import announce
from .assemble import assemble
from .record import Record
from .settings import Settings, load_settings
from .watch import Watch

__all__ = [
    "after_activity_control",
    "after_experiment_control",
    "after_hypothesis_control",
    "after_method_control",
    "after_rollback_control",
    "before_activity_control",
    "before_experiment_control",
    "before_hypothesis_control",
    "before_method_control",
    "before_rollback_control",
]

logger = logging.getLogger("chaostoolkit")


class _State:
    """What the hooks of one run share; Chaos Toolkit runs one experiment a process, and gives them no place."""

    run: Run
    record: Record
    settings: Settings | None = None
    watch: Watch | None = None
    began: float = 0.0


_state = _State()


def _guarded(hook: Callable[..., None]) -> Callable[..., None]:
    """Let no unexpected error of a hook pass: Chaos Toolkit would log it for debugging only, and go on.

    The run is then a tool-error, and is interrupted where that still prevents its fault.
    """

    @functools.wraps(hook)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            hook(*args, **kwargs)
        except InterruptExecution:
            raise
        except Exception as error:
            text = f"{hook.__name__} failed: {type(error).__name__}: {error}"
            _state.record.tool_errors.append(text)
            logger.error(text)
            if hook.__name__ in {"before_experiment_control", "before_method_control"}:
                raise InterruptExecution(text) from error

    return guarded


@_guarded
def before_experiment_control(
    context: Experiment, configuration: Configuration = None, secrets: Secrets = None, **_: Any
) -> None:
    """Check everything, then wait for a steady baseline. Interrupts the run when it must not begin."""
    global _state  # noqa: PLW0603 - see _State
    _state = _State()
    _state.run, _state.record, _state.began = begin(), Record(), time.monotonic()
    if context.get("dry"):
        _refuse("--dry runs nothing, so nothing can be verified: run without it", "refusal")
    try:
        _state.run.reports = _reports_folder(_state.run, configuration or {})
        _state.settings = load_settings(context, configuration, secrets)
        _state.watch = Watch(_state.run, _state.settings)
        _state.record = _state.watch.record
        _state.watch.preflight()
        _state.watch.guard(context["title"], describe_run(context, configuration, None, _state.watch.cluster))
    except Refused as error:
        _refuse(str(error), "refusal")
    except ChaosextError as error:
        _refuse(str(error), "bad_input")
    except Exception as error:
        # Whatever it is, a run that could not be checked must not begin.
        _refuse(f"the run could not be prepared: {type(error).__name__}: {error}", "bad_input")
    else:
        _state.watch.baseline()
        if not _state.record.steady:
            raise InterruptExecution(f"no steady baseline: {_state.record.unsteady}")


@_guarded
def before_hypothesis_control(context: Hypothesis, **_: Any) -> None:  # noqa: ARG001 - the hook's signature
    """Take note that probes are the hypothesis's."""
    if _state.watch:
        _state.watch.hypothesis_begins()


@_guarded
def after_hypothesis_control(context: Hypothesis, **_: Any) -> None:  # noqa: ARG001 - the hook's signature
    """Take note that they no longer are."""
    if _state.watch:
        _state.watch.hypothesis_ended()


@_guarded
def before_method_control(context: Experiment, **_: Any) -> None:  # noqa: ARG001 - the hook's signature
    """Mark the fault's start."""
    if _state.watch:
        _state.watch.fault_begins()


@_guarded
def before_activity_control(context: Activity, **_: Any) -> None:
    """Ask for the Lease before an action of another extension, which does not; our own ask themselves."""
    module = str((context.get("provider") or {}).get("module", ""))
    if _state.watch and context.get("type") == "action" and not module.startswith("chaosext."):
        try:
            _state.run.check_may_write()
        except Refused as error:
            _state.record.tool_errors.append(str(error))
            raise InterruptExecution(str(error)) from error


@_guarded
def after_activity_control(context: Activity, state: ActivityRun = None, **_: Any) -> None:
    """Take note of what an activity did."""
    if _state.watch:
        _state.watch.activity_ended(context, state)


@_guarded
def after_method_control(context: Experiment, **_: Any) -> None:  # noqa: ARG001 - the hook's signature
    """Measure the settled fault."""
    if _state.watch:
        _state.watch.fault_ends()


@_guarded
def before_rollback_control(context: Experiment, **_: Any) -> None:  # noqa: ARG001 - the hook's signature
    """Mark the rollback's start."""
    if _state.watch and not _state.run.refused:
        _state.watch.rollback_begins()


@_guarded
def after_rollback_control(context: Experiment, **_: Any) -> None:  # noqa: ARG001 - the hook's signature
    """Wait for the recovery."""
    if _state.watch and not _state.run.refused:
        try:
            _state.watch.rollback_ended()
        except (KeyboardInterrupt, SystemExit):
            # The system is restored, and only the waiting cut short; Chaos Toolkit would end without a journal.
            _state.record.interrupted = True


@_guarded
def after_experiment_control(
    context: Experiment, state: Journal, configuration: Configuration = None, **_: Any
) -> None:
    """Give the verdict, write the run's files, and fail the run unless it is verified."""
    # Failed until proved otherwise: whatever goes wrong below, the run does not pass.
    status, state["status"] = state.get("status"), "failed"
    if _state.watch:
        _state.record.interrupted |= _state.watch.interrupted
        _end_watch(_state.watch)
    if status == "interrupted" and not _state.run.refused:
        _state.record.interrupted = True
    if status == "aborted":
        _state.record.tool_errors.append("Chaos Toolkit aborted the run: its log says why")
    verification = assemble(
        _state.run,
        context["title"],
        _state.settings.windows if _state.settings else None,
        _state.record,
        time.monotonic() - _state.began,
        bool(state.get("deviated")),
    )
    reached = _state.watch.reached if _state.watch else None
    cluster = _state.watch.cluster if _state.watch else None
    verification.about = describe_run(context, configuration, reached, cluster)
    state["verification"] = {"verdict": str(verification.verdict), "reasons": verification.reasons}
    if reached:
        announce(reached, verification)
    if _state.run.reports is None:
        return
    ended = status if verification.verdict is Verdict.VERIFIED else "failed"
    try:
        # The verdict comes last: what reads it may rely on the journal beside it.
        journal = json.dumps({**state, "status": ended}, indent=2, default=str) + "\n"
        (_state.run.reports / JOURNAL_FILE).write_text(journal, encoding="utf-8")
        write(_state.run.reports, verification)
        (_state.run.reports / SAMPLES_FILE).unlink(missing_ok=True)
    except OSError as error:
        logger.error("The results could not be written to %s: %s", _state.run.reports, error.strerror or error)
    else:
        state["status"] = ended


def _end_watch(watch: Watch) -> None:
    try:
        watch.end()
    except Exception as error:
        _state.record.tool_errors.append(f"the run's end could not be watched: {type(error).__name__}: {error}")


def _refuse(reason: str, kind: str) -> None:
    _state.run.refused = True
    setattr(_state.record, kind, reason)
    raise InterruptExecution(reason)


def _reports_folder(run: Run, configuration: dict[str, Any]) -> Path:
    """Make the folder of this run: CHAOS_REPORT_DIR, or one named after time and experiment under reports/."""
    given = os.environ.get("CHAOS_REPORT_DIR")
    parent = run.folder / str(configuration.get("reports_folder", "../reports"))
    folder = Path(given) if given else (parent / f"{run.started:%Y%m%dT%H%M%SZ}-{run.experiment}").resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A verdict of an earlier run in the same folder must not be taken for this one's.
        (folder / FILE_NAME).unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(f"{folder}: the report cannot be written there: {error.strerror or error}") from error
    return folder
