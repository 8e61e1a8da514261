"""`python -m shop.load`: become Locust, without a web interface, with the environment's plan."""

import os
import sys
from pathlib import Path

from shop.load.plan import Plan, read_plan
from shop.settings import SettingsError

RAMP_UP_SECONDS = 2
EXIT_USAGE = 2


def locust_arguments(plan: Plan) -> list[str]:
    """Return Locust's command line for a plan."""
    return [
        sys.executable,
        *("-m", "locust"),
        *("-f", str(Path(__file__).with_name("locustfile.py"))),
        "--headless",
        *("--host", plan.target),
        *("--users", str(plan.people)),
        *("--spawn-rate", str(max(1.0, plan.people / RAMP_UP_SECONDS))),
        # Summaries and log lines are the locustfile's.
        "--only-summary",
        "--skip-log-setup",
        # A shop that is broken on purpose is no failure of the load.
        *("--exit-code-on-error", "0"),
    ]


def main() -> int:
    """Replace this process by Locust; return 2 if the environment is unusable."""
    try:
        arguments = locust_arguments(read_plan())
    except SettingsError as error:
        print(f"shop.load: {error}", file=sys.stderr)
        return EXIT_USAGE
    os.execv(arguments[0], arguments)  # noqa: S606 - our own interpreter, no shell
    return 0  # pragma: no cover - execv does not return


if __name__ == "__main__":
    sys.exit(main())
