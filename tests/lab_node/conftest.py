"""A node on a real Store, with everything below a short folder that pods' users can reach."""

import asyncio
import contextlib
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

import pytest

from lab.kube.metrics import metrics_text
from lab.kube.store import Store
from lab.node import images
from lab.node.addresses import Addresses, unbound
from lab.node.build import build
from lab.node.container import Machine
from lab.node.forwarder import Forwarder
from lab.node.logs import LogFolder
from lab.node.names import HostsFiles
from lab.node.network import Network
from lab.node.node import Node
from lab.node.pod import Surroundings
from lab.node.probes import Prober
from lab.node.processes import Children

from .ownlab import own_lab, two_labs  # noqa: F401 -- fixtures for all tests here

SETUP = Path(__file__).parents[2] / "setup"
NAMESPACE = "test"
PYTHON = Path(sys.executable).parent.resolve() / Path(sys.executable).name


class World:
    """A node that runs, and short words for what tests do with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store()
        self.store.create("namespaces", {"metadata": {"name": NAMESPACE}})
        for name in ("images", "pods", "hosts", "log", "records"):
            (folder / name).mkdir()
        self.mark = f"{folder.name}/"
        self.children = Children(folder / "records")
        self.logs = LogFolder(folder / "log")
        self.network_prefix = network = f"127.{230 + os.getpid() % 20}"
        self.hosts = HostsFiles(folder / "hosts", unbound(network))
        self.network = Network(self.store, self.hosts, Forwarder("127.0.0.1"))
        self.prober = Prober()
        postgres = images.newest_postgres()
        table = images.table(
            str(PYTHON),
            build(SETUP / "shop", folder / "images"),
            build(SETUP / "lab" / "node" / "postgres", folder / "images"),
            postgres,
        )
        machine = Machine(self.children, table, self.store.find, self.logs, self.prober, backoff_seconds=0.5)
        self.meter = machine.meter
        search_path = f"{PYTHON.parent}:{postgres}:/usr/bin:/bin"
        around = Surroundings(
            self.store, machine, Addresses(network), folder / "pods", self.hosts.path, self.mark, search_path
        )
        self.node = Node("lab", around)

    def run(self, name: str, script: str, **fields):
        """Create a pod whose container runs a shell script; fields: of the container, or `pod` for the spec."""
        pod = fields.pop("pod", {})
        container = {"name": "main", "image": "ecommerce-shop:1", "command": ["sh", "-c", script], **fields}
        return self.create(name, [container], **pod)

    def create(self, name: str, containers: list, labels: dict | None = None, **spec):
        """Create a pod of containers on the node."""
        metadata = {"name": name, "namespace": NAMESPACE, "labels": labels or {}}
        spec = {"nodeName": "lab", "terminationGracePeriodSeconds": 5, **spec, "containers": containers}
        return self.store.create("pods", {"metadata": metadata, "spec": spec})

    def pod(self, name: str):
        """Return a pod as the API has it; None when it is gone."""
        return self.store.find("pods", NAMESPACE, name)

    def status(self, name: str):
        """Return the status of a pod's first container; empty before there is one."""
        found = self.pod(name).get("status", {}).get("containerStatuses") or [{}]
        return {"state": {}, "restartCount": 0, **found[0]}

    def series(self, name: str, kind: str = "container") -> dict[str, float | str]:
        """Return what a scrape of the real store says of a pod's only container of a kind.

        By the name behind kube_pod_<kind>_status_: the reason, or the value where there are none.
        """
        start = re.compile(rf'kube_pod_{kind}_status_(\w+){{namespace="{NAMESPACE}",pod="{name}",(.*)}} (\S+)')
        found = {}
        for match in filter(None, map(start.fullmatch, metrics_text(self.store).splitlines())):
            family, labels, value = match.groups()
            assert family not in found, match[0]
            reason = re.search(r'reason="(\w+)"', labels)
            found[family] = reason[1] if reason and value == "1" else float(value)
        return found

    def condition(self, name: str, kind: str) -> str:
        """Return a condition of a pod."""
        found = {entry["type"]: entry["status"] for entry in self.pod(name)["status"].get("conditions", [])}
        return found.get(kind, "")

    def output(self, name: str, run: int = 0) -> str:
        """Return what a pod's first container wrote, without times and streams."""
        pod = self.pod(name)
        folder = self.logs.pod(NAMESPACE, name, pod["metadata"]["uid"])
        container = pod["spec"]["containers"][0]["name"]
        path = folder / container / f"{run}.log"
        lines = path.read_text().splitlines() if path.exists() else []
        return "\n".join(line.split(" ", 3)[3] for line in lines)

    def events(self, name: str) -> list[tuple[str, str]]:
        """Return (reason, message) of a pod's events."""
        found = [
            item for item in self.store.list("events", NAMESPACE) if item["involvedObject"]["name"] == name
        ]
        return [(item["reason"], item["message"]) for item in found]

    async def until(self, condition, seconds: float = 30.0):
        """Wait until a condition gives something true, and return that."""
        deadline = time.monotonic() + seconds
        while not (result := condition()):
            assert time.monotonic() < deadline, f"not within {seconds} s"
            await asyncio.sleep(0.02)
        return result

    async def ended(self, name: str, code: int | None = None):
        """Wait until a pod's first container ended for good, and return its terminated state."""
        state = await self.until(lambda: self.status(name)["state"].get("terminated"))
        assert code is None or state["exitCode"] == code
        return state


@contextlib.asynccontextmanager
async def _world():
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="lab-"))
    folder.chmod(0o755)
    world = World(folder)
    world.network.start()
    world.node.start()
    try:
        yield world
    finally:
        await world.node.stop()
        await world.network.stop()
        await world.prober.close()
        world.children.close()
        shutil.rmtree(folder)


@pytest.fixture
def with_world():
    """Return a runner: it calls an async test body with a World, in a loop of its own."""

    def run(body):
        async def main():
            async with _world() as world:
                await body(world)

        asyncio.run(main())

    return run
