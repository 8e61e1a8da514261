"""Reports and a day in a real browser: on a phone, a tablet and a screen, in light, dark and on paper."""

from pathlib import Path

import pytest

from chaosext.gameday.pages import render_day
from chaosext.report.html import render_html
from chaosext.result import Verdict, Verification

from .browser import Browser
from .chaosext.made import made, real
from .chaosext.test_gameday_trends import day_of, earlier

RESULTS = Path(__file__).parent / "chaosext" / "results"


@pytest.fixture(scope="module", params=["postgres-connections", "session-data", "not-steady", "a whole day"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "a whole day":
        return whole_day(tmp_path_factory.mktemp("day"))
    run = Verification.model_validate_json((RESULTS / f"{request.param}.json").read_text())
    if request.param == "session-data":  # an old run, to which Grafana answered nothing
        run.evidence.not_collected = {"logs": "Grafana did not answer", "traces": "Grafana did not answer"}
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(render_html(run), encoding="utf-8")
    return file.as_uri()


def whole_day(reports: Path) -> str:
    """A day with every verdict, and days before it: trends with and without gaps, a regression, stale parts."""
    runs = [made(verdict, experiment=f"experiment-{n}") for n, verdict in enumerate(Verdict)]
    runs += [real("postgres-connections"), real("session-data")]
    for run in runs:
        earlier(reports, run.experiment, 9.0, 8.5, None, 8.0, 9.5, 8.8, 9.2, environment=run.environment)
    earlier(reports, "regressed", *[2.0] * 6)
    day = day_of(reports, *runs, made(experiment="regressed"), planned=["never-begun"])
    text = render_day(day)
    assert all(part in text for part in ("Trends", "Worse than usual", "What each failure moved", "stale"))
    file = reports / "index.html"
    file.write_text(text, encoding="utf-8")
    return file.as_uri()


def test_it_fits_every_width_asks_nobody_and_can_be_read(browser: Browser, report: str):
    browser.open(report, 1400)
    for width in (1400, 900, 400):
        browser.look(width)
        assert browser.scrolls_sideways() == [], width
    assert browser.errors() == []
    assert browser.requests() == [report]
    assert browser.skipped_headings() == []
    assert browser.unnamed_pictures() == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [400, 1400])
def test_every_text_stands_out_from_its_ground(browser: Browser, report: str, width: int, dark: bool):
    browser.open(report, width, dark=dark)
    assert browser.faint_texts() == []


def test_it_can_be_printed(browser: Browser, report: str):
    browser.open(report, 700, dark=True)
    browser.look(700, dark=True, media="print")  # the width of a sheet of A4 within its margins
    assert browser.scrolls_sideways() == []
    assert browser.run("return getComputedStyle(document.body).color") == "rgb(27, 35, 48)"
    assert browser.faint_texts() == []


def test_a_waterfall_s_texts_stay_inside_it_and_its_rows_apart(browser: Browser, report: str):
    browser.open(report, 400)
    wrong = browser.run(
        """return [...document.querySelectorAll("svg.waterfall")].flatMap((drawing) => {
          const around = drawing.getBoundingClientRect();
          const rows = [...drawing.querySelectorAll(".row")].map((row) => row.getBoundingClientRect());
          const took = [...drawing.querySelectorAll(".took")].map((text) => text.getBoundingClientRect());
          return [
            ...rows.slice(1).filter((row, n) => row.top < rows[n].bottom).map((row) => `row at ${row.top}`),
            ...took.filter((text) => text.right > around.right).map((text) => `time at ${text.top}`),
            ...(rows.at(-1).bottom > around.bottom ? ["below"] : []),
          ];
        })"""
    )
    assert wrong == []
