"""Waits until every SLI has data: python setup/slis.py [--seconds N] [--manifests FOLDER].

The environment is that of GRAFANA_URL, GRAFANA_TOKEN and CHAOS_ENVIRONMENT. Whether an objective is met does
not matter here: a burning budget is data too. Exit codes: 0 all have data, 2 the suite cannot ask,
4 not in time.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from chaosext.environment import load_windows
from chaosext.errors import BadInput, GrafanaError
from chaosext.grafana.client import Grafana
from chaosext.slo.load import load_slos
from chaosext.slo.status import Status, status, status_lines

PAUSE_SECONDS = 5.0
NO_DATA = 4
UNABLE = 2


def wait(measure: Callable[[], list[Status]], seconds: float, pause: float = PAUSE_SECONDS) -> list[Status]:
    """Return the statuses once all have a value, or the last ones when that takes longer than `seconds`.

    A Grafana that does not answer is asked again. Raises GrafanaError when it does not until the deadline.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = measure()
        except GrafanaError:
            if time.monotonic() >= deadline:
                raise
        else:
            if all(one.value is not None for one in found) or time.monotonic() >= deadline:
                return found
        time.sleep(pause)


def main(words: list[str]) -> int:
    """Wait, print how the SLIs stand, and return the exit code."""
    parser = argparse.ArgumentParser(prog="slis.py", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=300.0, help="how long to wait (default: %(default)s)")
    parser.add_argument(
        "--manifests", type=Path, default=Path("manifests"), help="folder of slo.yaml, windows.yaml"
    )
    options = parser.parse_args(words)
    try:
        slos = load_slos(options.manifests / "slo.yaml")
        windows = load_windows(options.manifests / "windows.yaml")
        grafana = Grafana(os.environ.get("GRAFANA_URL", ""), os.environ.get("GRAFANA_TOKEN", ""))
        found = wait(lambda: status(grafana, slos, windows), options.seconds)
    except (BadInput, GrafanaError) as error:
        print(f"slis.py: {error}", file=sys.stderr)
        return UNABLE
    print("\n".join(status_lines(found)))
    waiting = [one.name for one in found if one.value is None]
    if waiting:
        print(f"slis.py: no data within {options.seconds:.0f} s: {', '.join(waiting)}", file=sys.stderr)
    return NO_DATA if waiting else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
