"""The words of ``python -m lab``: up, down, status, logs, alerts, env."""

import argparse
import json
import shlex
import signal
import sys
from collections.abc import Callable
from types import FrameType

from lab import down, layout, presence, settings, show, up
from lab.errors import LabError, told
from lab.settings import Settings

_INTERRUPTED = 130


def main(words: list[str] | None = None) -> int:
    """Run one command; return its exit code."""
    options = _parser().parse_args(words)
    command: Callable[[Settings, argparse.Namespace], None] = options.command
    try:
        command(settings.from_environment(), options)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # whoever read the output has gone; Python would complain at its end
        return 0
    except OSError as error:
        print(f"lab: {told(error)}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab", description="The embedded environment of the experiments."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    item = commands.add_parser("up", help="start the lab and the shop, and wait until data flows")
    item.add_argument(
        "--timeout", type=float, default=120.0, metavar="S", help="seconds to wait (default: 120)"
    )
    item.add_argument("--no-apply", dest="apply", action="store_false", help="start the lab without the shop")
    item.set_defaults(command=_up)
    item = commands.add_parser("down", help="end everything that the lab started")
    item.add_argument("--purge", action="store_true", help="also remove all state")
    item.set_defaults(command=_down)
    item = commands.add_parser("status", help="show components and pods")
    item.add_argument("--json", action="store_true")
    item.set_defaults(command=_status)
    item = commands.add_parser("logs", help="show the output of a pod, a workload or a component")
    item.add_argument(
        "name", metavar="NAME", help="such as payment, payment-5d8f7c9b6-x2x4z, prometheus or daemon"
    )
    item.add_argument("-f", "--follow", action="store_true", help="go on as lines come")
    item.add_argument("--tail", type=int, metavar="N", help="only the last N lines")
    item.add_argument("--previous", action="store_true", help="of the run before the last restart")
    item.set_defaults(command=_logs)
    item = commands.add_parser(
        "alerts", help="show what Alertmanager sent (in the lab never further than here)"
    )
    item.add_argument("--json", action="store_true", help="one JSON object per line")
    item.add_argument("-f", "--follow", action="store_true", help="go on as messages come")
    item.set_defaults(command=_alerts)
    item = commands.add_parser("env", help="print the shell lines that point tools at the lab")
    item.set_defaults(command=_env)
    return parser


def _up(lab: Settings, options: argparse.Namespace) -> None:
    signal.signal(signal.SIGTERM, _interrupt)  # a CI's time is over: as tidy as Ctrl-C
    up.up(lab, options.timeout, apply=options.apply)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _down(lab: Settings, options: argparse.Namespace) -> None:
    down.down(lab, purge=options.purge)


def _status(lab: Settings, options: argparse.Namespace) -> None:
    found = presence.own_lab(lab)
    print(json.dumps(found, indent=2) if options.json else show.status_text(lab, found))


def _logs(lab: Settings, options: argparse.Namespace) -> None:
    show.logs(
        layout.find(lab), options.name, follow=options.follow, tail=options.tail, previous=options.previous
    )


def _alerts(lab: Settings, options: argparse.Namespace) -> None:
    places = layout.find(lab)
    if not places.state.exists():
        presence.own_lab(lab)  # says what to do
    show.alert_lines(places.alerts, as_json=options.json, follow=options.follow)


def _env(lab: Settings, _options: argparse.Namespace) -> None:
    presence.own_lab(lab)
    for name, value in environment(lab).items():
        print(f"export {name}={shlex.quote(value)}")


def environment(lab: Settings) -> dict[str, str]:
    """Return the variables by which tools find the lab.

    :raises LabError: the lab was never up.
    """
    places = layout.find(lab)
    return {
        "KUBECONFIG": str(places.kubeconfig),
        "KUBECACHEDIR": str(places.kube_cache),
        "GRAFANA_URL": f"http://{settings.HOST}:{lab.ports.grafana}",
        "GRAFANA_TOKEN": places.token("grafana"),
        "CHAOS_ENVIRONMENT": "lab",
    }
