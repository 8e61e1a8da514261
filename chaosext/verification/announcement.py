"""The verdict in Grafana: an annotation, and an event with its numbers among the run's events in Loki."""

from __future__ import annotations

import logging
import time

from ..errors import ChaosextError
from ..grafana.client import Grafana
from ..grafana.control import send_event
from ..result import Verification

__all__ = ["announce"]

logger = logging.getLogger("chaostoolkit")


def announce(grafana: Grafana, verification: Verification) -> None:
    """Write both at this moment; a Grafana that takes neither costs a warning, not the run."""
    numbers = {
        "time_to_detect_seconds": verification.time_to_detect_seconds,
        "time_to_recover_seconds": verification.time_to_recover_seconds,
        "duration_seconds": round(verification.duration_seconds, 1),
    }
    send_event("Verdict given", {"type": "verdict", "status": str(verification.verdict), **numbers})
    tags = ["chaos", "verdict", verification.experiment, verification.run_id, str(verification.verdict)]
    try:
        grafana.annotate(_words(verification), tags, time.time())
    except ChaosextError as error:
        logger.warning("No annotation of the verdict in Grafana: %s", error)


def _words(verification: Verification) -> str:
    text = f"{verification.experiment}: {verification.verdict}"
    if verification.time_to_detect_seconds is not None:
        text += f", detected after {verification.time_to_detect_seconds:.1f} s"
    if verification.time_to_recover_seconds is not None:
        text += f", recovered after {verification.time_to_recover_seconds:.1f} s"
    return f"{text} (run {verification.run_id})"
