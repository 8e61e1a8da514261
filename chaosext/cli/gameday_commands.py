"""`chaos gameday`: run experiments, report them, heal."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .errors import one_line_errors

__all__ = ["gameday"]


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
    from ..gameday.runner import exit_code, run_experiment  # noqa: PLC0415 - see the package's docstring
    from ..result import Verdict  # noqa: PLC0415 - likewise

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
@one_line_errors
def heal(manifest: Path, force: bool) -> None:
    """Restore the system and remove what any run created; safe to repeat. Exits with 1 if something is left.

    For a run that died together with its watchdog: in CI, a step that always runs.
    """
    from ..gameday.heal import heal_by_hand  # noqa: PLC0415 - see the package's docstring

    done = heal_by_hand(manifest, force=force)
    for difference in done.differences:
        click.echo(f"found: {difference}")
    for remaining in done.remaining:
        click.echo(f"left: {remaining}", err=True)
    said = "healed" if done.healed else "NOT healed"
    click.echo(f"{said} in {done.seconds:g} s; {len(done.differences)} differences were found")
    sys.exit(0 if done.healed else 1)
