"""Actions that belong to the watching, and change nothing."""

from __future__ import annotations

import logging
import time

from chaoslib.types import Configuration

from ..environment import load_windows
from ..polling import poll
from ..run import configured_file

__all__ = ["observe"]

logger = logging.getLogger("chaostoolkit")


def observe(windows: float, configuration: Configuration = None) -> float:
    """Let a fault last for `windows` short windows of the environment, while the control samples the SLIs.

    Returns the seconds that it lasted. Raises BadInput when the window table is wrong.
    """
    table = load_windows(configured_file(configuration, "windows_file"))
    seconds = table.seconds(windows)
    logger.info("Observing for %g s", seconds)
    end = time.monotonic() + seconds
    poll(lambda: None if time.monotonic() >= end else "observing", seconds, interval=0.5)
    return seconds
