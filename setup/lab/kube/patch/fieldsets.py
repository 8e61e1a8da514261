"""Sets of field paths: what an object has, what differs between two, and the text form `fieldsV1` of both.

A path is a tuple of elements in the form that fieldsV1 uses: `f:name` for a field, `k:{"name":"web"}` for the
item of a list that is a map, `v:"x"` for one of a list that is a set.
After https://github.com/kubernetes-sigs/structured-merge-diff.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lab.kube.schema import ANY, Field, child, is_atomic

Path = tuple[str, ...]
ABSENT: Any = object()
_KEY_DEFAULTS = {"protocol": "TCP"}
# Structures that are never absent in Go, so nobody comes to own them as such.
_ALWAYS_THERE = frozenset({"f:metadata", "f:spec", "f:status", "f:template", "f:strategy", "f:containers"})


class KeyMissingError(ValueError):
    """An item of a list that is a map lacks its key, or has it twice."""


def item_element(item: Any, of: Field) -> str:
    """Return the path element of a list's item; raises KeyMissingError."""
    if of.list == "set":
        return "v:" + _compact(item)
    keys = {}
    for key in of.keys:
        value = item.get(key, _KEY_DEFAULTS.get(key)) if isinstance(item, dict) else None
        if value is None:
            keys_text = "key field" if len(of.keys) == 1 else "keys fields"
            raise KeyMissingError(
                f'associative list with keys has an element that omits {keys_text} "{key}"'
                " (and doesn't have default value)"
            )
        keys[key] = value
    return "k:" + _compact(keys)


def children(value: Any, of: Field) -> dict[str, tuple[Any, Field]]:
    """Return the parts of a value that is not atomic, by their path element."""
    if isinstance(value, dict):
        return {f"f:{key}": (item, child(of, key) or ANY) for key, item in value.items()}
    if isinstance(value, list):
        items = of.items or ANY
        return {item_element(item, of): (item, items) for item in value}
    return {}


def shape(value: Any) -> type | None:
    """Return dict or list, or None for what has no parts."""
    return dict if isinstance(value, dict) else list if isinstance(value, list) else None


def is_leaf(value: Any, of: Field) -> bool:
    """Tell whether a value is owned as a whole: it is atomic, or there is nothing in it."""
    return is_atomic(of) or not isinstance(value, dict | list) or not value


def paths_of(value: Any, of: Field, path: Path = ()) -> set[Path]:
    """Return what somebody who applies this value owns; raises KeyMissingError."""
    if is_leaf(value, of):
        return {path} if path else set()
    found: set[Path] = set()
    parts = children(value, of)
    if isinstance(value, list):
        if len(parts) < len(value):
            raise KeyMissingError(f"{display(path)}: duplicate entries for key {display((next(iter(parts)),))}")
        found |= {(*path, element) for element in parts}
    for element, (item, kind) in parts.items():
        found |= paths_of(item, kind, (*path, element))
    return found


@dataclass
class Difference:
    """What a new value has that an old one had not, lacks, and has otherwise."""

    added: set[Path] = field(default_factory=set)
    removed: set[Path] = field(default_factory=set)
    modified: set[Path] = field(default_factory=set)


def compare(old: Any, new: Any, of: Field, path: Path = (), found: Difference | None = None) -> Difference:
    """Return how new differs from old, path by path."""
    found = found if found is not None else Difference()
    if old is new:
        return found
    if old is ABSENT or new is ABSENT:
        if path and path[-1] not in _ALWAYS_THERE:
            (found.added if old is ABSENT else found.removed).add(path)
        if is_leaf(new if old is ABSENT else old, of):
            return found
    elif is_atomic(of) or shape(old) is not shape(new) or not (old or new):
        if old != new:
            found.modified.add(path)
        return found
    before = children(old, of) if old is not ABSENT else {}
    after = children(new, of) if new is not ABSENT else {}
    for element in before.keys() | after.keys():
        old_item, kind = before.get(element, (ABSENT, ANY))
        new_item, kind = after.get(element, (ABSENT, kind))
        compare(old_item, new_item, kind, (*path, element), found)
    return found


def remove(value: Any, of: Field, doomed: set[Path]) -> Any:
    """Return value without the paths in doomed, and without the maps and lists that this empties."""
    return _remove(value, of, _tree(doomed))


def _remove(value: Any, of: Field, doomed: dict[str, Any]) -> Any:
    if is_leaf(value, of):
        return value
    kept = []
    for element, (item, kind) in children(value, of).items():
        subtree = doomed.get(element)
        if subtree is None:
            kept.append((element, item))
        elif "." not in subtree:
            rest = _remove(item, kind, subtree)
            if rest is not ABSENT:
                kept.append((element, rest))
    if not kept:
        return ABSENT
    if isinstance(value, list):
        return [item for _, item in kept]
    return {element[2:]: item for element, item in kept}


def with_named(paths: Iterable[Path]) -> set[Path]:
    """Return the set with every field on the way to a member: who owns a.b.c keeps a and a.b alive."""
    found = set(paths)
    for path in list(found):
        for end in range(1, len(path)):
            if path[end - 1].startswith("f:"):
                found.add(path[:end])
    return found


def _tree(paths: Iterable[Path]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in paths:
        node = tree
        for element in path:
            node = node.setdefault(element, {})
        node["."] = {}
    return tree


def to_fields_v1(paths: Iterable[Path]) -> dict[str, Any]:
    """Write a set as managedFields holds it: a dot marks a member that has members below."""

    def tidy(node: dict[str, Any]) -> dict[str, Any]:
        if node.keys() == {"."}:
            return {}
        return {element: tidy(node[element]) if element != "." else {} for element in sorted(node)}

    return tidy(_tree(paths))


def from_fields_v1(tree: dict[str, Any], path: Path = ()) -> Iterator[Path]:
    """Read a set as managedFields holds it."""
    if not tree and path:
        yield path
    for element, subtree in tree.items():
        if element == ".":
            yield path
        else:
            yield from from_fields_v1(subtree, (*path, element))


def display(path: Path) -> str:
    """Write a path for people: `.spec.containers[name="web"].image`."""
    text = ""
    for element in path:
        kind, rest = element[0], element[2:]
        if kind == "f":
            text += f".{rest}"
        elif kind == "k":
            text += "[" + ",".join(f"{key}={_compact(value)}" for key, value in json.loads(rest).items()) + "]"
        else:
            text += f"[={rest}]"
    return text


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
