"""Which program stands for which image.

============== ==========================================================================================
ecommerce-shop ``python -m shop <args>``, a fixed copy of setup/shop
ecommerce-load ``python -m shop.load <args>``, the same copy
postgres       Debian's newest server, started as the official image's entry point would (lab.node.postgres)
redis          Debian's redis-server, bound to the pod's address
============== ==========================================================================================

A tag chooses nothing: what is installed is what runs, and ``imageID`` says what that is.
"""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.node.mounts import Mounts


@dataclass(frozen=True)
class Place:
    """Where a container runs: its paths, its pod's address and its words."""

    mounts: Mounts
    pod_ip: str
    args: list[str]


@dataclass(frozen=True)
class Image:
    """A program that stands for an image.

    :param identity: what ``imageID`` reports.
    :param account: the name that the image's /etc/passwd gives to the running user.
    :param uid: the user of an image that a pod gives none.
    :param env: variables that the image brings along.
    :param argv: the words to start, without a ``command`` of the pod's own.
    """

    identity: str
    account: str
    uid: int
    env: dict[str, str]
    argv: Callable[[Place], list[str]]
    stop_signal: signal.Signals = signal.SIGTERM


def newest_postgres(root: Path = Path("/usr/lib/postgresql")) -> Path | None:
    """Return the folder of the newest PostgreSQL server's programs; None when none is installed."""
    found = [path.parent for path in root.glob("*/bin/postgres") if path.parts[-3].isdecimal()]
    return max(found, key=lambda path: int(path.parent.name), default=None)


def table(python: str, shop: Path, entry_point: Path, postgres: Path) -> dict[str, Image]:
    """Return repository -> image.

    :param python: the interpreter that pods run.
    :param shop: the built shop, a folder for PYTHONPATH.
    :param entry_point: the built lab.node.postgres, likewise.
    :param postgres: the folder of the server's programs.
    """
    python_env = {
        "PYTHONPATH": str(shop),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONUNBUFFERED": "1",
    }

    def server(place: Place) -> list[str]:
        words = [python, "-I", "-S", str(entry_point / "postgres" / "__main__.py")]
        words += ["--bin", str(postgres), "--listen", place.pod_ip]
        words += ["--scripts", str(place.mounts.place("/docker-entrypoint-initdb.d"))]
        words += ["--socket-dir", str(place.mounts.place("/var/run/postgresql"))]
        return [*words, "--", *place.args]

    def module(name: str) -> Callable[[Place], list[str]]:
        return lambda place: [python, "-m", name, *place.args]

    def redis(place: Place) -> list[str]:
        return ["redis-server", *place.args, "--bind", place.pod_ip]

    digest = f"sha256:{shop.name}"
    return {
        "ecommerce-shop": Image(f"ecommerce-shop@{digest}", "shop", 10001, python_env, module("shop")),
        "ecommerce-load": Image(f"ecommerce-load@{digest}", "shop", 10001, python_env, module("shop.load")),
        # The official image's STOPSIGNAL: a fast shutdown, where SIGTERM would wait for every client.
        "postgres": Image(f"debian:{postgres.parent}", "postgres", 999, {}, server, signal.SIGINT),
        "redis": Image("debian:/usr/bin/redis-server", "redis", 999, {}, redis),
    }


def repository(reference: str) -> str:
    """Return an image reference without tag and digest."""
    name = reference.partition("@")[0]
    head, colon, tail = name.rpartition(":")
    return head if colon and "/" not in tail else name
