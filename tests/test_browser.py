"""The questions that a browser's tests ask find what they are there to find."""

from pathlib import Path

import pytest

from .browser import Browser

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
