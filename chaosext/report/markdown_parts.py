"""Parts of a Markdown page, safe for texts that came from outside."""

from __future__ import annotations

from collections.abc import Sequence

from .svg.markup import clean

__all__ = ["markdown_code", "markdown_table", "markdown_text"]


def markdown_table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Return a table; its cells are text."""
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(markdown_text(cell) for cell in line) + " |" for line in lines)


def markdown_text(text: str) -> str:
    """Keep what came from outside from being Markdown, on one line."""
    return " ".join(clean(text).split()).replace("|", "\\|").replace("<", "&lt;")


def markdown_code(lines: Sequence[str], longest: int) -> str:
    """Return lines as an indented block, which no text can end, each cut to `longest` characters."""
    shown = (" ".join(clean(line).split("\n")) for line in lines)
    return "\n".join("    " + (line if len(line) <= longest else line[: longest - 1] + "…") for line in shown)
