"""The viewer's pages as a browser shows them: readable, on their own, and live."""

import contextlib
import json
import time
from dataclasses import replace

import pytest
from selenium.common.exceptions import WebDriverException

from ..browser import Browser
from .boards import BOARD
from .conftest import CHECKOUT, Client, free_port, running_grafana, wait_until

UIDS = sorted(path.stem for path in (CHECKOUT / "dashboards").glob("*.json"))
LOOKS = "return Number(document.body.dataset.looks || 0)"
NOTE = "return document.querySelector('.live-note').textContent"


@pytest.fixture
def own_settings(settings, tmp_path):
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "every-type.json").write_text(json.dumps(BOARD))
    return replace(settings, dashboards_dir=tmp_path / "boards", state_dir=tmp_path / "state", port=free_port())


@pytest.mark.parametrize("path", ["/", "/d/every-type?from=now-2m", "/trace/ab12", "/d/nothing"])
@pytest.mark.parametrize("width", [400, 900, 1400])
def test_pages_can_be_read_at_every_width_in_light_and_dark(browser: Browser, own_grafana, path, width):
    can_be_read(browser, own_grafana, path, width)


@pytest.mark.parametrize("uid", UIDS)
@pytest.mark.parametrize("width", [400, 900, 1400])
def test_the_repository_s_dashboards_can_be_read_too(browser: Browser, grafana, uid, width):
    can_be_read(browser, grafana, f"/d/{uid}", width)


@pytest.mark.parametrize("uid", UIDS)
def test_panels_lie_side_by_side_as_the_file_has_them(browser: Browser, grafana, uid):
    browser.open(f"{grafana.url}/d/{uid}", width=1400)
    columns = browser.run(
        """
        const grid = document.querySelector(".grid").getBoundingClientRect();
        const column = (grid.width + 8) / 24;
        return [...document.querySelectorAll(".grid>.panel")].map((panel) => {
          const at = panel.getBoundingClientRect();
          return [Math.round((at.left - grid.left) / column), Math.round((at.width + 8) / column)];
        });
        """
    )
    model = json.loads((CHECKOUT / "dashboards" / f"{uid}.json").read_text())
    panels = [panel for panel in model["panels"] if panel["type"] != "row"]
    assert columns == [[panel["gridPos"]["x"], panel["gridPos"]["w"]] for panel in panels]


def can_be_read(browser: Browser, grafana: Client, path: str, width: int) -> None:
    browser.open(grafana.url + path, width=width)
    for dark in (False, True):
        browser.look(width, dark=dark)
        assert browser.scrolls_sideways() == []
        assert browser.faint_texts() == []
    assert browser.skipped_headings() == browser.unnamed_pictures() == []
    assert [url for url in browser.requests() if not url.startswith(grafana.url)] == []
    # The page that is not there is told as such, and nothing else is missing.
    errors = [error for error in browser.errors() if path not in error]
    assert errors == []


def note_a_fault(client: Client, text: str) -> None:
    now = time.time_ns() // 1_000_000
    given = {"time": now - 20_000, "timeEnd": now - 5_000, "text": text, "tags": ["fault"]}
    assert client.post("/api/annotations", given).status_code == 200


def test_news_come_without_a_reload_and_leave_focus_and_scrolling_alone(browser: Browser, own_grafana):
    for n in range(40):
        note_a_fault(own_grafana, f"fault number {n}")
    browser.open(f"{own_grafana.url}/d/every-type?from=now-5m")
    browser.run(
        """
        window.mark = "the same page";
        const link = document.querySelector("#panel-3 a");
        link.focus({preventScroll: true});
        document.querySelector("#panel-5 .content").scrollTop = 7;
        window.scrollTo(0, 50);
        """
    )
    scrolled = browser.run("return [scrollY, document.querySelector('#panel-5 .content').scrollTop]")
    note_a_fault(own_grafana, "the newest fault")
    seen = "return document.querySelector('#panel-5').textContent.includes('the newest fault')"
    wait_until(lambda: browser.run(seen), "the newest fault is on the page")
    before = browser.run(LOOKS)
    wait_until(lambda: browser.run(LOOKS) > before, "the page is looked at again")
    assert browser.run("return window.mark") == "the same page"
    assert browser.run("return document.activeElement.closest('section').id") == "panel-3"
    assert browser.run("return [scrollY, document.querySelector('#panel-5 .content').scrollTop]") == scrolled
    assert browser.errors() == []


def test_the_page_says_when_the_lab_is_down_and_goes_on_when_it_is_back(browser: Browser, own_settings):
    with running_grafana(own_settings) as client:
        browser.open(f"{client.url}/d/every-type")
        wait_until(lambda: browser.run(NOTE) == "live" and browser.run(LOOKS) > 0, "the page is live")
    wait_until(lambda: "The lab is down" in browser.run(NOTE), "the page says that the lab is down")
    assert "Gauge of one" in browser.run("return document.body.textContent")
    with running_grafana(own_settings):
        wait_until(lambda: browser.run(NOTE) == "live", "the page is live again")


def test_without_a_script_the_page_reloads_itself_and_can_be_used(browser: Browser, own_grafana):
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.open(f"{own_grafana.url}/d/every-type")
        wait_until(
            lambda: sum("/d/every-type" in url for url in browser.requests()) > 0, "the page loads itself again"
        )
        wait_until(lambda: chosen(browser, "two"), "the choice is in the address")
        stat = browser.driver.find_element("css selector", "#panel-0")
        assert "2.5" in stat.text
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def chosen(browser: Browser, kind: str) -> bool:
    """Choose a value of a variable; return whether the address has it: a reload may come between two clicks."""
    if f"var-kind={kind}" in browser.driver.current_url:
        return True
    with contextlib.suppress(WebDriverException):
        browser.driver.find_element("css selector", f"select[name=var-kind] option[value={kind}]").click()
        browser.driver.find_element("css selector", "form.controls button").click()
    return False
