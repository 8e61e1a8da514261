"""Follows Services and their Endpoints, and tells the hosts files and the forwarder."""

import contextlib
from functools import partial
from typing import Any

from lab.kept import Kept, stop_all
from lab.kube import meta
from lab.kube.store import Store
from lab.node.forwarder import Forwarder
from lab.node.names import HostsFiles

Object = dict[str, Any]
Key = tuple[str, str]


class Network:
    """Keeps names and node ports true.

    :param port_offset: added to every node port, so that two labs can have the same Services.
    """

    def __init__(self, store: Store, hosts: HostsFiles, forwarder: Forwarder, port_offset: int = 0) -> None:
        self._store, self._hosts, self._forwarder, self._offset = store, hosts, forwarder, port_offset
        self._objects: dict[str, dict[Key, Object]] = {"services": {}, "endpoints": {}}
        self.kept: list[Kept] = []

    def start(self) -> None:
        """Begin to follow."""
        self.kept = [Kept(f"network ({plural})", partial(self._follow, plural)) for plural in self._objects]

    async def stop(self) -> None:
        """Follow no more, and close every node port."""
        await stop_all(self.kept)
        await self._forwarder.close()

    async def _follow(self, plural: str) -> None:
        with contextlib.closing(self._store.subscribe(plural)) as changes:
            # All at once: after a failure no name is missing for a moment, and what was deleted is gone.
            known = self._objects[plural] = {meta.key_of(obj): obj for obj in self._store.list(plural)}
            await self._tell()
            async for kind, obj in changes:
                if kind == "DELETED":
                    known.pop(meta.key_of(obj), None)
                else:
                    known[meta.key_of(obj)] = obj
                await self._tell()

    async def _tell(self) -> None:
        services, endpoints = self._objects["services"], self._objects["endpoints"]
        self._hosts.update({key: _addresses(endpoints.get(key)) for key in services})
        await self._forwarder.update(self._node_ports())

    def _node_ports(self) -> dict[int, list[tuple[str, int]]]:
        return {
            port["nodePort"] + self._offset: _targets(self._objects["endpoints"].get(key), port)
            for key, service in self._objects["services"].items()
            for port in service["spec"].get("ports") or []
            if port.get("nodePort") and port.get("protocol", "TCP") == "TCP"
        }


def _addresses(endpoints: Object | None) -> list[str]:
    """Return the ready addresses of a Service."""
    subsets = (endpoints or {}).get("subsets") or []
    return [address["ip"] for subset in subsets for address in subset.get("addresses") or []]


def _targets(endpoints: Object | None, port: Object) -> list[tuple[str, int]]:
    """Return the ready (address, port) pairs of one port of a Service; its Endpoints carry the same name."""
    return [
        (address["ip"], entry["port"])
        for subset in (endpoints or {}).get("subsets") or []
        for entry in subset.get("ports") or []
        if entry.get("name", "") == port.get("name", "")
        for address in subset.get("addresses") or []
    ]
