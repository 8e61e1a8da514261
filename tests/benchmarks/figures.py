"""What the benchmarks share: percentiles, and the table that can be pasted into a README."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence

Row = tuple[str, str, str]
"""What was measured, the figure, and its limit; empty where nothing limits it."""
ENOUGH = 100
"""Samples of which one lies beyond the 99th percentile; of fewer, that would be the slowest by another name."""


def nearest_rank(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least this percentage of values do not exceed: one of them, always."""
    return sorted(values)[max(1, math.ceil(len(values) * percent / 100)) - 1]


def spread(seconds: Sequence[float]) -> str:
    """Write the middle and the far end of some times."""
    if len(seconds) < ENOUGH:
        far = f"slowest {max(seconds) * 1000:.1f} ms"
    else:
        far = f"99th percentile {nearest_rank(seconds, 99) * 1000:.1f} ms"
    return f"median {statistics.median(seconds) * 1000:.1f} ms, {far}"


def print_table(rows: Iterable[Row]) -> None:
    """Print a Markdown table, each row as soon as it is measured."""
    print("| what | measured | limit |\n| --- | --- | --- |", flush=True)
    for what, measured, limit in rows:
        print(f"| {what} | {measured} | {limit} |", flush=True)
