"""The control's own failures: Chaos Toolkit forgets an exception of a hook, and we must not."""

import pytest
from chaoslib.exceptions import InterruptExecution

from chaosext.verification import control


class BrokenWatch:
    def __getattr__(self, name):
        raise RuntimeError(f"{name} is broken")


@pytest.fixture
def broken(monkeypatch, tmp_path):
    state = control._State()
    state.run, state.record, state.watch = control.Run(folder=tmp_path), control.Record(), BrokenWatch()
    monkeypatch.setattr(control, "_state", state)
    return state


def test_an_unexpected_error_before_the_fault_stops_the_run(broken):
    with pytest.raises(
        InterruptExecution, match="before_method_control failed: RuntimeError: fault_begins is broken"
    ):
        control.before_method_control(context={})
    assert broken.record.tool_errors


def test_an_unexpected_error_after_it_is_kept_for_the_verdict(broken):
    control.after_rollback_control(context={})
    assert broken.record.tool_errors == [
        "after_rollback_control failed: RuntimeError: rollback_ended is broken"
    ]


def test_an_unexpected_error_at_the_end_fails_the_run(broken):
    journal = {"status": "completed"}
    control.after_experiment_control(context={"title": "t"}, state=journal)
    assert journal["status"] == "failed"
