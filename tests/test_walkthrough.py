"""The README's walk through one failure, in a browser: Payment turns red, is clicked, and its cause is found.

With PICTURES=<folder> it also saves there the pictures that the README shows.
"""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from chaosext.polling import poll
from chaosext.report.svg.style import LIGHT
from chaosext.result import Verdict, read

from .browser import Browser
from .conftest import DAY_SECONDS
from .copies import CHAOS, Copy

pytestmark = [pytest.mark.lab, pytest.mark.timeout(DAY_SECONDS)]
LONGEST = 150.0  # seconds that any one step may take: the run's own limit in tests
PICTURES = os.environ.get("PICTURES", "")
WIDTH = 1400
STORES = ("product-data", "cart-data", "session-data")
TONES = """
return Object.fromEntries([...document.querySelectorAll(".element[data-field]")].map((box) =>
  [box.dataset.field, box.dataset.tone]));
"""
GROUND = """
const box = document.querySelector(`.element[data-field="${arguments[0]}"] .shape`);
return colour(getComputedStyle(box).fill).slice(0, 3);
"""
TOO_LONG = """
const within = (inner, outer) => outer.left <= inner.left && inner.right <= outer.right;
const at = (box, part) => box.querySelector(part).getBoundingClientRect();
return [...document.querySelectorAll(".element[data-field]")]
  .filter((box) => !within(at(box, ".said"), at(box, ".shape"))).map((box) => box.textContent);
"""
PANEL = """
const begins = (section) => section.textContent.startsWith(arguments[0]);
return [...document.querySelectorAll("section")].find(begins)?.textContent;
"""
FAILING = "return [...document.querySelectorAll('.waterfall .failed')].map((span) => span.textContent)"
CAUSE = "Failed to connect to payment provider"


def rgb(name: str) -> list[int]:
    """Return a colour of the palette, light."""
    return [int(LIGHT[name][at : at + 2], 16) for at in (1, 3, 5)]


def wait_for(what: str, check: Callable[[], Any]) -> Any:
    """Wait until `check` returns something; what is exchanged in the page meanwhile is looked at again."""
    found: list[Any] = []

    def missing() -> str | None:
        try:
            found[:] = [check()]
        except WebDriverException as error:
            return f"{what}: {error.msg}"
        return None if found[0] else f"{what}: not yet, last seen {found[0]!r}"

    assert (why := poll(missing, LONGEST)) is None, why
    return found[0]


def picture(browser: Browser, name: str, last: str) -> None:
    """Save the page down to a panel's end as the README shows it, if pictures are wanted."""
    if PICTURES:
        bottom = browser.run("return document.querySelector(arguments[0]).getBoundingClientRect().bottom", last)
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": bottom + 8, "scale": 0.8}
        how = {"clip": clip, "captureBeyondViewport": True}
        data = browser.driver.execute_cdp_cmd("Page.captureScreenshot", how)["data"]
        (Path(PICTURES) / f"{name}.png").write_bytes(base64.b64decode(data))


@contextlib.contextmanager
def a_run(copy: Copy, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run an experiment beside the test; its reports are in the copy's folder."""
    journal = str(copy.folder / "journal.json")
    words = [*CHAOS, "run", "--journal-path", journal, str(copy.experiment(name))]
    with (copy.folder / "run.log").open("wb") as log:
        process = subprocess.Popen(words, env=copy.env, cwd="/", stdout=log, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)  # it rolls back
            process.wait(90)


@contextlib.contextmanager
def first_window_again(browser: Browser) -> Iterator[str]:
    """Close every window but the present one at the end; the browser is the session's."""
    first = browser.driver.current_window_handle
    try:
        yield first
    finally:
        for window in browser.driver.window_handles:
            if window != first:
                browser.driver.switch_to.window(window)
                browser.driver.close()
        browser.driver.switch_to.window(first)


def into_a_new_window(browser: Browser, selector: str) -> None:
    """Click with Ctrl, so that the page that is watched stays."""
    known = set(browser.driver.window_handles)

    def opened() -> str | None:
        if new := set(browser.driver.window_handles) - known:
            return new.pop()
        box = browser.driver.find_element("css selector", selector)
        ActionChains(browser.driver).key_down(Keys.CONTROL).click(box).key_up(Keys.CONTROL).perform()
        return next(iter(set(browser.driver.window_handles) - known), None)

    browser.driver.switch_to.window(wait_for(f"a click on {selector} opens a window", opened))
    browser.look(WIDTH)


def test_payment_turns_red_leads_to_its_cause_and_heals(lab, browser: Browser, tmp_path: Path):
    copy = Copy(tmp_path, lab)
    seen: list[dict[str, str]] = []

    def payment_is(tone: str) -> bool:
        seen.append(browser.run(TONES))
        return seen[-1]["payment"] == tone

    browser.open(f"{lab.grafana_url}/d/services-overview", width=WIDTH)
    with first_window_again(browser) as overview:
        assert "not Grafana" in browser.driver.find_element("css selector", ".what-it-is").text
        browser.run("window.mark = 'the same page'")
        wait_for("Payment is green", lambda: payment_is("good"))
        assert browser.run(GROUND, "payment") == rgb("good-ground")

        with a_run(copy, "payment") as run:
            wait_for("Payment is red", lambda: payment_is("bad"))
            assert browser.run(GROUND, "payment") == rgb("bad")
            assert browser.faint_texts() == browser.run(TOO_LONG) == []
            picture(browser, "overview", "section.canvas")

            into_a_new_window(browser, ".element[data-field='payment']")
            find_the_cause(browser)
            browser.driver.close()
            browser.driver.switch_to.window(overview)
            wait_for("the run ends", lambda: run.poll() is not None)

        wait_for("Payment is green again", lambda: payment_is("good"))
        assert browser.run(GROUND, "payment") == rgb("good-ground")
        assert browser.run("return window.mark") == "the same page"
        assert browser.errors() == []
    assert [tones for tones in seen if "bad" in {tones[store] for store in STORES}] == []
    (report,) = (tmp_path / "reports").iterdir()
    assert read(report).verdict is Verdict.VERIFIED, (tmp_path / "run.log").read_text()


def find_the_cause(browser: Browser) -> None:
    """Go from Payment's Service Detail by a log line's link to the trace with the failing span."""
    driver = browser.driver
    assert "/d/service-detail" in driver.current_url
    assert "var-workload=payment" in driver.current_url
    wait_for("its error lines", lambda: CAUSE in (browser.run(PANEL, "Errors in its log") or ""))
    picture(browser, "service-detail", "section.logs")

    link = "section[aria-label='Errors in its log'] a.to-trace"
    wait_for(
        "a log line's link leads to its trace",
        lambda: "/trace/" in driver.current_url or driver.find_element("css selector", link).click(),
    )
    # A service's spans come some seconds after its log line.
    wait_for(
        "payment's failing span",
        lambda: [span for span in browser.run(FAILING) if span.startswith("payment ") and CAUSE in span],
    )
    assert CAUSE in browser.run(PANEL, "Logs of this trace")
    picture(browser, "trace", "section:has(.waterfall)")
    assert browser.errors() == []
