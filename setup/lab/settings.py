"""Where the lab keeps its state and on which ports it listens.

The ports are not the Debian services' own (9090, 9115, 5432, 6379), so that a machine that runs those can
run the lab too. Grafana keeps 3000, the port that its users know; the Kubernetes API takes 16443, as MicroK8s
and k3d do, because 6443 belongs to a real control plane.

One number moves them all, node ports and the pod network included: the offset. ``up`` chooses the first one
that is free (lab.offsets) and writes it down in the state folder, where every other command finds it.

Environment variables, for tests and for who wants to choose:

- ``LAB_STATE``: the state folder instead of ``<checkout>/.lab``.
- ``LAB_PORT_OFFSET``: the offset; then ``up`` takes this one or fails.
"""

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

HOST = "127.0.0.1"
NODE_NAME = "lab"
# Offsets come in steps of 10: fewer would let one lab's Prometheus meet another's API.
OFFSET_STEP = 10
MAX_OFFSET = 9990
_RECORD = "port-offset"


@dataclass(frozen=True)
class Ports:
    """The lab's TCP ports, all on 127.0.0.1."""

    kubernetes: int
    internal: int  # service discovery, kube_* metrics and the daemon's own status
    grafana: int
    prometheus: int
    alertmanager: int
    blackbox: int
    loki: int  # the log store
    tempo: int  # the trace store: spans by OTLP/HTTP, and questions
    postgres: int  # its exporter; the database itself is at its pod's own address
    redis: int  # likewise

    def named(self) -> dict[str, int]:
        """Return each port under the name that messages use for it."""
        return {
            "Kubernetes API": self.kubernetes,
            "service discovery": self.internal,
            "Grafana": self.grafana,
            "Prometheus": self.prometheus,
            "Alertmanager": self.alertmanager,
            "blackbox exporter": self.blackbox,
            "log store": self.loki,
            "trace store": self.tempo,
            "PostgreSQL exporter": self.postgres,
            "Redis exporter": self.redis,
        }


# Most are the usual ports plus 10000. The last digits differ, so that no two labs' ports meet whatever their
# offsets are: that is why Alertmanager has 19098 and not 19093, the log store 13106 and not 13100, and the
# trace store 13209 and not 13200.
_BASE = Ports(
    kubernetes=16443,
    internal=16444,
    grafana=3000,
    prometheus=19090,
    alertmanager=19098,
    blackbox=19115,
    loki=13106,
    tempo=13209,
    postgres=19187,
    redis=19121,
)


@dataclass(frozen=True)
class Settings:
    """One lab: the checkout it serves, its state folder and its port offset.

    :param chosen: the user chose the offset, so that no other may be taken.
    """

    checkout: Path
    state: Path
    offset: int = 0
    chosen: bool = False

    @property
    def ports(self) -> Ports:
        """Return the ports, moved by the offset."""
        return Ports(**{name: port + self.offset for name, port in vars(_BASE).items()})

    @property
    def pod_network(self) -> str:
        """Return the first two octets of every pod's address; two labs on one machine have different ones."""
        return f"127.{77 + (self.offset // OFFSET_STEP) % 150}"

    @property
    def manifests(self) -> Path:
        """Return the folder of the contract files."""
        return self.checkout / "manifests"

    def at(self, offset: int) -> "Settings":
        """Return the same lab at another offset."""
        return dataclasses.replace(self, offset=offset)

    def recorded(self) -> "Settings":
        """Return the same lab at the offset that its last ``up`` wrote down; as it is without a record."""
        offset = recorded_offset(self.state)
        return self if offset is None else self.at(offset)


def from_environment() -> Settings:
    """Return this checkout's settings: with the offset of LAB_PORT_OFFSET, else the one written down, else 0.

    :raises LabError: LAB_PORT_OFFSET is no multiple of 10 between 0 and 9990.
    """
    checkout = Path(__file__).resolve().parents[2]
    state = Path(os.environ.get("LAB_STATE") or checkout / ".lab").resolve()
    text = os.environ.get("LAB_PORT_OFFSET")
    if not text:
        return Settings(checkout, state, recorded_offset(state) or 0)
    offset = _offset(text)
    if offset is None:
        raise LabError(f"LAB_PORT_OFFSET is {text!r}: give a multiple of {OFFSET_STEP} up to {MAX_OFFSET}")
    return Settings(checkout, state, offset, chosen=True)


def recorded_offset(state: Path) -> int | None:
    """Return the offset that the last ``up`` wrote down; None without one that can be read."""
    try:
        return _offset((state / _RECORD).read_text(encoding="ascii").strip())
    except (OSError, UnicodeDecodeError):
        return None


def record_offset(settings: Settings) -> None:
    """Write the offset down, for every later command; it stays until ``down --purge``."""
    settings.state.mkdir(parents=True, exist_ok=True)
    draft = settings.state / f".{_RECORD}"
    draft.write_text(f"{settings.offset}\n", encoding="ascii")
    draft.replace(settings.state / _RECORD)


def _offset(text: str) -> int | None:
    short = text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_OFFSET))
    return int(text) if short and int(text) <= MAX_OFFSET and int(text) % OFFSET_STEP == 0 else None
