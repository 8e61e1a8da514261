"""The files of a run's report, all made from its verification.json."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import BadInput
from ..result import Verification
from .history import Comparison, compare, earlier, entry_of, write_entry
from .html import render_html
from .junit import render_junit
from .markdown import render_markdown

__all__ = ["FORMATS", "write_reports"]

_Render = Callable[[Verification, list[Comparison]], str]
_RENDER: dict[str, tuple[str, _Render]] = {
    "html": ("report.html", render_html),
    "md": ("report.md", render_markdown),
    "junit": ("junit.xml", lambda v, _: render_junit(v.experiment, [v])),
}
FORMATS = tuple(_RENDER)
"""The formats besides JSON."""


def write_reports(folder: Path, v: Verification, formats: Iterable[str] = FORMATS) -> list[Path]:
    """Write a run's report into its folder, in the formats asked for, and its entry for history.

    Earlier runs of the experiment are looked for beside the folder. Raises BadInput when a file cannot be
    written.
    """
    compared = compare(entry_of(v), earlier(v, folder.resolve().parent))
    written = []
    for name in formats:
        file, render = _RENDER[name]
        path = folder / file
        _write(path, render(v, compared))
        written.append(path)
    try:
        write_entry(folder, v)
    except OSError as error:
        raise BadInput(f"{folder}: the report cannot be written: {error.strerror or error}") from error
    return written


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all: a reader never meets half a report."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8", errors="replace")
        partial.replace(path)
    except OSError as error:
        raise BadInput(f"{path}: the report cannot be written: {error.strerror or error}") from error
