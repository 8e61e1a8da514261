"""The objects of one resource, found by name, by namespace and by the controller that made them."""

from collections import defaultdict
from typing import Any

from lab.kube.meta import Key, controller_of

NOBODY = ""
"""Stands for the controller of objects that have none."""


class Objects(dict[Key, Any]):
    """Objects by namespace and name, in the order of their creation; written by item only."""

    def __init__(self) -> None:
        super().__init__()
        self._within: defaultdict[str, dict[Key, None]] = defaultdict(dict)
        self._controlled: defaultdict[tuple[str, str], dict[Key, None]] = defaultdict(dict)

    def within(self, namespace: str) -> list[Any]:
        """Return the objects of a namespace, by name."""
        return [self[key] for key in sorted(self._within.get(namespace, ()))]

    def controlled(self, namespace: str, uid: str) -> list[Any]:
        """Return the objects of a namespace whose controller has this uid (NOBODY: that have none), by name."""
        return [self[key] for key in sorted(self._controlled.get((namespace, uid), ()))]

    def __setitem__(self, key: Key, obj: Any) -> None:
        if key in self:
            self._forget(key)
        super().__setitem__(key, obj)
        self._within[key[0]][key] = None
        self._controlled[key[0], _controller(obj)][key] = None

    def __delitem__(self, key: Key) -> None:
        self._forget(key)
        super().__delitem__(key)

    def _forget(self, key: Key) -> None:
        place = key[0], _controller(self[key])
        del self._within[key[0]][key]
        del self._controlled[place][key]
        # What is empty goes, or every owner that ever was would be kept.
        if not self._within[key[0]]:
            del self._within[key[0]]
        if not self._controlled[place]:
            del self._controlled[place]


def _controller(obj: dict[str, Any]) -> str:
    reference = controller_of(obj)
    return reference["uid"] if reference else NOBODY
