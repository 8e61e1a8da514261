"""What a container's process is started with: words, environment, user, folders."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.node import environment, hooks, procfs
from lab.node.environment import ConfigError, Lookup
from lab.node.images import Image, Place
from lab.node.mounts import Mounts
from lab.node.processes import Command, User
from lab.node.volumes import mount_points

Object = dict[str, Any]
NICE = 5  # a busy pod must slow neither the lab nor the experiment that watches it
HOST_IP = "127.0.0.1"
_NSS_WRAPPER = "libnss_wrapper.so"


@dataclass(frozen=True)
class Site:
    """Where a pod runs: its address and its folders on this machine.

    :param mark: names the lab and the pod in the environment of its processes; ends with a slash.
    :param search_path: where its programs are found (PATH).
    """

    ip: str
    folder: Path
    volumes: Mapping[str, Path]
    hosts: Path
    mark: str
    search_path: str


@dataclass(frozen=True)
class Launch:
    """A container ready to start, and what its exec probes and hooks share with it."""

    command: Command
    mounts: Mounts
    mark: str

    def beside(self, words: list[str], name: str) -> Command:
        """Return a command that runs beside the container, as its user and with its environment."""
        env = {**self.command.env, procfs.MARK: f"{self.mark}{name}/"}
        argv = [self.mounts.rewrite(word) for word in words]
        return Command(argv, env, self.command.cwd, self.command.user, self.command.nice)


def prepare(pod: Object, container: Object, site: Site, image: Image, look_up: Lookup) -> Launch:
    """Make a container's folders and compute its start.

    :raises ConfigError: as a kubelet's CreateContainerConfigError.
    :raises FileNotFoundError: its program is not on its PATH.
    """
    hooks.check(container)
    home = site.folder / "containers" / container["name"]
    root = home / "root"
    mounts = Mounts(root, mount_points(container, dict(site.volumes)))
    user = _user(pod, container, image)
    _make(home, container, user or User(os.geteuid(), os.getegid()), image.account)
    given = environment.compute(pod, container, site.ip, HOST_IP, look_up, mounts)
    defaults = {
        "PATH": site.search_path,
        "HOME": str(root),
        "LANG": "C.UTF-8",
        "HOSTNAME": pod["metadata"]["name"],
    }
    fixed = {
        "LD_PRELOAD": _NSS_WRAPPER,
        "NSS_WRAPPER_HOSTS": str(site.hosts),
        "NSS_WRAPPER_PASSWD": str(home / "passwd"),
        "NSS_WRAPPER_GROUP": str(home / "group"),
        procfs.MARK: f"{site.mark}{container['name']}/",
    }
    env = {**defaults, **image.env, **given, **fixed}
    words = [mounts.rewrite(environment.expand(word, given)) for word in container.get("args") or []]
    program = [mounts.rewrite(environment.expand(word, given)) for word in container.get("command") or []]
    argv = [*program, *words] if program else image.argv(Place(mounts, site.ip, words))
    if shutil.which(argv[0], path=env["PATH"]) is None:
        raise FileNotFoundError(f'exec: "{argv[0]}": executable file not found in $PATH')
    return Launch(Command(argv, env, root, user, NICE), mounts, fixed[procfs.MARK])


def _user(pod: Object, container: Object, image: Image) -> User | None:
    """Return the user to change to; None when the lab is not root and everything runs as its caller."""
    context = {**(pod["spec"].get("securityContext") or {}), **(container.get("securityContext") or {})}
    uid = context.get("runAsUser", image.uid)
    if uid == 0:
        if context.get("runAsNonRoot"):
            raise ConfigError("container's runAsUser breaks non-root policy")
        raise ConfigError("the lab runs no container as root: give it a runAsUser")
    if os.geteuid() != 0:
        return None
    groups = {*context.get("supplementalGroups", ()), *([context["fsGroup"]] if "fsGroup" in context else [])}
    return User(uid, context.get("runAsGroup", uid), tuple(sorted(groups)))


def _make(home: Path, container: Object, user: User, account: str) -> None:
    """Make the container's root folder and the files that give its user and group a name."""
    root = home / "root"
    root.mkdir(parents=True, exist_ok=True)
    (home / "passwd").write_text(
        f"{account}:x:{user.uid}:{user.gid}::{root}:/usr/sbin/nologin\n", encoding="utf-8"
    )
    (home / "group").write_text(f"{account}:x:{user.gid}:\n", encoding="utf-8")
    if os.geteuid() == 0 and not (container.get("securityContext") or {}).get("readOnlyRootFilesystem"):
        os.chown(root, user.uid, user.gid)
