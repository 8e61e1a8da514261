"""Dashboards and folders in the database. Times are epoch milliseconds."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Folder:
    """A folder for dashboards; folders are not nested here."""

    uid: str
    title: str
    created: int
    id: int = 0


@dataclass
class Dashboard:
    """A dashboard: its model as posted, and what the server adds. `version` counts its writes."""

    uid: str
    title: str
    folder_uid: str
    created: int
    updated: int
    version: int = 0
    id: int = 0
    model: dict[str, Any] = field(default_factory=dict)


class DashboardStore:
    """Reads and writes dashboards and folders."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def add_folder(self, folder: Folder) -> None:
        """Store a new folder and set its id."""
        cursor = self._database.execute(
            "INSERT INTO folder (uid, title, created) VALUES (?, ?, ?)",
            (folder.uid, folder.title, folder.created),
        )
        folder.id = cursor.lastrowid or 0

    def folder(self, uid: str) -> Folder | None:
        """Return the folder, or None."""
        row = self._database.execute("SELECT * FROM folder WHERE uid = ?", (uid,)).fetchone()
        return Folder(**dict(row)) if row else None

    def folders(self) -> list[Folder]:
        """Return every folder, by title."""
        rows = self._database.execute("SELECT * FROM folder ORDER BY title, id")
        return [Folder(**dict(row)) for row in rows]

    def save(self, dashboard: Dashboard) -> None:
        """Store a dashboard under its uid: its next version, and its id when it is new."""
        dashboard.version += 1
        with self._database as database:
            database.execute("BEGIN IMMEDIATE")
            row = database.execute(
                "INSERT INTO dashboard (uid, title, folder_uid, version, model, created, updated)"
                " VALUES (?, ?, ?, ?, '', ?, ?)"
                " ON CONFLICT (uid) DO UPDATE SET title = excluded.title, folder_uid = excluded.folder_uid,"
                " version = excluded.version, updated = excluded.updated RETURNING id",
                (
                    dashboard.uid,
                    dashboard.title,
                    dashboard.folder_uid,
                    dashboard.version,
                    dashboard.created,
                    dashboard.updated,
                ),
            ).fetchone()
            dashboard.id = row["id"]
            dashboard.model |= {"id": dashboard.id, "uid": dashboard.uid, "version": dashboard.version}
            database.execute(
                "UPDATE dashboard SET model = ? WHERE id = ?", (json.dumps(dashboard.model), dashboard.id)
            )

    def dashboard(self, uid: str) -> Dashboard | None:
        """Return the dashboard with this uid, or None."""
        row = self._database.execute("SELECT * FROM dashboard WHERE uid = ?", (uid,)).fetchone()
        return _dashboard(row) if row else None

    def dashboard_by_id(self, dashboard_id: int) -> Dashboard | None:
        """Return the dashboard with this number, or None."""
        row = self._database.execute("SELECT * FROM dashboard WHERE id = ?", (dashboard_id,)).fetchone()
        return _dashboard(row) if row else None

    def dashboards(self) -> list[Dashboard]:
        """Return every dashboard, by title."""
        return [_dashboard(row) for row in self._database.execute("SELECT * FROM dashboard ORDER BY title, id")]

    def delete(self, uid: str) -> None:
        """Remove the dashboard."""
        self._database.execute("DELETE FROM dashboard WHERE uid = ?", (uid,))


def _dashboard(row: sqlite3.Row) -> Dashboard:
    return Dashboard(**dict(row) | {"model": json.loads(row["model"])})
