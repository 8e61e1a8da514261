"""`chaos gameday heal`: by hand what the watchdog does by itself."""

from __future__ import annotations

import secrets
from functools import partial
from pathlib import Path

from ..errors import Refused
from ..kubernetes.cluster import Cluster
from ..kubernetes.healing import Healing, heal, leases
from ..kubernetes.lease import Lease
from ..kubernetes.manifests import load_manifest, namespaces
from ..kubernetes.safety import check_opt_in
from ..polling import poll

__all__ = ["heal_by_hand"]


_AGAIN_SECONDS = 2.0


def heal_by_hand(manifest: Path, *, force: bool, wait_seconds: float = 0.0) -> Healing:
    """Restore a manifest and remove what any run created, under the Lease.

    Returns what was found and what is left. Raises Refused, before anything is changed, for a namespace that
    did not opt in, and when somebody alive holds the Lease for `wait_seconds` on, a run or its watchdog, unless
    `force` takes it; BadInput; KubernetesError.
    """
    documents, cluster = load_manifest(manifest), Cluster()
    check_opt_in(cluster, namespaces(documents))
    # Two people may heal at once: each has a name of their own. Who they are is the Lease's annotation.
    mine = leases(cluster, documents, f"heal-{secrets.token_hex(4)}", "heal")
    taken = []
    try:
        for lease in mine:
            if force:
                lease.seize()
            elif (held := poll(partial(_held, lease), wait_seconds, _AGAIN_SECONDS)) is not None:
                raise Refused(f"{held}. It will heal by itself; --force takes the Lease from it")
            taken.append(lease)

        def may_write() -> None:
            for lease in taken:
                lease.renew()

        return heal(cluster, documents, may_write, "healed by hand")
    finally:
        for lease in taken:
            lease.release()


def _held(lease: Lease) -> str | None:
    """Take a Lease; return who is alive and holds it, None when it was free or left behind."""
    try:
        lease.acquire()
    except Refused as error:
        return str(error)
    return None
