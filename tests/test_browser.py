"""The questions that a browser's tests ask find what they are there to find."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .browser import REMEDY, Browser

ROOT = Path(__file__).parents[1]

GOOD = """<!doctype html><html lang="en"><title>x</title><style>
body{margin:0;color:#222;background:#fff} svg text{fill:#222}
@media (prefers-color-scheme:dark){body{color:#eee;background:#111} svg text{fill:#eee}}
</style><body><h1>One</h1><h2>Two</h2><p>Text</p>
<svg aria-label="a drawing" width="100" height="40"><text y="20">drawn</text></svg></body></html>"""
SQUARE = '<rect width="100" height="40" fill="{}"></rect><text y="20">'


def broken(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


@pytest.fixture
def show(browser: Browser, tmp_path: Path):
    def show(text: str, **how) -> Browser:
        file = tmp_path / "page.html"
        file.write_text(text)
        browser.open(file.as_uri(), **how)
        return browser

    return show


@pytest.mark.parametrize("dark", [False, True])
def test_a_good_page_has_nothing_wrong(show, dark):
    page = show(GOOD, width=400, dark=dark)
    assert page.errors() == page.scrolls_sideways() == page.skipped_headings() == page.unnamed_pictures() == []
    assert page.faint_texts() == []
    assert [address.rpartition("/")[2] for address in page.requests()] == ["page.html"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (broken("color:#222;", "color:#aaa;"), {"P Text", "H1 One", "H2 Two"}),
        (broken("<p>", '<p style="opacity:.3">'), {"P Text"}),
        (broken("<p>", '<p style="background:rgba(0,0,0,.8)">'), {"P Text"}),
        (broken('<text y="20">', SQUARE.format("#333")), {"text drawn"}),
        (broken('<text y="20">', SQUARE.format("none")), set()),
        (broken('<text y="20">', SQUARE.format("#3334")), set()),
    ],
)
def test_faint_texts_are_found_whatever_they_are_written_on(show, text, found):
    page = show(text)
    assert {line.partition(": ")[2] for line in page.faint_texts()} == found


def test_the_other_faults_are_found(show):
    assert show(broken("<p>", '<p style="width:500px">'), width=400).scrolls_sideways()[1:] == ["P Text"]
    assert show(broken("<h2>Two</h2>", "<h3>Two</h3>")).skipped_headings() == ["H3 Two"]
    assert show(broken("<h1>One</h1>", "")).skipped_headings() == ["H2 Two"]
    assert len(show(broken('aria-label="a drawing"', "")).unnamed_pictures()) == 1
    page = show(broken("<p>", '<img src="gone.png"><script>throw Error("oh")</script><p>'))
    assert len(page.unnamed_pictures()) == 1
    assert len(page.requests()) == 2
    assert any("oh" in error for error in page.errors())


@pytest.mark.parametrize(("required", "code"), [("1", 1), ("", 0)])
def test_without_a_browser_a_test_fails_in_setup_test_and_is_skipped_else(tmp_path, required, code):
    one = f"{Path(__file__)}::test_the_other_faults_are_found"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'own'}", one],
        # A path on which there is no program at all.
        env={**os.environ, "PATH": str(tmp_path), "BROWSER_REQUIRED": required},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert ("1 error" if required else "1 skipped") in done.stdout
    assert REMEDY in " ".join(done.stdout.split())


def test_setup_test_requires_a_browser():
    script = (ROOT / "setup/test").read_text()
    assert re.search(r'^export .*BROWSER_REQUIRED="\$\{BROWSER_REQUIRED-1\}"$', script, re.M)
