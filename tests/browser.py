"""A browser that tests look at pages with: headless Chromium, driven by Debian's chromedriver.

Every question answers with a list of what is wrong, so that a failed assertion says it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

__all__ = ["REMEDY", "Browser", "missing", "started"]

REMEDY = (
    "install Debian's chromium and chromium-driver, or elsewhere a Chrome with the chromedriver of its version"
)

_AUDIT = Path(__file__).with_suffix(".js")
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_SECONDS = 60
_ARGUMENTS = (
    "--headless=new",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    # It would look up its maker's hosts at every start; a page has none to ask but this machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


def missing() -> str | None:
    """Say which program is not on this machine; None when both are."""
    if _browser() is None:
        return f"no browser on this machine (one of {', '.join(_BROWSERS)})"
    return None if shutil.which("chromedriver") else "no chromedriver on this machine"


def _browser() -> str | None:
    return next((path for name in _BROWSERS if (path := shutil.which(name))), None)


class Browser:
    """One window. `driver` is selenium's, for clicks and whatever else a test does."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, address: str, width: int = 1400, *, dark: bool = False) -> None:
        """Load a page at a width in CSS pixels, light or dark, and forget what was logged before."""
        self.look(width, dark=dark)
        self.driver.get("about:blank")
        for log in ("browser", "performance"):
            self.driver.get_log(log)
        self.driver.get(address)

    def look(self, width: int, *, dark: bool = False, media: str = "screen") -> None:
        """Change the width, the colour scheme and the medium (`screen` or `print`) of the page as it is."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": [scheme]})

    def run(self, script: str, *arguments: object) -> Any:
        """Run a function's body in the page, beside the functions of browser.js, and return what it returns."""
        return self.driver.execute_script(f"{_AUDIT.read_text()}\n{script}", *arguments)

    def errors(self) -> list[str]:
        """Return the console's errors since the last call, or since the page was opened."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def requests(self) -> list[str]:
        """Return the addresses that were asked for since the last call, the page's own first."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        return [request["request"]["url"] for request in sent]

    def scrolls_sideways(self) -> list[str]:
        """Return what makes the page wider than the window."""
        return self.run("return wideElements()")

    def skipped_headings(self) -> list[str]:
        """Return headings that skip a level, and a first one that is not the first level."""
        return self.run("return skippedHeadings()")

    def unnamed_pictures(self) -> list[str]:
        """Return images and drawings without a text alternative."""
        return self.run("return unnamedPictures()")

    def faint_texts(self, least: float = 4.5) -> list[str]:
        """Return texts whose contrast against their ground is below `least` (WCAG 2.1, 1.4.3)."""
        return self.run("return faintTexts(arguments[0])", least)


@contextmanager
def started(profile: Path) -> Iterator[Browser]:
    """Start a browser with an empty profile in a folder, and end it."""
    os.environ |= {"SE_OFFLINE": "true", "SE_AVOID_STATS": "true"}
    options = webdriver.ChromeOptions()
    options.binary_location = _browser() or ""
    # Chromium's own sandbox refuses to run as root.
    root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    for argument in (*_ARGUMENTS, *root, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        driver.set_page_load_timeout(_SECONDS)
        driver.set_script_timeout(_SECONDS)
        yield Browser(driver)
    finally:
        driver.quit()
