"""The files of a run's report, all made from its verification.json."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import BadInput
from ..kubernetes.aftermath import Healed, read_healed
from ..result import Verification
from .history import FILE_NAME as ENTRY_FILE
from .history import Comparison, compare, earlier, entry_of
from .html import render_html
from .junit import render_junit
from .markdown import render_markdown
from .tables import show_comparison

__all__ = ["FORMATS", "write_reports", "write_text"]

_Render = Callable[[Verification, list[Comparison], Healed | None], str]


def _junit(v: Verification, compared: list[Comparison], _: Healed | None) -> str:
    return render_junit(
        v.experiment, [v], remarks={v.run_id: [show_comparison(c) for c in compared if c.regressed]}
    )


_RENDER: dict[str, tuple[str, _Render]] = {
    "html": ("report.html", render_html),
    "md": ("report.md", render_markdown),
    "junit": ("junit.xml", _junit),
}
FORMATS = tuple(_RENDER)
"""The formats besides JSON."""


def write_reports(folder: Path, v: Verification, formats: Iterable[str] = FORMATS) -> list[Path]:
    """Write a run's report into its folder, in the formats asked for, and its entry for history.

    Earlier runs of the experiment are looked for beside the folder. Raises BadInput when a file cannot be
    written.
    """
    compared = compare(entry_of(v), earlier(v, folder.resolve().parent))
    healed = read_healed(folder)
    written = []
    for name in formats:
        file, render = _RENDER[name]
        path = folder / file
        write_text(path, render(v, compared, healed))
        written.append(path)
    write_text(folder / ENTRY_FILE, entry_of(v).model_dump_json() + "\n")
    return written


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all: a reader never meets half a report. Raises BadInput when it cannot."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8", errors="replace")
        partial.replace(path)
    except OSError as error:
        raise BadInput(f"{path}: the report cannot be written: {error.strerror or error}") from error
