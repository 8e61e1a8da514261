"""Healing what a run left behind: take its Lease, restore, prove it, give the Lease up."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict

from ..errors import ChaosextError
from ..run import RUN_ID_LABEL, current
from .cluster import Cluster
from .lease import Lease
from .manifests import namespaces
from .proof import prove, to_undo
from .restore import restore

__all__ = ["ANY_RUN", "Healing", "heal", "leases"]

ANY_RUN = RUN_ID_LABEL
"""The label selector of what any run created."""


class Healing(BaseModel):
    """What a healing found and did. `differences` were found before it, `remaining` after it."""

    model_config = ConfigDict(extra="forbid")

    reason: str
    differences: list[str]
    remaining: list[str]
    seconds: float

    @property
    def healed(self) -> bool:
        """Whether nothing is left that stands against a complete restore."""
        return not self.remaining


def leases(cluster: Cluster, documents: list[dict[str, Any]], holder: str, experiment: str) -> list[Lease]:
    """Return the Leases of a manifest's namespaces, in an order that everybody takes them in."""
    return [Lease(cluster, name, holder, experiment) for name in sorted(namespaces(documents))]


def heal(
    cluster: Cluster, documents: list[dict[str, Any]], may_write: Callable[[], None], reason: str
) -> Healing:
    """Restore a manifest and remove what any run created; return what was found, and what is left.

    The caller holds the Leases, and `may_write` raises Refused when one was lost. What the restoring itself
    could not do is part of `remaining`. Safe to repeat.
    """
    began = time.monotonic()
    found = to_undo(cluster, documents, ANY_RUN)
    failed: list[str] = []
    run = current()
    before, run.may_write = run.may_write, may_write
    try:
        restore(cluster, documents, ANY_RUN)
    except ChaosextError as error:
        failed.append(str(error))
    finally:
        run.may_write = before
    remaining = [*failed, *prove(cluster, documents, ANY_RUN)]
    return Healing(
        reason=reason, differences=found, remaining=remaining, seconds=round(time.monotonic() - began, 2)
    )
