"""`chaos gameday heal`: by hand what the watchdog does by itself."""

from __future__ import annotations

import secrets
from pathlib import Path

from ..errors import Refused
from ..kubernetes.cluster import Cluster
from ..kubernetes.healing import Healing, heal, leases
from ..kubernetes.manifests import load_manifest, namespaces
from ..kubernetes.safety import check_opt_in

__all__ = ["heal_by_hand"]


def heal_by_hand(manifest: Path, *, force: bool) -> Healing:
    """Restore a manifest and remove what any run created, under the Lease.

    Returns what was found and what is left. Raises Refused, before anything is changed, for a namespace that
    did not opt in, and when a run that is alive holds the Lease, unless `force` takes it; BadInput;
    KubernetesError.
    """
    documents, cluster = load_manifest(manifest), Cluster()
    check_opt_in(cluster, namespaces(documents))
    # Two people may heal at once: each has a name of their own. Who they are is the Lease's annotation.
    mine = leases(cluster, documents, f"heal-{secrets.token_hex(4)}", "heal")
    taken = []
    try:
        for lease in mine:
            try:
                lease.seize() if force else lease.acquire()
            except Refused as error:
                raise Refused(f"{error}. It will heal by itself; --force takes the Lease from it") from error
            taken.append(lease)

        def may_write() -> None:
            for lease in taken:
                lease.renew()

        return heal(cluster, documents, may_write, "healed by hand")
    finally:
        for lease in taken:
            lease.release()
