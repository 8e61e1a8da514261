"""The dashboards as their files have them; a file that has changed is read again."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..frames import Json

_NO_PANEL = {"x": 0, "y": 0, "w": 24, "h": 8}


@dataclass(frozen=True)
class Panel:
    """A panel: its place in a grid of 24 columns, and its JSON."""

    id: int
    title: str
    type: str
    x: int
    y: int
    w: int
    h: int
    raw: Json = field(repr=False)

    @property
    def options(self) -> Json:
        """What its type lets one choose."""
        return part(self.raw, "options")

    @property
    def targets(self) -> list[Json]:
        """Its queries, without those that are switched off."""
        return [target for target in items(self.raw, "targets") if target.get("hide") is not True]

    @property
    def defaults(self) -> Json:
        """How its fields look unless an override says otherwise."""
        return part(part(self.raw, "fieldConfig"), "defaults")

    @property
    def overrides(self) -> list[Json]:
        """How some of its fields look."""
        return items(part(self.raw, "fieldConfig"), "overrides")


@dataclass(frozen=True)
class Dashboard:
    """A dashboard: its panels from top to bottom, those of closed rows included, and its JSON."""

    uid: str
    title: str
    panels: tuple[Panel, ...]
    raw: Json = field(repr=False)

    @property
    def path(self) -> str:
        """Its address as Grafana writes it."""
        return f"/d/{self.uid}/{re.sub(r'[^a-z0-9]+', '-', self.title.lower()).strip('-')}"

    @property
    def description(self) -> str:
        """What it is for."""
        return str(self.raw.get("description") or "")

    @property
    def tags(self) -> list[str]:
        """Its tags."""
        return [str(tag) for tag in self.raw.get("tags") or []]

    @property
    def variables(self) -> list[Json]:
        """Its template variables."""
        return items(part(self.raw, "templating"), "list")

    @property
    def annotations(self) -> list[Json]:
        """Its annotation queries."""
        return items(part(self.raw, "annotations"), "list")

    @property
    def links(self) -> list[Json]:
        """The links at its head."""
        return items(self.raw, "links")

    @property
    def times(self) -> tuple[str, str]:
        """The time range that it opens with."""
        time = part(self.raw, "time")
        return str(time.get("from") or "now-15m"), str(time.get("to") or "now")


class Library:
    """The dashboards of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, tuple[int, Dashboard | str]] = {}

    def all(self) -> list[Dashboard]:
        """Return every dashboard that can be read, by title."""
        found = [entry for entry in self._entries().values() if isinstance(entry, Dashboard)]
        return sorted(found, key=lambda dashboard: dashboard.title)

    def broken(self) -> list[str]:
        """Return which files cannot be read, and why."""
        return [f"{path.name}: {entry}" for path, entry in self._entries().items() if isinstance(entry, str)]

    def get(self, uid: str) -> Dashboard | None:
        """Return the dashboard, None when there is none with this uid."""
        return next((dashboard for dashboard in self.all() if dashboard.uid == uid), None)

    def _entries(self) -> dict[Path, Dashboard | str]:
        paths = sorted(self._folder.glob("*.json"))
        return {path: self._entry(path) for path in paths}

    def _entry(self, path: Path) -> Dashboard | str:
        changed = path.stat().st_mtime_ns
        kept = self._read.get(path)
        if kept is None or kept[0] != changed:
            kept = self._read[path] = (changed, read(path))
        return kept[1]


def read(path: Path) -> Dashboard | str:
    """Return the dashboard in a file, or why it cannot be had."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return dashboard_of(raw)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


def dashboard_of(raw: Json) -> Dashboard:
    """Return the dashboard of a JSON model; raises KeyError, TypeError or ValueError when it is none."""
    panels: list[Json] = []
    for panel in items(raw, "panels"):
        panels.append(panel)
        panels += items(panel, "panels")
    made = sorted((_panel(panel) for panel in panels), key=lambda panel: (panel.y, panel.x))
    return Dashboard(uid=str(raw["uid"]), title=str(raw["title"]), panels=tuple(made), raw=raw)


def _panel(raw: Json) -> Panel:
    grid = _NO_PANEL | part(raw, "gridPos")
    return Panel(
        id=int(raw["id"]),
        title=str(raw.get("title") or ""),
        type=str(raw["type"]),
        x=min(max(int(grid["x"]), 0), 23),
        y=int(grid["y"]),
        w=min(max(int(grid["w"]), 1), 24),
        h=max(int(grid["h"]), 1),
        raw=raw,
    )


def part(raw: Json, key: str) -> Json:
    """Return the object at `key`; an empty one when there is none."""
    value: Any = raw.get(key)
    return value if isinstance(value, dict) else {}


def items(raw: Json, key: str) -> list[Json]:
    """Return the objects in the list at `key`."""
    value: Any = raw.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
