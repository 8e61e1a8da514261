"""The hosts files by which pods find Services (libnss_wrapper reads them).

Each namespace has a file, because a short name means the Service of the caller's own namespace. A Service maps
to the addresses of its ready pods, so there is no proxy hop; one without a ready pod keeps its names, mapped to
an address that nobody binds, so that a caller is refused as in a cluster.
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path

#: (namespace, Service name) -> addresses of ready pods
Table = Mapping[tuple[str, str], list[str]]
_CLUSTER = "_cluster"  # no namespace can be called so


class HostsFiles:
    """Writes one hosts file per namespace, and one with full names only for what runs in no pod.

    :param unbound: the address for a Service without a ready pod.
    """

    def __init__(self, folder: Path, unbound: str) -> None:
        self._folder = folder
        self._unbound = unbound
        self._table: Table = {}
        self._written: dict[str, str] = {}
        self._mtime = 0
        self.cluster = self.path(_CLUSTER)

    def path(self, namespace: str) -> Path:
        """Return a namespace's file, which exists from now on."""
        if namespace not in self._written:
            self._write({namespace: render(self._table, namespace, self._unbound)})
        return self._folder / namespace

    def update(self, table: Table) -> None:
        """Rewrite the files whose content a new table changes."""
        self._table = table
        texts = {namespace: render(table, namespace, self._unbound) for namespace in self._written}
        changed = {namespace: text for namespace, text in texts.items() if self._written[namespace] != text}
        if changed:
            self._write(changed)

    def _write(self, texts: dict[str, str]) -> None:
        # Readers compare the time of change in whole seconds. Two changes within a second would look like one,
        # so each gets a later second than the one before, ahead of the clock if need be; it only ever grows.
        self._mtime = max(int(time.time()), self._mtime + 1)
        for namespace, text in texts.items():
            draft = self._folder / f".{namespace}"
            draft.write_text(text, encoding="ascii")
            draft.chmod(0o644)
            os.utime(draft, (self._mtime, self._mtime))
            draft.replace(self._folder / namespace)
        self._written |= texts


def render(table: Table, namespace: str, unbound: str) -> str:
    """Return a namespace's hosts file."""
    lines = ["127.0.0.1 localhost"]
    for (owner, service), addresses in sorted(table.items()):
        names = [f"{service}.{owner}{tail}" for tail in ("", ".svc", ".svc.cluster.local")]
        if owner == namespace:
            names.insert(0, service)
        lines += [f"{address} {' '.join(names)}" for address in addresses or [unbound]]
    return "\n".join(lines) + "\n"
