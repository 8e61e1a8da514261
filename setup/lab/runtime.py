"""Puts the node together: images, names, node ports, pods."""

import os
from pathlib import Path

from lab import leftovers
from lab.errors import LabError
from lab.kept import Kept
from lab.kube.store import Store
from lab.layout import Layout, interpreter
from lab.node import images
from lab.node.addresses import Addresses, unbound
from lab.node.build import build
from lab.node.container import Machine
from lab.node.forwarder import Forwarder
from lab.node.logreader import Reader
from lab.node.logs import LogFolder
from lab.node.names import HostsFiles
from lab.node.network import Network
from lab.node.node import Node
from lab.node.pod import Surroundings
from lab.node.probes import Prober
from lab.node.processes import Children
from lab.settings import HOST, NODE_NAME, Settings

_SETUP = Path(__file__).resolve().parents[1]
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Runtime:
    """The node of one lab and all that it needs; made inside the running loop.

    :raises LabError: PostgreSQL's server is not installed.
    """

    def __init__(self, settings: Settings, layout: Layout, store: Store, children: Children) -> None:
        postgres = images.newest_postgres()
        if postgres is None:
            raise LabError("no PostgreSQL server is installed: install the Debian package postgresql")
        shop = build(_SETUP / "shop", layout.images)
        entry_point = build(_SETUP / "lab" / "node" / "postgres", layout.images)
        logs = LogFolder(layout.pod_logs)
        self.reader = Reader(logs)
        self.hosts = HostsFiles(layout.hosts, unbound(settings.pod_network))
        self._prober = Prober()
        self._network = Network(store, self.hosts, Forwarder(HOST), settings.offset)
        machine = Machine(
            children=children,
            images=images.table(str(interpreter()), shop, entry_point, postgres),
            look_up=store.find,
            logs=logs,
            prober=self._prober,
        )
        self.meter = machine.meter
        # The interpreter and the server's own tools come first: /usr/bin has slow wrappers of the latter.
        search_path = os.pathsep.join([str(interpreter().parent), str(postgres), _SYSTEM_PATH])
        around = Surroundings(
            store=store,
            machine=machine,
            addresses=Addresses(settings.pod_network),
            folder=layout.pods,
            hosts=self.hosts.path,
            mark=leftovers.mark_of(layout.state),
            search_path=search_path,
        )
        self._node = Node(NODE_NAME, around)

    def start(self) -> None:
        """Begin to run pods and to serve names."""
        self._network.start()
        self._node.start()

    @property
    def kept(self) -> list[Kept]:
        """Return the tasks that run while the node does."""
        return [*self._node.kept, *self._network.kept]

    async def stop(self) -> None:
        """End all pods."""
        await self._node.stop()
        await self._network.stop()
        await self._prober.close()
