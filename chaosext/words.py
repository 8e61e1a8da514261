"""Values of SLIs in words, the same in reasons, logs and reports."""

from __future__ import annotations

from .result import Tolerance

__all__ = ["show_tolerance", "show_value"]


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
