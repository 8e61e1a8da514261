"""The objects: in memory, versioned, with everybody told of each change.

Synchronous, and only to be used from the event loop's thread: no two methods' work is ever interleaved.
Objects handed out are shared and must never be modified.
"""

import time
import uuid
from collections.abc import Callable
from typing import Any

from lab.kube import meta, rules
from lab.kube.codec import Decoder, TypeMismatchError, copy
from lab.kube.deletion import mark_deleted, may_go
from lab.kube.errors import (
    ApiError,
    already_exists,
    bad_request,
    conflict,
    forbidden,
    invalid,
    not_found,
    required,
)
from lab.kube.index import Objects
from lab.kube.meta import Key
from lab.kube.resources import BY_PLURAL, RESOURCES, Resource
from lab.kube.selectors import Predicate, compile_selectors
from lab.kube.watch import Change, Subscription, Topic

Track = Callable[[dict[str, Any] | None, dict[str, Any]], None]
"""Writes the field owners (metadata.managedFields) into a new object, given the old one."""
_MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"
_INITIAL_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


# What a write of a status looks at.
_WITH_STATUS = frozenset({"metadata", "status"})


class Versioned(dict[str, Any]):
    """A stored object; encoded keeps its JSON once somebody has asked for it."""

    __slots__ = ("encoded",)
    encoded: bytes


