"""One experiment at a time in a namespace: a Lease that the run holds, and that a healer takes from it.

The Lease is coordination.k8s.io/v1. Every change of it carries the resourceVersion that it was read with, so
that of two who want it one gets it. Whether a holder is alive is judged by whether it renews while somebody
watches, as client-go's leader election does, and never by comparing clocks: machines disagree about the time.
Source: https://kubernetes.io/docs/concepts/architecture/leases/
"""

from __future__ import annotations

import getpass
import math
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ..errors import KubernetesError, Refused
from ..polling import poll
from .cluster import Cluster

__all__ = ["DURATION_SECONDS", "LEASE_NAME", "RENEW_SECONDS", "Lease"]

LEASE_NAME = "chaos-run"
DURATION_SECONDS = 15
"""A Lease that nobody renewed for so long is stale: its run died without a watchdog."""
RENEW_SECONDS = 3.0
_LOOK_SECONDS = 0.5
_ATTEMPTS = 50
"""How often a write is tried that another one came before: an API that is ill may answer 409 to all of them."""
_AGAIN_SECONDS = 0.1
_EXPERIMENT, _HOST = "chaos.experiment", "chaos.held-by"


class Lease:
    """The Lease of one namespace, wanted or held by `holder` (a run's id, or a healer's name).

    Raises KubernetesError when the cluster cannot be asked.
    """

    def __init__(self, cluster: Cluster, namespace: str, holder: str, experiment: str) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._holder = holder
        self._experiment = experiment

    def acquire(self) -> str | None:
        """Take the Lease; return the holder that left it behind, None when it was free.

        Raises Refused, with the holder and since when, when somebody alive holds it. To tell whether the holder
        is alive takes RENEW_SECONDS when it is, DURATION_SECONDS when it is not.
        """
        live: dict[str, Any] | None = None

        def took() -> bool:
            nonlocal live
            live = self._get()
            if live is not None and _holder(live) and self._renews(live):
                raise Refused(f"refused: {_describe(live, self._namespace)}. Nothing was changed")
            return self._put(live)

        self._write(took)
        return _holder(live) or None

    def take_from(self, holder: str) -> bool:
        """Take the Lease from a holder, dead or alive; False when another one has it, or nobody."""
        live: dict[str, Any] | None = None

        def took() -> bool:
            nonlocal live
            live = self._get()
            return _holder(live) != holder or self._put(live)

        self._write(took)
        return _holder(live) == holder

    def seize(self) -> str | None:
        """Take the Lease from whoever has it; return who had it, None when it was free."""
        live: dict[str, Any] | None = None

        def took() -> bool:
            nonlocal live
            live = self._get()
            return self._put(live)

        self._write(took)
        return _holder(live) or None

    def renew(self) -> None:
        """Say that the holder is alive. Raises Refused when the Lease was lost."""

        def renewed() -> bool:
            live = self._mine()
            live["spec"]["renewTime"] = _now()
            return self._cluster.replace(live) is not None

        self._write(renewed)

    def check(self) -> None:
        """Raise Refused when the Lease was lost: only its holder writes."""
        self._mine()

    def release(self) -> None:
        """Give the Lease up, if it is still held."""

        def given_up() -> bool:
            live = self._get()
            if live is None or _holder(live) != self._holder:
                return True
            live["spec"]["holderIdentity"] = ""
            live["spec"]["renewTime"] = _now()
            return self._cluster.replace(live) is not None

        self._write(given_up)

    def _write(self, attempt: Callable[[], bool]) -> None:
        """Repeat a write while others come before it. Raises KubernetesError when that does not end."""
        conflicts = 0

        def conflict() -> str | None:
            nonlocal conflicts
            if attempt():
                return None
            conflicts += 1
            if conflicts == _ATTEMPTS:
                raise KubernetesError(
                    f"the Lease {LEASE_NAME} of namespace {self._namespace} could not be written: "
                    f"{_ATTEMPTS} attempts met a conflict (409)"
                )
            return "conflict"

        poll(conflict, math.inf, _AGAIN_SECONDS)

    def _mine(self) -> dict[str, Any]:
        live = self._get()
        if live is None or _holder(live) != self._holder:
            now = f"{_holder(live) or 'nobody'} has it"
            raise Refused(
                f"refused: {self._holder} lost the Lease {LEASE_NAME} of namespace {self._namespace}: {now}. "
                "Only its holder writes"
            )
        return live

    def _renews(self, seen: dict[str, Any]) -> bool:
        """Watch a Lease for as long as it is valid; return whether it changed meanwhile."""
        last: dict[str, Any] | None = seen

        def unchanged() -> str | None:
            nonlocal last
            last = self._get()
            same = (
                last is not None and last["metadata"]["resourceVersion"] == seen["metadata"]["resourceVersion"]
            )
            return "not renewed" if same else None

        stale = poll(unchanged, _valid_seconds(seen), interval=_LOOK_SECONDS)
        return stale is None and bool(_holder(last))

    def _get(self) -> dict[str, Any] | None:
        return self._cluster.get(_named(self._namespace))

    def _put(self, live: dict[str, Any] | None) -> bool:
        """Make the Lease one's own, as it was read (None: there was none); False when it has changed since."""
        document = self._document(live)
        made = self._cluster.create(document) if live is None else self._cluster.replace(document)
        return made is not None

    def _document(self, live: dict[str, Any] | None) -> dict[str, Any]:
        document = _named(self._namespace)
        transitions = 0
        if live is not None:
            document["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
            transitions = int((live.get("spec") or {}).get("leaseTransitions") or 0) + 1
        document["metadata"]["annotations"] = {_EXPERIMENT: self._experiment, _HOST: _host()}
        document["spec"] = {
            "holderIdentity": self._holder,
            "leaseDurationSeconds": DURATION_SECONDS,
            "acquireTime": _now(),
            "renewTime": _now(),
            "leaseTransitions": transitions,
        }
        return document


def _named(namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": LEASE_NAME, "namespace": namespace},
    }


def _holder(live: dict[str, Any] | None) -> str:
    """Return who holds a Lease; "" for nobody, and for none."""
    return str(((live or {}).get("spec") or {}).get("holderIdentity") or "")


def _valid_seconds(live: dict[str, Any]) -> int:
    return int((live.get("spec") or {}).get("leaseDurationSeconds") or DURATION_SECONDS)


def _describe(live: dict[str, Any], namespace: str) -> str:
    notes = live["metadata"].get("annotations") or {}
    experiment, host = notes.get(_EXPERIMENT, "unknown"), notes.get(_HOST, "unknown")
    since = str((live.get("spec") or {}).get("acquireTime") or "an unknown time").partition(".")[0]
    who = f"run {_holder(live)} of experiment {experiment} (by {host})"
    return f"{who} holds namespace {namespace!r} since {since}"


def _host() -> str:
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (OSError, KeyError):
        return socket.gethostname()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
