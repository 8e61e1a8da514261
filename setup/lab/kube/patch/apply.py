"""Server-side apply: merge what a manager wants, drop what it wanted before, refuse what others own.

After Kubernetes' fieldmanager and structured-merge-diff's Updater.
"""

import json
from typing import Any

from lab.kube.errors import ApiError
from lab.kube.patch import managed
from lab.kube.patch.fieldsets import (
    ABSENT,
    KeyMissingError,
    Path,
    children,
    compare,
    display,
    is_leaf,
    paths_of,
    remove,
    shape,
    with_named,
)
from lab.kube.patch.managed import Manager, Owners, disown, own, relevant
from lab.kube.resources import Resource
from lab.kube.schema import Field, is_atomic

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
Conflicts = list[tuple[Manager, Path]]


def apply(
    resource: Resource,
    live: dict[str, Any] | None,
    config: dict[str, Any],
    name: str,
    *,
    force: bool,
    subresource: str,
) -> dict[str, Any]:
    """Return live as it is after the manager of this name applied config, with its new owners.

    Raises ApiError 409 with every field that somebody else owns, unless force takes them over; 500, as
    Kubernetes does, when config cannot be merged.
    """
    manager = Manager(name, "Apply", subresource)
    before = live or {"metadata": {}}
    owners = managed.read(before["metadata"].get("managedFields"))
    last_applied = before["metadata"].get("annotations", {}).get(LAST_APPLIED)
    try:
        wanted = relevant(paths_of(config, resource.schema), resource, subresource)
    except KeyMissingError as error:
        raise ApiError(
            500, "", f"failed to create typed patch object ({_describe(resource, config)}): {error}"
        ) from None
    merged = merge(before, _without_system(config), resource.schema)
    last = owners[manager].paths if manager in owners else frozenset()
    own(owners, manager, wanted, resource.api_version)
    new = _prune(merged, owners, last, resource.schema)
    difference = compare(before, new, resource.schema)
    changed = relevant(difference.added | difference.modified, resource, subresource)
    conflicts = _conflicts(owners, manager, changed)
    if conflicts and not force:
        known = _still_as_last_applied(resource, before, last_applied) if name == "kubectl" else set()
        conflicts = [(other, path) for other, path in conflicts if path not in known]
        if conflicts:
            raise _conflict_error(conflicts)
    for other in owners:
        if other != manager:
            disown(owners, other, changed | difference.removed)
    if name == "kubectl" and last_applied is not None:
        new["metadata"].setdefault("annotations", {})[LAST_APPLIED] = (
            json.dumps(config, separators=(",", ":")) + "\n"
        )
    managed.write(new, owners)
    return new


def merge(live: Any, wanted: Any, of: Field) -> Any:
    """Return live with everything that wanted has; lists that are maps or sets are merged item by item."""
    if live is ABSENT or shape(live) is not shape(wanted):
        return wanted
    if is_leaf(wanted, of):
        # Wanting a map or a list without saying what is in it takes nothing away from it.
        return wanted if is_atomic(of) or wanted else live
    present = children(live, of)
    additions = children(wanted, of)

    def merged(element: str) -> Any:
        item, kind = additions[element]
        return merge(present.get(element, (ABSENT,))[0], item, kind)

    if isinstance(live, dict):
        return live | {element[2:]: merged(element) for element in additions}
    result: dict[str, Any] = {}
    waiting = list(present)
    for element in additions:
        # What only the live list has keeps its place: before the item that it preceded.
        while waiting and (waiting[0] not in additions or waiting[0] in result):
            result.setdefault(waiting[0], present[waiting.pop(0)][0])
        result[element] = merged(element)
    return list((result | {other: present[other][0] for other in waiting if other not in result}).values())


def _prune(merged: dict[str, Any], owners: Owners, last: frozenset[Path], of: Field) -> dict[str, Any]:
    """Drop what the manager applied last time and nobody wants any more."""
    # Every object has metadata, whoever owns what in it.
    kept = with_named(path for owned in owners.values() for path in owned.paths) | {("f:metadata",)}
    doomed = with_named(last) - kept
    pruned: dict[str, Any] = remove(merged, of, doomed) if doomed else merged
    return pruned


def _conflicts(owners: Owners, manager: Manager, changed: set[Path]) -> Conflicts:
    return [
        (other, path)
        for other, owned in owners.items()
        if other != manager
        for path in sorted(changed & owned.paths)
    ]


def _still_as_last_applied(resource: Resource, live: dict[str, Any], annotation: str | None) -> set[Path]:
    """Return what a client-side apply wrote and nobody changed since: kubectl may take it over."""
    if not annotation:
        return set()
    try:
        applied = json.loads(annotation)
        paths = paths_of(applied, resource.schema)
    except ValueError:
        return set()
    difference = compare(applied, live, resource.schema)
    return paths - difference.modified - difference.added - difference.removed


def _conflict_error(conflicts: Conflicts) -> ApiError:
    if len(conflicts) == 1:
        manager, path = conflicts[0]
        text = f"1 conflict: conflict with {manager.described()}: {display(path)}"
    else:
        lines = []
        for manager in sorted({manager for manager, _ in conflicts}, key=lambda one: one.name):
            lines.append(f"conflicts with {manager.described()}:")
            lines += [f"- {display(path)}" for other, path in conflicts if other == manager]
        text = f"{len(conflicts)} conflicts: " + "\n".join(lines)
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f"conflict with {manager.described()}",
            "field": display(path),
        }
        for manager, path in conflicts
    ]
    return ApiError(409, "Conflict", f"Apply failed with {text}", {"causes": causes})


def _without_system(config: dict[str, Any]) -> dict[str, Any]:
    metadata = {
        key: value
        for key, value in config.get("metadata", {}).items()
        if ("f:metadata", f"f:{key}") not in _NOT_MERGED
    }
    return config | {"metadata": metadata}


_NOT_MERGED = {
    ("f:metadata", f"f:{name}")
    for name in ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid")
}


def _describe(resource: Resource, config: dict[str, Any]) -> str:
    metadata = config.get("metadata", {})
    name = "/".join(part for part in (metadata.get("namespace"), metadata.get("name")) if part)
    return f"{name}; {resource.api_version}, Kind={resource.kind}"