class Store:
    """All objects of a cluster, by the plural name of their resource. It starts with the usual namespaces."""

    def __init__(self) -> None:
        # Milliseconds, so that no version is used again by the next process: a watcher that outlived this one
        # is told that its version is too old.
        self.version = time.time_ns() // 1_000_000
        self._objects = {resource.plural: Objects() for resource in RESOURCES}
        self._topics = {resource.plural: Topic(self.version) for resource in RESOURCES}
        self._uids: dict[str, tuple[str, Key]] = {}
        for name in _INITIAL_NAMESPACES:
            self.create("namespaces", {"metadata": {"name": name}})

    # Reading

    def get(self, plural: str, namespace: str | None, name: str) -> dict[str, Any]:
        """Return one object; raises ApiError 404."""
        resource = _resource(plural)
        found = self._objects[plural].get((namespace or "" if resource.namespaced else "", name))
        if found is None:
            raise not_found(plural, resource.group, name)
        return found

    def find(self, plural: str, namespace: str | None, name: str) -> dict[str, Any] | None:
        """Return one object, or None."""
        found: dict[str, Any] | None = self._objects[plural].get((namespace or "", name))
        return found

    def by_uid(self, uid: str) -> dict[str, Any] | None:
        """Return the object that has this uid, or None."""
        plural, key = self._uids.get(uid, ("", ("", "")))
        return self.find(plural, *key) if plural else None

    def controlled(self, plural: str, namespace: str, uid: str) -> list[dict[str, Any]]:
        """Return the objects of a namespace whose controller has this uid (NOBODY: that have none), by name."""
        return self._objects[plural].controlled(namespace, uid)

    def list(
        self, plural: str, namespace: str | None = None, label_selector: str = "", field_selector: str = ""
    ) -> list[dict[str, Any]]:
        """Return the objects that match, by namespace and name; raises ApiError 400 for a bad selector."""
        _resource(plural)
        matches = compile_selectors(plural, namespace, label_selector, field_selector)
        objects = self._objects[plural]
        found = objects.within(namespace) if namespace else [objects[key] for key in sorted(objects)]
        return [obj for obj in found if matches(obj)] if label_selector or field_selector else found

    def count(self, plural: str) -> int:
        """Return how many objects there are of a kind."""
        return len(self._objects[plural])

    def oldest(self, plural: str) -> dict[str, Any] | None:
        """Return the object that was created first, or None."""
        return next(iter(self._objects[plural].values()), None)

    def snapshot(self, plural: str, version: int) -> dict[Key, dict[str, Any]]:
        """Return the objects as they were at a version; raises ApiError 410 when that is too long ago."""
        objects: dict[Key, dict[str, Any]] = dict(self._objects[plural])
        for change in reversed(self._topics[plural].since(version)):
            if change.old is None:
                del objects[meta.key_of(change.obj)]
            else:
                objects[meta.key_of(change.old)] = change.old
        return objects

    # Being told

    def subscribe(self, plural: str, namespace: str | None = None) -> Subscription:
        """Return an async iterator of (type, object), beginning with ADDED of what exists; close() it."""
        return self.watch(plural, compile_selectors(plural, namespace, "", ""))

    def watch(self, plural: str, matches: Predicate, since: int | None = None) -> Subscription:
        """Return the changes of matching objects after a version (None: first ADDED of what exists).

        Raises ApiError 410 when the changes since then are not all known, 504 for a version of the future.
        """
        topic = self._topics[plural]
        if since is None:
            return Subscription(topic, matches, [("ADDED", obj) for obj in self.list(plural) if matches(obj)])
        if since > self.version:
            raise ApiError(504, "Timeout", f"Too large resource version: {since}, current: {self.version}")
        changes = [(change.seen_by(matches), change.obj) for change in topic.since(since)]
        return Subscription(topic, matches, [(kind, obj) for kind, obj in changes if kind])

    def listen(self, plural: str, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call listener, which must neither block nor raise, with every change; returns what ends it."""
        listeners = self._topics[plural].listeners
        listeners[id(listener)] = listener
        return lambda: listeners.pop(id(listener), None) and None

    # Writing

    def create(
        self, plural: str, obj: dict[str, Any], *, track: Track | None = None, dry_run: bool = False
    ) -> dict[str, Any]:
        """Store a new object; raises ApiError 400, 404 (no such namespace), 409 (the name is taken), 422."""
        resource = _resource(plural)
        new = _clean(resource, obj)
        metadata = new["metadata"]
        if metadata.get("generateName") and not metadata.get("name"):
            metadata["name"] = metadata["generateName"] + meta.random_suffix()
        if not metadata.get("name"):
            cause = required("metadata.name", "name or generateName is required")
            raise invalid(resource.kind, resource.group, "", [cause])
        self._check_namespace(resource, metadata)
        key = meta.key_of(new)
        if key in self._objects[plural]:
            taken = already_exists(plural, resource.group, key[1])
            if meta.is_deleting(self._objects[plural][key]):
                taken.message = f"object is being deleted: {taken.message}"
            raise taken
        for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion"):
            metadata.pop(name, None)
        metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": meta.now()}
        rules.prepare_create(resource, new, self.list)
        if track:
            track(None, new)
        return new if dry_run else self._commit(resource, key, "ADDED", new)

    def replace(
        self,
        plural: str,
        obj: dict[str, Any],
        subresource: str | None = None,
        *,
        track: Track | None = None,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Store an object's new state; raises ApiError 404, 409 when its resourceVersion is not current, 422.

        With subresource "status" nothing but the status changes, without it everything else.
        """
        resource = _resource(plural)
        if subresource == "status":
            # Most writes are of a status, and reading the whole object is most of a write.
            obj = {part: obj[part] for part in _WITH_STATUS & obj.keys()}
        new = _clean(resource, obj)
        metadata = new["metadata"]
        old = self.get(plural, metadata.get("namespace"), metadata["name"])
        for name in ("resourceVersion", "uid"):
            if metadata.get(name, old["metadata"][name]) != old["metadata"][name]:
                why = _MODIFIED if name == "resourceVersion" else "Precondition failed: UID in precondition"
                raise conflict(plural, resource.group, metadata["name"], why)
        rules.prepare_update(resource, new, old, subresource, self.list)
        if track:
            track(old, new)
        new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
        if new == old or dry_run:
            return new if dry_run else old
        if meta.is_deleting(new) and may_go(new):
            return self._remove(resource, new)
        return self._commit(resource, meta.key_of(new), "MODIFIED", new)

    def mutate(
        self,
        plural: str,
        namespace: str | None,
        name: str,
        change: Callable[[dict[str, Any]], None],
        subresource: str | None = None,
        *,
        track: Track | None = None,
    ) -> dict[str, Any]:
        """Let change modify a copy of the object and store it, unless it is still the same; raises ApiError.

        With subresource "status" it must modify nothing but the status and the metadata.
        """
        old = self.get(plural, namespace, name)
        changing = _WITH_STATUS & old.keys() if subresource == "status" else old
        new = old | {part: copy(old[part]) for part in changing}
        change(new)
        return self.replace(plural, new, subresource, track=track)

    def delete(
        self,
        plural: str,
        namespace: str | None,
        name: str,
        *,
        grace_period_seconds: int | None = None,
        propagation: str | None = None,
        uid: str | None = None,
        resource_version: str | None = None,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Delete an object, or begin to: what has finalizers, and a pod that runs, is marked and stays for now.

        propagation is Background, Foreground or Orphan. Raises ApiError 404, or 409 for another uid or version.
        Returns the object as it is, or as it last was.
        """
        resource = _resource(plural)
        old = self.get(plural, namespace, name)
        for field, wanted in (("uid", uid), ("resourceVersion", resource_version)):
            found = old["metadata"][field]
            if wanted is not None and wanted != found:
                label = "UID" if field == "uid" else "ResourceVersion"
                happened = "deleted and then recreated" if field == "uid" else "modified"
                why = (
                    f"the {label} in the precondition ({wanted}) does not match the {label} in record"
                    f" ({found}). The object might have been {happened}"
                )
                raise conflict(resource.kind, resource.group, name, why)
        new = copy(old)
        grace = rules.grace_seconds(resource, new, grace_period_seconds)
        mark_deleted(resource, new, grace, rules.finalizers_for(resource, new, propagation))
        if dry_run:
            return new
        if may_go(new):
            return self._remove(resource, new)
        return old if new == old else self._commit(resource, meta.key_of(new), "MODIFIED", new)

    # Inside

    def _check_namespace(self, resource: Resource, metadata: dict[str, Any]) -> None:
        if not resource.namespaced:
            metadata.pop("namespace", None)
            return
        name = metadata.setdefault("namespace", "default")
        if meta.is_deleting(self.get("namespaces", None, name)):
            what = f'{resource.plural}{"." if resource.group else ""}{resource.group} "{metadata["name"]}"'
            why = f"unable to create new content in namespace {name} because it is being terminated"
            causes = [
                {
                    "reason": "NamespaceTerminating",
                    "message": f"namespace {name} is being terminated",
                    "field": "metadata.namespace",
                }
            ]
            details = {
                "name": metadata["name"],
                "group": resource.group,
                "kind": resource.plural,
                "causes": causes,
            }
            raise forbidden(f"{what} is forbidden: {why}", details)

    def _commit(self, resource: Resource, key: Key, kind: str, new: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        new["metadata"]["resourceVersion"] = str(self.version)
        stored = Versioned(new)
        old = self._objects[resource.plural].get(key)
        if kind == "DELETED":
            del self._objects[resource.plural][key]
            del self._uids[new["metadata"]["uid"]]
        else:
            self._objects[resource.plural][key] = stored
            self._uids[new["metadata"]["uid"]] = resource.plural, key
        self._topics[resource.plural].publish(Change(self.version, kind, stored, old))
        return stored

    def _remove(self, resource: Resource, last: dict[str, Any]) -> dict[str, Any]:
        return self._commit(resource, meta.key_of(last), "DELETED", last)


def parse_version(text: str) -> int:
    """Read a resourceVersion; raises ApiError 400 when it is none."""
    if not text.isascii() or not text.isdigit():
        raise bad_request(f"invalid resource version: {text!r}")
    return int(text)


def _resource(plural: str) -> Resource:
    resource = BY_PLURAL.get(plural)
    if resource is None:
        raise ApiError(404, "NotFound", "the server could not find the requested resource")
    return resource


def _clean(resource: Resource, obj: dict[str, Any]) -> dict[str, Any]:
    """Return a copy with the kind's fields only, and its kind and apiVersion; raises ApiError 400."""
    try:
        new: dict[str, Any] = Decoder().decode(obj, resource.schema)
    except TypeMismatchError as error:
        kind = resource.kind
        raise bad_request(
            f'{kind} in version "{resource.version}" cannot be handled as a {kind}: {error}'
        ) from None
    rest = {key: value for key, value in new.items() if key not in ("kind", "apiVersion", "metadata")}
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": new.get("metadata", {}),
        **rest,
    }
