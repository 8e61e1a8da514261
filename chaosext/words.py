"""Values of SLIs in words and in tables, the same in reasons, logs and reports."""

from __future__ import annotations

from collections.abc import Sequence

from .result import Tolerance

__all__ = ["show_tolerance", "show_value", "text_table"]


def show_value(value: float | None, unit: str) -> str:
    """Say an SLI's value: a `ratio` in percent, a `count` as it is, 'no data' for None.

    What is not whole is never rounded to 0% or 100%.
    """
    if value is None:
        return "no data"
    if unit == "count":
        return f"{value:.4g}"
    if 0 < value < 1:
        value = min(max(value, 0.0001), 0.9999)
    return f"{value:.0%}" if value in {0, 1} else f"{value * 100:.2f}".rstrip("0").rstrip(".") + "%"


def show_tolerance(tolerance: Tolerance | None, unit: str) -> str:
    """Say a tolerance by the bound that can be missed; a dash for None."""
    if tolerance is None:
        return "-"
    if unit == "count":
        return f"at most {tolerance.high:g}"
    return f"at least {show_value(tolerance.low, unit)}"


def text_table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table for a terminal, its columns as wide as their longest cells."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
