"""Where the lab keeps its state and on which ports it listens.

The ports are not the Debian services' own (9090, 9115, 5432, 6379), so that a machine that runs those can
run the lab too. Grafana keeps 3000, the port that its users know; the Kubernetes API takes 16443, as MicroK8s
and k3d do, because 6443 belongs to a real control plane.

Environment variables, for a second lab beside the first and for tests:

- ``LAB_STATE``: the state folder instead of ``<checkout>/.lab``.
- ``LAB_PORT_OFFSET``: added to every port, node ports included; it also chooses another pod network.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

HOST = "127.0.0.1"
NODE_NAME = "lab"
# Offsets come in steps of 10: fewer would let one lab's Prometheus meet another's API.
_OFFSET_STEP = 10
_MAX_OFFSET = 9990


@dataclass(frozen=True)
class Ports:
    """The lab's TCP ports, all on 127.0.0.1."""

    kubernetes: int
    internal: int  # service discovery, kube_* metrics and the daemon's own status
    grafana: int
    prometheus: int
    blackbox: int
    loki: int

    def named(self) -> dict[str, int]:
        """Return each port under the name that messages use for it."""
        return {
            "Kubernetes API": self.kubernetes,
            "service discovery": self.internal,
            "Grafana": self.grafana,
            "Prometheus": self.prometheus,
            "blackbox exporter": self.blackbox,
            "log store": self.loki,
        }


@dataclass(frozen=True)
class Settings:
    """One lab: the checkout it serves, its state folder and its port offset."""

    checkout: Path
    state: Path
    offset: int = 0

    @property
    def ports(self) -> Ports:
        """Return the ports, moved by the offset."""
        base = Ports(
            kubernetes=16443, internal=16444, grafana=3000, prometheus=19090, blackbox=19115, loki=13100
        )
        return Ports(**{name: port + self.offset for name, port in vars(base).items()})

    @property
    def pod_network(self) -> str:
        """Return the first two octets of every pod's address; two labs on one machine have different ones."""
        return f"127.{77 + (self.offset // _OFFSET_STEP) % 150}"

    @property
    def manifests(self) -> Path:
        """Return the folder of the contract files."""
        return self.checkout / "manifests"


def from_environment() -> Settings:
    """Return this checkout's settings.

    :raises LabError: LAB_PORT_OFFSET is no multiple of 10 between 0 and 9990.
    """
    checkout = Path(__file__).resolve().parents[2]
    state = Path(os.environ.get("LAB_STATE") or checkout / ".lab").resolve()
    text = os.environ.get("LAB_PORT_OFFSET") or "0"
    if not text.isdecimal() or int(text) > _MAX_OFFSET or int(text) % _OFFSET_STEP:
        raise LabError(f"LAB_PORT_OFFSET is {text!r}: give a multiple of {_OFFSET_STEP} up to {_MAX_OFFSET}")
    return Settings(checkout, state, int(text))
