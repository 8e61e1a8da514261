"""The files of a game day: index.html, summary.md and junit.xml, beside day.json."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import quote

from ..report.files import FORMATS, write_text
from ..report.html import VERDICT_TONES, worst_sli
from ..report.junit import render_junit
from ..report.page import badge, card, page, pill, table, tiles
from ..report.plots import TONES
from ..report.svg.markup import Child, Markup, tag
from ..report.tables import show_comparison, show_number, show_usual
from ..report.words import seconds, why
from ..result import Outcome, SliResult, Verdict, Verification
from ..words import show_value
from .coverage import Coverage
from .score import HOW, show_share
from .summary import DayResult, RunResult
from .summary_markdown import render_summary
from .trends import trends

__all__ = ["render_day", "write_day"]

_SHORT = {
    Outcome.DEVIATED: "moved",
    Outcome.STARVED: "starved",
    Outcome.UNEXPECTED: "moved",
    Outcome.TOO_FAR: "too far",
    Outcome.NOT_RECOVERED: "not back",
    Outcome.NOT_DEVIATED: "not moved",
    Outcome.NO_DATA: "no data",
}


def write_day(folder: Path, day: DayResult, formats: Iterable[str] = FORMATS) -> list[Path]:
    """Write a day's files into its folder. Raises BadInput when that fails."""
    render: dict[str, tuple[str, Callable[[], str]]] = {
        "html": ("index.html", lambda: render_day(day)),
        "md": ("summary.md", lambda: render_summary(day)),
        "junit": (
            "junit.xml",
            lambda: render_junit(
                day.record.title,
                [run.verification for run in day.runs],
                day.not_run,
                {run.verification.run_id: [show_comparison(c) for c in run.regressions] for run in day.runs},
            ),
        ),
    }
    written = []
    for name in formats:
        file, make = render[name]
        write_text(folder / file, make())
        written.append(folder / file)
    return written


def render_day(day: DayResult) -> str:
    """Return the summary as a whole HTML document; it links the runs' reports beside it."""
    record = day.record
    facts = [f"Started {record.started}", f"Environment {record.environment}"]
    if record.ended:
        facts.append(f"Ended {record.ended}, after {day.took}")
    tone = VERDICT_TONES[day.verdict]
    headline = day.headline()
    head = tag(
        "header",
        badge(day.verdict, tone),
        tag("h1", record.title),
        tag("p", f"{headline}.", class_="lead"),
        tag("ul", [tag("li", fact) for fact in facts], class_="facts"),
        class_=f"card head {tone}",
    )
    main = tag(
        "main",
        head,
        _numbers(day),
        _runs(day),
        _regressions(day),
        _matrix(day),
        trends(day),
        _coverage(day),
        _how(day),
    )
    return page(
        f"{record.title}: {headline}", main, tag("footer", tag("p", "Made from day.json and the runs' own."))
    )


def _numbers(day: DayResult) -> Markup:
    verdicts = day.record.verdicts()
    others = len(verdicts) - verdicts.count(Verdict.VERIFIED)
    detected = [t for run in day.runs if (t := run.verification.time_to_detect_seconds) is not None]
    recovered = [t for run in day.runs if (t := run.verification.time_to_recover_seconds) is not None]
    without = len(day.score.not_judged)
    left_out = f"; {without} {'experiment' if without == 1 else 'experiments'} not judged" if without else ""
    expectations = f"{day.score.met} of {day.score.met + day.score.missed} expectations met{left_out}"
    regressions = sum(len(run.regressions) for run in day.runs)
    return tiles(
        [
            (
                "Resilience score",
                str(day.score),
                expectations if day.score.value is not None else "nothing judged",
            ),
            ("Verified", f"{len(verdicts) - others} of {len(verdicts)}", f"{others} of another verdict"),
            ("Slowest detection", seconds(max(detected, default=None)), f"of {len(detected)} measured"),
            ("Slowest recovery", seconds(max(recovered, default=None)), f"of {len(recovered)} measured"),
            ("Worse than usual", str(regressions), "numbers outside of what earlier runs vary by"),
        ]
    )


