"""A pod's volumes as folders: emptyDir, configMap and secret."""

import os
from pathlib import Path
from typing import Any

from lab.node.environment import ConfigError, Lookup, contents

Object = dict[str, Any]
_DEFAULT_MODE = 0o644


def make(pod: Object, folder: Path, look_up: Lookup) -> dict[str, Path]:
    """Write every volume of a pod below a folder and return name -> path.

    Files belong to root and the pod's fsGroup, as a kubelet gives them; when the caller is not root,
    everything is the caller's.

    :raises ConfigError: a source is missing and not optional, or the pod asks for what the lab lacks: another
        volume type.
    """
    group = (pod["spec"].get("securityContext") or {}).get("fsGroup")
    result: dict[str, Path] = {}
    for volume in pod["spec"].get("volumes", []):
        path = folder / volume["name"]
        path.mkdir(parents=True, exist_ok=True)
        _own(path, group, 0o2770 if group is not None else 0o777)
        if "configMap" in volume or "secret" in volume:
            _write(path, volume, pod["metadata"]["namespace"], group, look_up)
        elif "emptyDir" not in volume:
            kinds = ", ".join(key for key in volume if key != "name")
            raise ConfigError(
                f"volume {volume['name']!r}: type {kinds or 'unknown'} is not supported by the lab"
            )
        result[volume["name"]] = path
    return result


def mount_points(container: Object, volumes: dict[str, Path]) -> dict[str, Path]:
    """Return mount path -> folder for a container.

    :raises ConfigError: it mounts a volume that the pod does not have.
    """
    result: dict[str, Path] = {}
    for mount in container.get("volumeMounts", []):
        if mount["name"] not in volumes:
            raise ConfigError(f"volume mount {mount['name']!r} has no volume")
        folder = volumes[mount["name"]]
        result[mount["mountPath"]] = _inside(folder, mount.get("subPath", ""), mount["name"])
    return result


def _write(path: Path, volume: Object, namespace: str, group: int | None, look_up: Lookup) -> None:
    plural = "configmaps" if "configMap" in volume else "secrets"
    source = volume.get("configMap") or volume["secret"]
    name = source.get("name") or source.get("secretName", "")
    found = look_up(plural, namespace, name)
    if found is None:
        if source.get("optional"):
            return
        what = f'{plural.removesuffix("s")} "{name}" not found'
        raise ConfigError(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {what}')
    entries = contents(found)
    items = source.get("items") or [{"key": key, "path": key} for key in entries]
    for item in items:
        if item["key"] not in entries:
            raise ConfigError(f'references non-existent config key: {item["key"]} (volume "{volume["name"]}")')
        target = _inside(path, item["path"], volume["name"])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(entries[item["key"]])
        mode = item.get("mode", source.get("defaultMode", _DEFAULT_MODE))
        _own(target, group, mode | 0o040 if group is not None else mode)


def _inside(folder: Path, path: str, volume: str) -> Path:
    target = folder / path
    if not target.resolve().is_relative_to(folder.resolve()):
        raise ConfigError(f'volume "{volume}": path {path!r} leaves the volume')
    return target


def _own(path: Path, group: int | None, mode: int) -> None:
    if group is not None and os.geteuid() == 0:
        os.chown(path, 0, group)
    path.chmod(mode)
