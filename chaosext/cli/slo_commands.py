"""`chaos slo`: the objectives, their rules, and how they stand."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

import click

from .errors import one_line_errors

__all__ = ["slo"]

_manifests = click.option(
    "--manifests",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("manifests"),
    show_default=True,
    help="The folder of slo.yaml and windows.yaml.",
)


@click.group()
def slo() -> None:
    """Work with the service level objectives (SLOs) of manifests/slo.yaml."""


@slo.command()
@_manifests
@one_line_errors
def validate(manifests: Path) -> None:
    """Check the SLO file and the window table; say file, object and field of what is wrong."""
    from ..environment import environments, load_windows  # noqa: PLC0415 - see the package's docstring
    from ..slo.load import load_slos  # noqa: PLC0415 - likewise

    found = load_slos(manifests / "slo.yaml")
    names = environments(manifests / "windows.yaml")
    for name in names:
        load_windows(manifests / "windows.yaml", name)
    click.echo(f"{manifests / 'slo.yaml'}: {len(found)} SLOs; windows for {', '.join(names)}")


@slo.command()
@_manifests
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when a file is not up to date.")
@one_line_errors
def rules(manifests: Path, check: bool) -> None:
    """Write Prometheus' recording and alerting rules for every environment into observability/rules/."""
    from ..slo.rulefiles import drifted, render, write  # noqa: PLC0415 - see the package's docstring

    files = render(manifests)
    stale = drifted(files)
    if not check:
        write(files)
    for path in files:
        state = "unchanged" if path not in stale else "not up to date" if check else "written"
        click.echo(f"{path}: {state}")
    sys.exit(1 if check and stale else 0)


@slo.command()
@_manifests
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
@one_line_errors
def status(manifests: Path, as_json: bool) -> None:
    """Show each SLO's objective, SLI now, burn rate and error budget left, from Grafana.

    Needs GRAFANA_URL, GRAFANA_TOKEN and CHAOS_ENVIRONMENT: source setup/env. Exits with 1 when an objective is
    not met now or has no data.
    """
    from ..environment import load_windows  # noqa: PLC0415 - see the package's docstring
    from ..grafana.client import Grafana  # noqa: PLC0415 - likewise
    from ..slo import status as statuses  # noqa: PLC0415 - likewise
    from ..slo.load import load_slos  # noqa: PLC0415 - likewise

    slos = load_slos(manifests / "slo.yaml")
    windows = load_windows(manifests / "windows.yaml")
    grafana = Grafana(os.environ.get("GRAFANA_URL", ""), os.environ.get("GRAFANA_TOKEN", ""))
    found = statuses.status(grafana, slos, windows)
    if as_json:
        click.echo(json.dumps([asdict(s) for s in found], indent=2))
    else:
        compressed = ", compressed" if windows.compressed else ""
        click.echo(f"{windows.environment}: over the last {windows.short_window_seconds} s{compressed}")
        click.echo("\n".join(statuses.status_lines(found)))
    sys.exit(0 if all(s.met for s in found) else 1)
