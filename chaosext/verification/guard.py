"""What keeps a run from doing harm: the Lease that it holds, its watchdog, and signals that roll back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from ..errors import ChaosextError, Refused
from ..kubernetes.cluster import Cluster
from ..kubernetes.healing import heal, leases
from ..kubernetes.lease import RENEW_SECONDS, Lease
from ..kubernetes.watchdog import HEALING_SECONDS, Orders, Watchdog
from ..run import Run
from .interruption import Interruption

__all__ = ["Guard"]

logger = logging.getLogger("chaostoolkit")
_STOP_SECONDS = 15.0
_TAKE_OVER_SECONDS = 20.0
"""For how long a run that could not restore waits for its watchdog to do so, which then goes on alone."""


class Guard:
    """The guard of one run, from before its fault until it has ended.

    `unguarded` is called once, from a thread, when the watchdog is no more.
    """

    def __init__(self, run: Run, documents: list[dict[str, Any]], unguarded: Callable[[], None]) -> None:
        self._run = run
        self._documents = documents
        self._unguarded: Callable[[], None] | None = unguarded
        self.interruption = Interruption()
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
        self.interruption.watch()

    def end(self, unrestored: str | None) -> str | None:
        """Give the Lease up and dismiss the watchdog, or leave to it what is left to do.

        `unrestored` says why the system is not as it should be; None: it is. Returns what became of the rest,
        None when there was none.
        """
        self._ended.set()
        if self._renewing is not None:
            self._renewing.join(_STOP_SECONDS)
        try:
            for lease in self._leases if unrestored is None else []:
                lease.release()
        except ChaosextError as error:
            unrestored = str(error)
        if self._watchdog is None:
            return unrestored
        if unrestored is not None:
            return self._leave_to(self._watchdog, unrestored)
        self._watchdog.dismiss()
        return None

    def _leave_to(self, watchdog: Watchdog, reason: str) -> str:
        logger.error("%s: left to the watchdog, which tries for %g s", reason, HEALING_SECONDS)
        if watchdog.take_over(reason, _TAKE_OVER_SECONDS):
            return "the watchdog restored the system in the run's place"
        if watchdog.gone:
            return "the watchdog could not restore the system: run 'chaos gameday heal'"
        return "the watchdog goes on restoring the system, and writes healed.json when it has"

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
            self._look_after_watchdog()
            try:
                for lease in mine:
                    lease.renew()
            except Refused as error:
                logger.error("%s", error)
                return
            except ChaosextError as error:
                logger.warning("The Lease could not be renewed: %s", error)

    def _look_after_watchdog(self) -> None:
        if self._watchdog is not None and self._watchdog.gone and self._unguarded is not None:
            said, self._unguarded = self._unguarded, None
            said()
