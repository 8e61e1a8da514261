"""Actions that write to Grafana."""

from __future__ import annotations

import time

from chaoslib.types import Configuration, Secrets

from .client import connect

__all__ = ["annotate"]


def annotate(
    text: str,
    tags: list[str] | None = None,
    configuration: Configuration = None,
    secrets: Secrets = None,
) -> int:
    """Write an annotation at this moment and return its id. Needs a token of the role Editor.

    Raises GrafanaError when it cannot be written.
    """
    return connect(configuration, secrets).annotate(text, ["chaos", *(tags or [])], time.time())
