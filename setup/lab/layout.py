"""Where things lie: the state folder of the lab, and the data folder that pods' users must reach.

A pod runs as its own user when the lab is root. That user cannot enter a checkout below a home of mode 0700,
so what pods run and write then lies outside, in a folder of the checkout's own below /var/lib.
"""

import hashlib
import os
import shutil
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.settings import Settings

_OUTSIDE = Path("/var/lib/chaos-gameday-lab")
# A UNIX socket's path has 107 bytes (sun_path, unix(7)); PostgreSQL's needs this much below the data folder.
_SOCKET_TAIL = len("/pods/01234567/volumes/run/.s.PGSQL.5432")
_SUN_PATH = 107
_EMBEDDED = ("kubernetes", "node", "grafana")


@dataclass(frozen=True)
class Layout:
    """The lab's folders and files: ``state`` is for its owner only, ``data`` is what pods use."""

    state: Path
    data: Path

    @property
    def run(self) -> Path:
        """Return the folder of the pid file and the records of started processes."""
        return self.state / "run"

    @property
    def log(self) -> Path:
        """Return the folder of all logs."""
        return self.state / "log"

    @property
    def pod_logs(self) -> Path:
        """Return the folder of the containers' logs."""
        return self.log / "pods"

    @property
    def pki(self) -> Path:
        """Return the folder of the certificate authority."""
        return self.state / "pki"

    @property
    def kubeconfig(self) -> Path:
        """Return the file that KUBECONFIG names."""
        return self.state / "kubeconfig"

    @property
    def kube_cache(self) -> Path:
        """Return kubectl's discovery cache, kept apart from the one of the user's own clusters."""
        return self.state / "kubecache"

    @property
    def pid_file(self) -> Path:
        """Return the file that the daemon holds locked."""
        return self.run / "daemon.pid"

    @property
    def turn_file(self) -> Path:
        """Return the file that keeps two commands that start or end the lab apart."""
        return self.run / "up.lock"

    @property
    def processes(self) -> Path:
        """Return the folder with one record per long-running process."""
        return self.run / "processes"

    @property
    def boot(self) -> Path:
        """Return the file that says during which boot of the machine the records were made."""
        return self.run / "boot"

    @property
    def images(self) -> Path:
        """Return the folder of built images."""
        return self.data / "images"

    @property
    def pods(self) -> Path:
        """Return the folder with one folder per pod."""
        return self.data / "pods"

    @property
    def hosts(self) -> Path:
        """Return the folder with one hosts file per namespace."""
        return self.data / "hosts"

    @property
    def prometheus(self) -> Path:
        """Return the folder of Prometheus' configuration and storage."""
        return self.data / "prometheus"

    @property
    def alertmanager(self) -> Path:
        """Return the folder of Alertmanager's configuration and storage."""
        return self.data / "alertmanager"

    @property
    def alerts(self) -> Path:
        """Return the file of the messages that Alertmanager sent."""
        return self.state / "alerts.jsonl"

    def component_log(self, name: str) -> Path:
        """Return the log of a component; some live in the daemon and write to its log."""
        return self.log / f"{'daemon' if name in _EMBEDDED else name}.log"

    def token(self, name: str) -> str:
        """Return the secret token kept under a name (``kubernetes`` or ``grafana``).

        :raises LabError: the lab was never up here.
        """
        try:
            token = (self.state / f"{name}.token").read_text(encoding="ascii", errors="replace").strip()
        except FileNotFoundError:
            token = ""
        # An empty one, left by a full disk or a crash, must let nobody in.
        if not token:
            raise LabError(f"no lab is known at {self.state}: run `python -m lab up` first")
        return token


def interpreter() -> Path:
    """Return this Python by a path that pods' users can follow.

    A virtual environment may be a link below a home that they cannot enter; the folder it leads to is named
    instead. The last name stays, because Python finds its environment beside it.
    """
    path = Path(sys.executable)
    return path.parent.resolve() / path.name


def others_can_reach(path: Path) -> bool:
    """Say whether every existing folder on the way to a path lets any user pass."""
    for folder in (path, *path.parents):
        if folder.is_dir() and not folder.stat().st_mode & stat.S_IXOTH:
            return False
    return True


def find(settings: Settings) -> Layout:
    """Return the layout for a lab, without creating anything.

    :raises LabError: the path is too long for PostgreSQL's socket.
    """
    data = settings.state / "data"
    if os.geteuid() == 0 and not others_can_reach(settings.state.parent):
        data = _outside(settings.state)
    if len(os.fsencode(data)) + _SOCKET_TAIL > _SUN_PATH:
        if os.geteuid() != 0:
            longest = _SUN_PATH - _SOCKET_TAIL
            raise LabError(
                f"the path {data} is too long for PostgreSQL's socket ({longest} bytes fit): "
                "clone to a shorter path or set LAB_STATE to a short one"
            )
        data = _outside(settings.state)
    return Layout(settings.state, data)


def _outside(state: Path) -> Path:
    return _OUTSIDE / hashlib.sha256(os.fsencode(state)).hexdigest()[:16]


def create(layout: Layout) -> None:
    """Create the folders that the daemon needs, and clear what the last lab left in those that start empty."""
    for folder in (layout.pods, layout.hosts, layout.prometheus, layout.alertmanager, layout.processes):
        if folder.is_dir():
            shutil.rmtree(folder, ignore_errors=True)
        else:
            folder.unlink(missing_ok=True)  # whatever a crash made of it
    # 0711: pods' users pass through to what they are told of, but cannot list; secrets in it have mode 0600.
    outer = (layout.state, *((layout.data.parent,) if layout.data.parent == _OUTSIDE else ()), layout.data)
    for folder in (*outer, layout.pods, layout.images, layout.hosts):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)
    for folder in (layout.run, layout.processes, layout.log, layout.pod_logs, layout.kube_cache):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)


def purge(layout: Layout) -> None:
    """Remove all that the lab ever wrote."""
    shutil.rmtree(layout.data, ignore_errors=True)
    shutil.rmtree(layout.state, ignore_errors=True)
    if layout.data.parent == _OUTSIDE and _OUTSIDE.is_dir() and not any(_OUTSIDE.iterdir()):
        _OUTSIDE.rmdir()
