"""Follows Services and their Endpoints, and tells the hosts files and the forwarder."""

import asyncio
from typing import Any

from lab.kube.store import Store
from lab.node import tasks
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
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to follow."""
        self._tasks = [tasks.start(self._follow(plural), f"network ({plural})") for plural in self._objects]

    async def stop(self) -> None:
        """Follow no more, and close every node port."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._forwarder.close()

    async def _follow(self, plural: str) -> None:
        known = self._objects[plural]
        async for kind, obj in self._store.subscribe(plural):
            key = obj["metadata"]["namespace"], obj["metadata"]["name"]
            if kind == "DELETED":
                known.pop(key, None)
            else:
                known[key] = obj
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
