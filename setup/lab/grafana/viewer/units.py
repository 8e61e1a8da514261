"""Values as people read them, by Grafana's unit ids (packages/grafana-data/src/valueFormats)."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime

__all__ = ["clock", "show"]

_SI = ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k"))
_SHORT = ((1e12, " Tri"), (1e9, " Bil"), (1e6, " Mil"), (1e3, " K"))
_BINARY = ((2.0**40, " TiB"), (2.0**30, " GiB"), (2.0**20, " MiB"), (2.0**10, " KiB"))
_DECIMAL = ((1e12, " TB"), (1e9, " GB"), (1e6, " MB"), (1e3, " kB"))
_TIMES = (
    (604800.0, " week"),
    (86400.0, " day"),
    (3600.0, " hour"),
    (60.0, " min"),
    (1.0, " s"),
    (1e-3, " ms"),
    (1e-6, " µs"),
    (1e-9, " ns"),
)
_SUFFIXES = {
    "reqps": " req/s", "rps": " reads/s", "wps": " writes/s", "ops": " ops/s", "cps": " c/s", "eps": " evt/s",
    "rpm": " reads/min", "opm": " ops/min", "cpm": " c/min", "pps": " p/s", "mps": " msg/s", "celsius": " °C",
}  # fmt: skip
_SECONDS = {
    "ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "dtdurations": 1.0,
    "dtdurationms": 1e-3, "clocks": 1.0,
}  # fmt: skip
_MOMENTS = frozenset(
    {"dateTimeAsIso", "dateTimeAsLocal", "dateTimeFromNow", "dateTimeAsSystem", "time: HH:mm:ss"}
)


def show(value: float | None, unit: str, decimals: int | None = None) -> str:
    """Return a value in its unit; "No data" for none, as Grafana's panels say it."""
    if value is None or math.isnan(value):
        return "No data"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return _FORMATS.get(unit, _custom(unit))(value, decimals)


def clock(moment_ms: float, pattern: str = "%H:%M:%S") -> str:
    """Return a time of day on this machine's clock; a date with it when the day is not today."""
    at = datetime.fromtimestamp(moment_ms / 1000)
    return f"{at:{pattern}}" if at.date() == datetime.now().date() else f"{at:%Y-%m-%d} {at:{pattern}}"


def _number(value: float, decimals: int | None) -> str:
    """Write a number with so many decimals, or with three significant digits and no zeros behind them."""
    if decimals is not None:
        return f"{value:.{decimals}f}"
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value)) + 1e-12))
    text = f"{value:.{min(digits, 6)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _scaled(sizes: tuple[tuple[float, str], ...], rest: str = "", base: float = 1.0) -> Callable[..., str]:
    def shown(value: float, decimals: int | None) -> str:
        value *= base
        for size, suffix in sizes:
            if abs(value) >= size:
                return f"{_number(value / size, decimals)}{suffix}"
        return f"{_number(value, decimals)}{rest}"

    return shown


def _time(base: float) -> Callable[..., str]:
    def shown(value: float, decimals: int | None) -> str:
        seconds = value * base
        if seconds == 0:
            return "0 s"
        size, word = next(((size, word) for size, word in _TIMES if abs(seconds) >= size), _TIMES[-1])
        number = _number(seconds / size, decimals)
        plural = "s" if size > 60 and number != "1" else ""  # noqa: PLR2004 - from hours on, words
        return f"{number}{word}{plural}"

    return shown


def _suffixed(suffix: str) -> Callable[..., str]:
    short = _scaled(_SI)
    return lambda value, decimals: f"{short(value, decimals)}{suffix}"


def _custom(unit: str) -> Callable[..., str]:
    """Return how a unit of one's own is written: `suffix:x`, `prefix:x`, or any text behind the number."""
    kind, _, text = unit.partition(":")
    if kind == "prefix":
        return lambda value, decimals: f"{text}{_number(value, decimals)}"
    suffix = text if kind in {"suffix", "si"} else unit
    return lambda value, decimals: f"{_number(value, decimals)} {suffix}".rstrip()


_FORMATS: dict[str, Callable[..., str]] = {
    "": _scaled(_SHORT),
    "none": _number,
    "string": _number,
    "short": _scaled(_SHORT),
    "sishort": _scaled(_SI),
    "percent": lambda value, decimals: f"{_number(value, decimals)}%",
    "percentunit": lambda value, decimals: f"{_number(value * 100, decimals)}%",
    "bytes": _scaled(_BINARY, " B"),
    "decbytes": _scaled(_DECIMAL, " B"),
    "Bps": lambda value, decimals: f"{_scaled(_DECIMAL, ' B')(value, decimals)}/s",
    "binBps": lambda value, decimals: f"{_scaled(_BINARY, ' B')(value, decimals)}/s",
    **{unit: _suffixed(suffix) for unit, suffix in _SUFFIXES.items()},
    **{unit: _time(base) for unit, base in _SECONDS.items()},
    **{unit: lambda value, _decimals: clock(value, "%Y-%m-%d %H:%M:%S") for unit in _MOMENTS},
}
