"""Who owns which field: metadata.managedFields, read, written and kept up with updates."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from lab.kube import meta
from lab.kube.patch.fieldsets import Path, compare, from_fields_v1, to_fields_v1
from lab.kube.resources import Resource

_SYSTEM = {
    ("f:apiVersion",),
    ("f:kind",),
    ("f:metadata",),
    *(
        ("f:metadata", f"f:{name}")
        for name in (
            "name",
            "namespace",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "selfLink",
            "uid",
            "generation",
            "managedFields",
            "resourceVersion",
        )
    ),
}


@dataclass(frozen=True, slots=True)
class Manager:
    """Somebody who writes: a name, by which kind of request, to which part."""

    name: str
    operation: str = "Update"
    subresource: str = ""
    api_version: str = ""

    def described(self) -> str:
        """Name the manager as conflicts do."""
        text = f'"{self.name}"'
        if self.subresource:
            text += f' with subresource "{self.subresource}"'
        return f"{text} using {self.api_version}" if self.operation == "Update" else text


@dataclass(frozen=True, slots=True)
class Owned:
    """What a manager owns, since when, and as which version of the kind it wrote it."""

    paths: frozenset[Path]
    time: str
    api_version: str


Owners = dict[Manager, Owned]


def read(entries: list[dict[str, Any]] | None) -> Owners:
    """Read metadata.managedFields."""
    owners: Owners = {}
    for entry in entries or ():
        version, operation = entry.get("apiVersion", ""), entry.get("operation", "Update")
        # Somebody who applies is one manager whatever version they use; updates are told apart by it.
        manager = Manager(
            entry.get("manager", ""),
            operation,
            entry.get("subresource", ""),
            version if operation == "Update" else "",
        )
        paths = frozenset(from_fields_v1(entry.get("fieldsV1", {})))
        if manager in owners:
            paths |= owners[manager].paths
        owners[manager] = Owned(paths, entry.get("time", ""), version)
    return owners


def write(obj: dict[str, Any], owners: Owners) -> None:
    """Write metadata.managedFields; whoever owns nothing is left out."""
    entries = []
    for manager, owned in owners.items():
        if owned.paths:
            entry = {
                "apiVersion": owned.api_version,
                "fieldsType": "FieldsV1",
                "fieldsV1": to_fields_v1(owned.paths),
                "manager": manager.name,
                "operation": manager.operation,
                "time": owned.time,
            }
            entries.append(entry | ({"subresource": manager.subresource} if manager.subresource else {}))
    entries.sort(key=lambda entry: (entry["operation"], entry["time"], entry["manager"]))
    obj["metadata"].pop("managedFields", None)
    if entries:
        obj["metadata"]["managedFields"] = entries


def own(owners: Owners, manager: Manager, paths: set[Path] | frozenset[Path], api_version: str) -> None:
    """Say what a manager owns from now on; the time changes only when that changes."""
    before = owners.get(manager)
    if before is None or before.paths != paths or before.api_version != api_version:
        owners[manager] = Owned(frozenset(paths), meta.now(), api_version)


def disown(owners: Owners, manager: Manager, paths: set[Path]) -> None:
    """Take paths away from a manager."""
    if paths & owners[manager].paths:
        owners[manager] = replace(owners[manager], paths=owners[manager].paths - paths)


def relevant(paths: set[Path], resource: Resource, subresource: str) -> set[Path]:
    """Leave out what nobody owns: what the system writes, and what this kind of request cannot change."""
    has_status = "status" in resource.subresources
    if subresource == "status":
        return {path for path in paths if path[0] == "f:status"}
    return {path for path in paths - _SYSTEM if not (has_status and path[0] == "f:status")}


def tracker(
    resource: Resource, name: str, subresource: str = ""
) -> Callable[[dict[str, Any] | None, dict[str, Any]], None]:
    """Return what makes the named manager the owner of whatever an update changes, for Store's track."""
    manager = Manager(name, "Update", subresource, resource.api_version)

    def track(old: dict[str, Any] | None, new: dict[str, Any]) -> None:
        owners = _present_owners(old, new)
        difference = compare(old or {}, new, resource.schema)
        changed = relevant(difference.added | difference.modified, resource, subresource)
        removed = relevant(difference.removed, resource, subresource)
        for other in owners:
            disown(owners, other, changed | removed)
        mine = owners.get(manager)
        own(owners, manager, (mine.paths if mine else frozenset()) | changed, resource.api_version)
        write(new, owners)

    return track


def _present_owners(old: dict[str, Any] | None, new: dict[str, Any]) -> Owners:
    """Take the owners from the request when it has any (a client may repair them), else as they were."""
    if old is None:
        return {}
    given = new["metadata"].get("managedFields")
    if given == [{}]:
        return {}
    return read(given or old["metadata"].get("managedFields"))
