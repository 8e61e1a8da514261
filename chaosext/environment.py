"""The environment that a run is in: its Grafana, its name, and its window table."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .errors import BadInput
from .yamlfile import read_document

__all__ = ["BurnRate", "Windows", "environments", "load_windows", "validation_line"]

SCRAPES_PER_WINDOW = 4
"""A rate over fewer scrapes rests on too few samples: one late scrape would halve it."""


class BurnRate(BaseModel):
    """One row of a multi-window burn-rate alert: `burn_rate` is exceeded over both windows (seconds)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    long_seconds: int = Field(gt=0)
    short_seconds: int = Field(gt=0)
    burn_rate: float = Field(gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> BurnRate:
        if self.short_seconds >= self.long_seconds:
            raise ValueError(
                f"short_seconds {self.short_seconds} is not below long_seconds {self.long_seconds}"
            )
        return self


class Windows(BaseModel):
    """One environment's windows, in seconds, and its burn-rate alerts by severity."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    environment: str
    short_window_seconds: int = Field(gt=0)
    scrape_interval_seconds: int = Field(gt=0)
    sample_interval_seconds: float = Field(gt=0)
    compressed: bool
    alert_for_seconds: int = Field(gt=0)
    rule_interval_seconds: int = Field(gt=0)
    budget_interval_seconds: int = Field(gt=0)
    budget_floor: float = Field(0.0, ge=0, lt=1)
    burn_rates: dict[Literal["page", "ticket"], list[BurnRate]] = Field(min_length=1)

    @model_validator(mode="after")
    def _wide_enough(self) -> Windows:
        shortest = min(rate.short_seconds for rates in self.burn_rates.values() for rate in rates)
        for name, seconds in (
            ("short_window_seconds", self.short_window_seconds),
            ("the shortest burn-rate window", shortest),
        ):
            if seconds < SCRAPES_PER_WINDOW * self.scrape_interval_seconds:
                raise ValueError(
                    f"{name} {seconds} is less than {SCRAPES_PER_WINDOW} "
                    f"scrape intervals of {self.scrape_interval_seconds} s"
                )
        return self

    def seconds(self, windows: float) -> float:
        """Turn a duration stated in short windows into seconds."""
        return windows * self.short_window_seconds


def load_windows(path: Path, environment: str | None = None) -> Windows:
    """Load an environment's row of the window table.

    `environment` defaults to CHAOS_ENVIRONMENT. Raises BadInput for a table that cannot be read, a row that is
    wrong, or an environment that it lacks.
    """
    name = environment or os.environ.get("CHAOS_ENVIRONMENT", "")
    rows = _rows(path)
    if name not in rows:
        said = f"CHAOS_ENVIRONMENT is {name!r}" if name else "CHAOS_ENVIRONMENT is not set"
        raise BadInput(
            f"{said}; {path} knows {', '.join(rows)}: run 'source setup/env lab' (or another of them) first"
        )
    try:
        return Windows(environment=name, **rows[name])
    except (ValidationError, TypeError) as error:
        raise BadInput(f"{path}: environments.{name}: {validation_line(error)}") from error


def environments(path: Path) -> list[str]:
    """Return the names of the environments that a window table has. Raises BadInput as load_windows does."""
    return list(_rows(path))


def _rows(path: Path) -> dict[str, Any]:
    table = read_document(path)
    rows = table.get("environments") if isinstance(table, dict) else None
    if not isinstance(rows, dict) or not all(isinstance(name, str) for name in rows):
        raise BadInput(f"{path}: not a window table with an 'environments' mapping of names to rows")
    return rows


def validation_line(error: Exception) -> str:
    """Say the first thing that is wrong, and where, in one line."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{place}: {message}{more}" if place else f"{message}{more}"
