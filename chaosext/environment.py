"""The environment that a run is in: its Grafana, its name, and its window table."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .errors import BadInput

__all__ = ["Windows", "load_windows", "validation_line"]

SCRAPES_PER_WINDOW = 4
"""A rate over fewer scrapes rests on too few samples: one late scrape would halve it."""


class Windows(BaseModel):
    """One environment's windows, in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    environment: str
    short_window_seconds: int = Field(gt=0)
    scrape_interval_seconds: int = Field(gt=0)
    sample_interval_seconds: float = Field(gt=0)
    compressed: bool

    @model_validator(mode="after")
    def _wide_enough(self) -> Windows:
        if self.short_window_seconds < SCRAPES_PER_WINDOW * self.scrape_interval_seconds:
            raise ValueError(
                f"short_window_seconds {self.short_window_seconds} is less than {SCRAPES_PER_WINDOW} "
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
    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
        rows: dict[str, Any] = dict(table["environments"])
    except (OSError, yaml.YAMLError, TypeError, KeyError, ValueError) as error:
        raise BadInput(f"{path}: not a window table with an 'environments' mapping ({error})") from error
    if name not in rows:
        said = f"CHAOS_ENVIRONMENT is {name!r}" if name else "CHAOS_ENVIRONMENT is not set"
        raise BadInput(
            f"{said}; {path} knows {', '.join(rows)}: run 'source setup/env lab' (or another of them) first"
        )
    try:
        return Windows(environment=name, **rows[name])
    except (ValidationError, TypeError) as error:
        raise BadInput(f"{path}: environments.{name}: {validation_line(error)}") from error


def validation_line(error: Exception) -> str:
    """Say the first thing that is wrong, and where, in one line."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{place}: {message}{more}" if place else f"{message}{more}"
