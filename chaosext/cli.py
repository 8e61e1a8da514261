"""`chaos gameday` and `chaos slo`: Chaos Toolkit's command line, extended.

`chaos` imports this module at every start: what is heavy is imported where it is used.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

__all__ = ["gameday", "slo"]


def _one_line_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Say what is wrong in one line and exit with 2: bad input and a Grafana that fails are no traceback."""

    @functools.wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> None:
        from .errors import ChaosextError  # noqa: PLC0415 - see the module's docstring

        try:
            command(*args, **kwargs)
        except ChaosextError as error:
            click.echo(f"chaos {click.get_current_context().info_name}: {error}", err=True)
            sys.exit(2)

    return guarded


@click.group()
def gameday() -> None:
    """Run experiments and judge them by what they proved."""


@gameday.command()
@click.argument("experiments", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("reports"),
    show_default=True,
    help="The folder that gets a folder for each run.",
)
def run(experiments: tuple[Path, ...], output: Path) -> None:
    """Run EXPERIMENTS one after another; the exit code says the worst verdict.

    0 verified, 1 the system failed, 2 the suite itself failed, 3 the fault did not land, 4 no data, 5 not run.
    """
    from .gameday.runner import exit_code, run_experiment  # noqa: PLC0415 - see the module's docstring
    from .result import Verdict  # noqa: PLC0415 - likewise

    verdicts = []
    for path in experiments:
        if not path.is_file():
            click.echo(f"{path}: no such experiment", err=True)
            verdicts.append(Verdict.TOOL_ERROR)
            continue
        verification, folder = run_experiment(path, output.resolve())
        if verification is None:
            click.echo(
                f"{path}: tool-error: the run left no verification; what went wrong is said above", err=True
            )
            verdicts.append(Verdict.TOOL_ERROR)
            continue
        verdicts.append(verification.verdict)
        click.echo(
            f"{path}: {verification.verdict} in {verification.duration_seconds:.1f} s; {folder}/report.md"
        )
    sys.exit(exit_code(verdicts))


@gameday.command()
@click.option(
    "--manifest",
    type=click.Path(path_type=Path),
    default=Path("manifests/app.yaml"),
    show_default=True,
    help="The manifest that every experiment's rollback reapplies.",
)
@click.option("--force", is_flag=True, help="Take the Lease from a run that is alive.")
@_one_line_errors
def heal(manifest: Path, force: bool) -> None:
    """Restore the system and remove what any run created; safe to repeat. Exits with 1 if something is left.

    For a run that died together with its watchdog: in CI, a step that always runs.
    """
    from .gameday.heal import heal_by_hand  # noqa: PLC0415 - see the module's docstring

    done = heal_by_hand(manifest, force=force)
    for difference in done.differences:
        click.echo(f"found: {difference}")
    for remaining in done.remaining:
        click.echo(f"left: {remaining}", err=True)
    said = "healed" if done.healed else "NOT healed"
    click.echo(f"{said} in {done.seconds:g} s; {len(done.differences)} differences were found")
    sys.exit(0 if done.healed else 1)


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
@_one_line_errors
def validate(manifests: Path) -> None:
    """Check the SLO file and the window table; say file, object and field of what is wrong."""
    from .environment import environments, load_windows  # noqa: PLC0415 - see the module's docstring
    from .slo.load import load_slos  # noqa: PLC0415 - likewise

    found = load_slos(manifests / "slo.yaml")
    names = environments(manifests / "windows.yaml")
    for name in names:
        load_windows(manifests / "windows.yaml", name)
    click.echo(f"{manifests / 'slo.yaml'}: {len(found)} SLOs; windows for {', '.join(names)}")


@slo.command()
@_manifests
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when a file is not up to date.")
@_one_line_errors
def rules(manifests: Path, check: bool) -> None:
    """Write Prometheus' recording and alerting rules for every environment into observability/rules/."""
    from .slo.rulefiles import drifted, render, write  # noqa: PLC0415 - see the module's docstring

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
@_one_line_errors
def status(manifests: Path, as_json: bool) -> None:
    """Show each SLO's objective, SLI now, burn rate and error budget left, from Grafana.

    Needs GRAFANA_URL, GRAFANA_TOKEN and CHAOS_ENVIRONMENT: source setup/env. Exits with 1 when an objective is
    not met now or has no data.
    """
    from .environment import load_windows  # noqa: PLC0415 - see the module's docstring
    from .grafana.client import Grafana  # noqa: PLC0415 - likewise
    from .slo import status as statuses  # noqa: PLC0415 - likewise
    from .slo.load import load_slos  # noqa: PLC0415 - likewise

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
