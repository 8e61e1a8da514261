"""What a day's page says beside its verdicts: how numbers went from day to day, the score, what moved."""

import re
import xml.etree.ElementTree as ET

import pytest

from chaosext.gameday.day import DayRecord, DayRun
from chaosext.gameday.pages import render_day, write_day
from chaosext.gameday.summary import gather
from chaosext.gameday.summary_markdown import render_summary
from chaosext.report.history import write_entry
from chaosext.result import Outcome, Verdict, write

from .made import made, sli
from .test_report_html import Page


def earlier(reports, name, *recovered, **changes):
    """Runs of the days before, each with its time to recover; None: it has none."""
    for day, seconds in enumerate(recovered, start=1):
        started = f"2026-11-{day:02d}T09:00:00+00:00"
        run = made(
            experiment=name, run_id=f"{name}-{day}", started=started, time_to_recover_seconds=seconds, **changes
        )
        folder = reports / f"202611{day:02d}T090000Z-{name}"
        folder.mkdir()
        write_entry(folder, run)


def day_of(reports, *runs, planned=()):
    """A day of these runs, in their order, and of planned ones that did not begin."""
    kept = []
    for run in (run.model_copy(update={"run_id": f"now-{run.experiment}"}) for run in runs):
        folder = reports / f"20261124T100000Z-{run.experiment}"
        folder.mkdir()
        write(folder, run)
        write_entry(folder, run)
        kept.append(DayRun(experiment=run.experiment, folder=folder.name, verdict=run.verdict))
    record = DayRecord(
        title="A day",
        started="2026-11-24T10:00:00+00:00",
        environment="lab",
        stale_after_days=14,
        planned=[*(run.experiment for run in runs), *planned],
        runs=kept,
        ended="2026-11-24T11:00:00+00:00",
    )
    return gather(record, reports)


def figures(page, name):
    """The plots of a time, by experiment: their text alternatives."""
    labels = [svg.get("aria-label", "") for svg in page.all("svg")]
    return {label.split()[4]: label for label in labels if label.startswith(f"{name} of")}


def test_a_time_is_drawn_from_day_to_day_with_what_is_usual(tmp_path):
    earlier(tmp_path, "a", 2.0, 2.1, 1.9, 2.0, 2.2)
    earlier(tmp_path, "b", 9.0, 9.5)
    page = Page(render_day(day_of(tmp_path, made(experiment="a"), made(experiment="b"), made(experiment="c"))))
    assert figures(page, "Time to recover") == {
        "a": "Time to recover of a after 5 earlier runs: 9.0 s, usual 1.0 s to 3.0 s; worse than usual",
        "b": "Time to recover of b after 2 earlier runs: 9.0 s; too few earlier runs to tell (2 of 5)",
    }
    assert figures(page, "Time to detect").keys() == {"a", "b"}
    # One for each time of a, whose usual is known.
    assert [rect["class"] for rect in page.all("rect")].count("band recovery") == 2
    assert {"01 Nov", "24 Nov"} <= set(re.findall(r"\d\d Nov", page.text))


def test_runs_without_the_time_are_a_gap_and_the_newest_one_is_no_reason_to_draw_nothing(tmp_path):
    earlier(tmp_path, "a", 2.0, 2.1, None, 1.9, 2.0, 2.2)
    failed = made(Verdict.SYSTEM_FAILED, experiment="a")
    page = Page(render_day(day_of(tmp_path, failed)))
    assert figures(page, "Time to recover") == {
        "a": "Time to recover of a after 6 earlier runs: not measured, usual 1.0 s to 3.0 s; not measured"
    }
    gaps = [(rect["x"], rect["width"]) for rect in page.all("rect") if rect["class"] == "gap"]
    assert gaps == [("16.67%", "33.33%"), ("83.33%", "16.67%")]
    dots = [circle["class"] for circle in page.all("circle")].count("newest")
    assert dots == 1  # of the time to detect, which it has


def test_a_day_without_earlier_runs_has_no_trends(tmp_path):
    assert "Trends" not in Page(render_day(day_of(tmp_path, made()))).text


def test_a_regression_is_named_with_its_figures_everywhere(tmp_path):
    earlier(tmp_path, "a", 1.0, 1.0, 1.0, 1.0, 1.0)
    day = day_of(tmp_path, made(experiment="a"), made(experiment="b"))
    page = Page(render_day(day))
    assert page.open == []
    assert "Time to recover9.0 s0.0 s to 2.0 s5" in page.text
    said = "Time to recover is 9.0 s, worse than usual (0.0 s to 2.0 s in 5 runs)"
    assert f"- a: {said}" in render_summary(day)
    (tmp_path / "day").mkdir()
    write_day(tmp_path / "day", day)
    suites = ET.parse(tmp_path / "day" / "junit.xml").getroot()  # noqa: S314 - it was made here
    assert [suite.findtext("system-out") for suite in suites] == [said, None]


def test_no_bound_is_shown_that_no_number_can_have(tmp_path):
    earlier(tmp_path, "a", *[9.0] * 5, slis=[sli("payment-success", worst=1.0)])
    day = day_of(tmp_path, made(experiment="a", slis=[sli("payment-success", worst=0.5)]))
    assert "Worst payment-success is 50%, worse than usual (98% to 100% in 5 runs)" in render_summary(day)
    assert "Worst payment-success50%98% to 100%5" in Page(render_day(day)).text


def test_the_score_s_table_adds_up(tmp_path):
    failed = made(Verdict.SYSTEM_FAILED, experiment="b")
    runs = [made(experiment="a"), failed, made(Verdict.NO_DATA, experiment="c")]
    page = Page(render_day(day_of(tmp_path, *runs)))
    assert "Share meta700100%b52071.4%Sum; of the shares the mean122085.7%" in page.text
    assert "Not judged today: c." in page.text
    assert "Ended 2026-11-24T11:00:00+00:00, after 1:00:00" in page.text


@pytest.mark.parametrize(
    ("until", "lost", "said"), [(60, False, (5, 2, 0)), (50, False, (5, 1, 1)), (60, True, (4, 0, 2))]
)
def test_a_recovery_that_was_not_measured_to_its_end_counts_neither_way(tmp_path, until, lost, said):
    failed = made(Verdict.SYSTEM_FAILED, experiment="a")
    failed.samples = [sample for sample in failed.samples if sample.at < until]
    if lost:  # nobody could say whether it was back, and something else failed
        failed.slis[0].outcome = Outcome.NO_DATA
        failed.slis[1].outcome = Outcome.UNEXPECTED
        said = (4, 1, 2)
    (share,) = day_of(tmp_path, failed).score.shares
    assert (share.met, share.missed, share.unknown) == said


def test_the_matrix_says_what_each_failure_moved(tmp_path):
    starved = [sli("payment-success", outcome=Outcome.STARVED), sli("cart-success", outcome=Outcome.NO_DATA)]
    page = Page(render_day(day_of(tmp_path, made(experiment="a"), made(experiment="b", slis=starved))))
    header = "ExperimentPayment successProduct successProduct db errorsCart success"
    cells = "a✓ movedheldheld-b✓ starved--! no data"
    assert f"How far each failure reaches{header}{cells}" in page.text
