"""What keeps a run from doing harm: the Lease that it holds, its watchdog, and signals that roll back."""

from __future__ import annotations

import logging
import signal
import threading
from typing import Any

from ..errors import ChaosextError, Refused
from ..kubernetes.cluster import Cluster
from ..kubernetes.healing import heal, leases
from ..kubernetes.lease import RENEW_SECONDS, Lease
from ..kubernetes.watchdog import Orders, Watchdog
from ..run import Run

__all__ = ["Guard"]

logger = logging.getLogger("chaostoolkit")
_STOP_SECONDS = 15.0


class Guard:
    """The guard of one run, from before its fault until it has ended."""

    def __init__(self, run: Run, documents: list[dict[str, Any]]) -> None:
        self._run = run
        self._documents = documents
        self._leases: list[Lease] = []
        self._watchdog: Watchdog | None = None
        self._ended = threading.Event()
        self._renewing: threading.Thread | None = None
        self.healed_before: list[str] = []
        """What was found, and healed, of a run that died before this one."""

    def begin(self, cluster: Cluster, orders: Orders) -> None:
        """Take the Lease, heal what a dead run left, and start the watchdog.

        Raises Refused when another run is alive, KubernetesError when the system could not be healed or the
        watchdog does not start.
        """
        held = leases(cluster, self._documents, self._run.run_id, self._run.experiment)
        for lease in held:
            previous = lease.acquire()
            self._leases.append(lease)
            if previous is not None:
                logger.warning("Run %s died and left its Lease behind: healing first", previous)
                self._heal(cluster, f"run {previous} died")
        self._run.may_write = self._check
        self._renewing = threading.Thread(target=self._renew, name="lease-renewal", daemon=True)
        self._renewing.start()
        self._watchdog = Watchdog(orders)
        # Chaos Toolkit of Python 3.11 swallows SIGTERM within an activity; Ctrl-C it takes as it should, unless
        # whoever started it, a background job's shell, had it ignored.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.default_int_handler)

    def end(self) -> None:
        """Give the Lease up and dismiss the watchdog."""
        self._ended.set()
        if self._renewing is not None:
            self._renewing.join(_STOP_SECONDS)
        for lease in self._leases:
            try:
                lease.release()
            except ChaosextError as error:
                logger.warning("The Lease could not be released: %s", error)
        if self._watchdog is not None:
            self._watchdog.dismiss()

    def _heal(self, cluster: Cluster, reason: str) -> None:
        done = heal(cluster, self._documents, self._check, reason)
        self.healed_before += done.differences or ["nothing differed"]
        if not done.healed:
            raise Refused(f"refused: {reason}, and could not be healed: {'; '.join(done.remaining)}")
        logger.warning("Healed in %g s: %d differences were found", done.seconds, len(done.differences))

    def _check(self) -> None:
        for lease in self._leases:
            lease.check()

    def _renew(self) -> None:
        """Renew until the end; a Lease that was lost is met by the next write, which asks for it."""
        try:
            cluster = Cluster()  # clients are not shared between threads
            mine = leases(cluster, self._documents, self._run.run_id, self._run.experiment)
        except ChaosextError as error:
            logger.warning("The Lease cannot be renewed: %s", error)
            return
        while not self._ended.wait(RENEW_SECONDS):
            try:
                for lease in mine:
                    lease.renew()
            except Refused as error:
                logger.error("%s", error)
                return
            except ChaosextError as error:
                logger.warning("The Lease could not be renewed: %s", error)