def _runs(day: DayResult) -> Markup:
    rows = [_row(run) for run in day.runs]
    rows += [
        [name, pill(verdict, VERDICT_TONES[verdict]), "-", "-", "-", reason]
        for name, verdict, reason in day.not_run
    ]
    header = ("Experiment", "Verdict", "Detected", "Recovered", "Worst SLI", "Why")
    return card("Experiments", table("Each links to its report", header, rows), long=True)


def _row(run: RunResult) -> list[Child]:
    v = run.verification
    return [
        tag("a", v.experiment, href=f"../{quote(run.folder)}/report.html"),
        pill(v.verdict, VERDICT_TONES[v.verdict]),
        seconds(v.time_to_detect_seconds),
        seconds(v.time_to_recover_seconds),
        _worst(v),
        "" if v.verdict is Verdict.VERIFIED else why(v)[:300],
    ]


def _worst(v: Verification) -> str:
    sli = worst_sli(v)
    return "-" if sli is None else f"{sli.display_name} {show_value(sli.worst, sli.unit)}"


def _regressions(day: DayResult) -> Markup | None:
    found = [(run, c) for run in day.runs for c in run.regressions]
    if not found:
        return None
    rows: list[list[Child]] = [
        [
            run.verification.experiment,
            c.name,
            show_number(c.now, c.unit),
            show_usual(c) or "-",
            str(len(c.before)),
        ]
        for run, c in found
    ]
    header = ("Experiment", "Number", "This run", "Usual", "Earlier runs")
    note = "Outside of the median of earlier verified runs and three standard deviations on either side."
    return card("Worse than usual", table("Regressions", header, rows), note=note)


def _matrix(day: DayResult) -> Markup | None:
    """Return which SLIs each failure moved: how far it reaches."""
    judged = {s.name: s.display_name for run in day.runs for s in run.verification.slis if s.expected}
    if not judged:
        return None
    rows: list[list[Child]] = []
    for run in day.runs:
        by_name = {s.name: s for s in run.verification.slis if s.expected}
        rows.append([run.verification.experiment, *(_cell(by_name.get(name)) for name in judged)])
    note = "A check: as the experiment expects. Moved: out of its tolerance. Starved: no traffic reached it."
    content = table("How far each failure reaches", ("Experiment", *judged.values()), rows, kind="matrix")
    return card("What each failure moved", content, note=note, long=True)


def _cell(sli: SliResult | None) -> Child:
    """Say what became of an SLI; what held stays quiet, so that what moved is seen."""
    if sli is None or sli.outcome is Outcome.NOT_JUDGED:
        return tag("span", "-", class_="soft")
    if sli.outcome is Outcome.HELD:
        return tag("span", "held", class_="soft")
    return pill(_SHORT[sli.outcome], TONES[sli.outcome])


def _coverage(day: DayResult) -> Markup | None:
    if not day.coverage:
        return None
    header = ("Component", "Last tested by", "When", "Judged")
    note = f"Stale: not tested for {day.record.stale_after_days} days, or never."
    return card("Components tested", table("Coverage", header, [_covered(c) for c in day.coverage]), note=note)


def _covered(c: Coverage) -> list[Child]:
    judged = pill("stale", "warn") if c.stale else pill("tested", "good")
    return [c.title, c.experiment or "never", c.started or "-", judged]


def _how(day: DayResult) -> Markup:
    left_out = f" Not judged today: {', '.join(day.score.not_judged)}." if day.score.not_judged else ""
    rows: list[list[Child]] = [
        [share.experiment, str(share.met), str(share.missed), str(share.unknown), show_share(share.value)]
        for share in day.score.shares
    ]
    sums = (day.score.met, day.score.missed, sum(share.unknown for share in day.score.shares))
    rows.append([tag("b", "Sum; of the shares the mean"), *map(str, sums), tag("b", str(day.score))])
    header = ("Experiment", "Met", "Missed", "Not known", "Share met")
    content = table("Expectations by experiment", header, rows, 4) if day.score.shares else None
    return card("How the score is counted", tag("p", HOW, left_out), content)
