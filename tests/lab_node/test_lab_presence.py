"""What is said of a lab that does not answer, from what a daemon leaves: a process that holds the pid file."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from lab import down, layout, leftovers, presence
from lab.errors import LabError
from lab.settings import Settings, record_offset

from .ownlab import CHECKOUT

HOLDER = """
import sys
from pathlib import Path
from lab import pidfile
held = pidfile.hold(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
pidfile.clear(held)
"""
# Nobody listens there.
OFFSET = 9990


@pytest.fixture
def lab(tmp_path) -> Settings:
    settings = Settings(CHECKOUT, tmp_path, OFFSET)
    record_offset(settings)
    places = layout.find(settings)
    for folder in (places.run, places.log):
        folder.mkdir()
    leftovers.note_boot(places)
    (places.log / "daemon.log").write_text("first\n2026-11-24 12:00:00,000 INFO lab: the lab runs\n")
    return settings


@pytest.fixture
def daemon(lab) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", HOLDER, str(layout.find(lab).pid_file)]
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT / "setup")}
    with subprocess.Popen(
        command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def _said(lab: Settings) -> str:
    with pytest.raises(LabError) as told:
        presence.own_lab(lab)
    return str(told.value)


def test_a_crash_is_told_with_the_last_line_of_the_log(lab, daemon, capsys):
    daemon.kill()
    daemon.wait()
    log = lab.state / "log" / "daemon.log"
    last = "'2026-11-24 12:00:00,000 INFO lab: the lab runs'"
    crash = f"the lab's daemon (pid {daemon.pid}) crashed; the last line of {log} is {last}"
    assert _said(lab) == f"{crash}: run `python -m lab up`"
    down.down(lab, purge=False)
    assert capsys.readouterr().out.startswith(f"{crash}\nthe lab is down (")
    assert _said(lab) == f"the lab of {CHECKOUT} is not up: run `python -m lab up`"


def test_a_crash_that_left_a_traceback_is_told_with_its_last_line(lab, daemon):
    daemon.kill()
    daemon.wait()
    out = lab.state / "log" / "daemon.out"
    out.write_text("Traceback (most recent call last):\n  ...\nMemoryError\n")
    assert f"crashed; the last line of {out} is 'MemoryError': run" in _said(lab)


def test_a_daemon_of_another_boot_ended_with_the_machine(lab, daemon):
    daemon.kill()
    daemon.wait()
    layout.find(lab).boot.write_text("another\n")
    assert f"the lab's daemon (pid {daemon.pid}) ended with the machine; " in _said(lab)


def test_an_end_in_order_is_no_crash(lab, daemon):
    daemon.communicate()
    assert _said(lab) == f"the lab of {CHECKOUT} is not up: run `python -m lab up`"


def test_a_daemon_that_runs_and_does_not_answer_hangs(lab, daemon, monkeypatch):
    monkeypatch.setattr(presence, "_HUNG_SECONDS", 1.0)
    said = _said(lab)
    assert said.startswith(
        f"the lab's daemon (pid {daemon.pid}) hangs: no answer from http://127.0.0.1:26434/status"
    )
    assert said.endswith("INFO lab: the lab runs': end it with `python -m lab down`")
