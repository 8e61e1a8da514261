"""A run outlives the signals that its parent gets: it has to heal."""

import os
import signal
import subprocess
import sys
import time

import pytest

CHILD = """
import signal, sys, time
signal.signal(signal.{}, lambda *_: (time.sleep(1), print("healed"), sys.exit(0)))
print("ready", flush=True)
time.sleep(30)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_waits_for_the_child_to_heal(name):
    program = (
        "import os, sys\nfrom chaosext.gameday.runner import _run\n"
        f"_run([sys.executable, '-c', {CHILD.format(name)!r}], dict(os.environ))\nprint('parent goes on')"
    )
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout.readline() == "ready\n"
        began = time.monotonic()
        if name == "SIGINT":
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        else:
            process.terminate()
        assert process.stdout.read() == "healed\nparent goes on\n"
        assert time.monotonic() - began >= 1
        assert process.wait(5) == 0
    finally:
        process.kill()
        process.wait()
