"""The fault's annotation in Grafana: a region from its start to the rollback."""

from __future__ import annotations

import logging
import time

from ..errors import ChaosextError
from ..grafana.client import Grafana
from ..run import Run

__all__ = ["FaultAnnotation"]

logger = logging.getLogger("chaostoolkit")


class FaultAnnotation:
    """Written at the fault's start and ended later; a Grafana that takes none costs a warning, not the run."""

    def __init__(self, grafana: Grafana, run: Run) -> None:
        self._grafana = grafana
        self._run = run
        self._id: int | None = None

    def begin(self) -> None:
        """Write the annotation at this moment."""
        try:
            self._id = self._grafana.annotate(
                f"Fault of {self._run.experiment} (run {self._run.run_id})",
                ["chaos", "fault", self._run.experiment, self._run.run_id],
                time.time(),
            )
        except ChaosextError as error:
            logger.warning("No annotation in Grafana: %s", error)

    def end(self, at: float) -> None:
        """Make it a region that ends at `at` (epoch seconds); nothing when it was never written."""
        if self._id is None:
            return
        try:
            self._grafana.end_annotation(self._id, at)
        except ChaosextError as error:
            logger.warning("The annotation in Grafana could not be ended: %s", error)
