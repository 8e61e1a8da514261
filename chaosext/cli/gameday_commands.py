"""`chaos gameday`: run experiments and game days, report them, heal."""

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
@click.argument("plan_or_experiments", nargs=-1, type=click.Path(path_type=Path))
@click.option("--only", metavar="A,B", help="Of the plan's experiments, only these.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("reports"),
    show_default=True,
    help="The folder that gets a folder for each run, and one for the day.",
)
@click.option(
    "--resume",
    type=click.Path(file_okay=False, path_type=Path),
    help="Go on with the day of this folder, by its plan: what was interrupted or not begun is run.",
)
@click.option(
    "--fail-on",
    metavar="VERDICT,...",
    help="Exit with 0 unless an experiment has one of these verdicts; all but verified when not given.",
)
@click.option(
    "--progress",
    type=click.Choice(["auto", "live", "plain"]),
    default="auto",
    show_default=True,
    help="How progress is shown; auto: live for more than one experiment on a terminal.",
)
@one_line_errors
def run(
    plan_or_experiments: tuple[Path, ...],
    only: str | None,
    output: Path,
    resume: Path | None,
    fail_on: str | None,
    progress: str,
) -> None:
    """Run a game day's plan, or experiments one after another; the exit code says the worst verdict.

    Without arguments, the plan is experiments/gameday.yaml.

    0 verified, 1 the system failed, 2 the suite itself failed, 3 the fault did not land, 4 no data, 5 not run.
    """
    from ..gameday import commands  # noqa: PLC0415 - see the package's docstring

    sys.exit(
        commands.run(
            plan_or_experiments, output.resolve(), only=only, style=progress, fail_on=fail_on, resume=resume
        )
    )


@gameday.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--format", "formats", metavar="html,md,junit", help="Only these formats.")
@one_line_errors
def report(folder: Path, formats: str | None) -> None:
    """Write the reports of a run's or a day's FOLDER anew, from its JSON."""
    from ..gameday import commands  # noqa: PLC0415 - see the package's docstring

    for path in commands.rebuild(folder, None if formats is None else formats.split(",")):
        click.echo(path)


@gameday.command("list")
@click.argument("plan_or_experiments", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--reports",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("reports"),
    show_default=True,
    help="The folder that has earlier runs.",
)
@one_line_errors
def catalogue(plan_or_experiments: tuple[Path, ...], reports: Path) -> None:
    """List experiments: what breaks, what is expected, and the latest result."""
    from ..gameday.catalogue import entries, lines  # noqa: PLC0415 - see the package's docstring

    click.echo("\n".join(lines(entries(plan_or_experiments, reports))))


@gameday.command()
@click.argument("plan_or_experiments", nargs=-1, type=click.Path(path_type=Path))
@one_line_errors
def lint(plan_or_experiments: tuple[Path, ...]) -> None:
    """Check experiments and the plan for what `chaos validate` misses; exits with 2 when something is wrong."""
    from ..gameday.lint import lint_all  # noqa: PLC0415 - see the package's docstring

    checked, problems = lint_all(plan_or_experiments)
    for problem in problems:
        click.echo(problem, err=True)
    click.echo(f"{checked} files checked, {len(problems)} problems found")
    sys.exit(2 if problems else 0)


@gameday.command()
def schema() -> None:
    """Print the JSON Schema of verification.json."""
    from ..report.schema import schema_text  # noqa: PLC0415 - see the package's docstring

    click.echo(schema_text(), nl=False)


@gameday.command()
@click.option(
    "--manifest",
    type=click.Path(path_type=Path),
    default=Path("manifests/app.yaml"),
    show_default=True,
    help="The manifest that every experiment's rollback reapplies.",
)
@click.option("--force", is_flag=True, help="Take the Lease from a run that is alive.")
@click.option(
    "--wait",
    "wait_seconds",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=0,
    help="How long to wait for a run that is alive, or its watchdog, to give up the Lease.",
)
@one_line_errors
def heal(manifest: Path, force: bool, wait_seconds: float) -> None:
    """Restore the system and remove what any run created; safe to repeat. Exits with 1 if something is left.

    For a run that died together with its watchdog: in CI, a step that always runs.
    """
    from ..gameday.heal import heal_by_hand  # noqa: PLC0415 - see the package's docstring

    done = heal_by_hand(manifest, force=force, wait_seconds=wait_seconds)
    for difference in done.differences:
        click.echo(f"found: {difference}")
    for remaining in done.remaining:
        click.echo(f"left: {remaining}", err=True)
    said = "healed" if done.healed else "NOT healed"
    click.echo(f"{said} in {done.seconds:g} s; {len(done.differences)} differences were found")
    sys.exit(0 if done.healed else 1)
