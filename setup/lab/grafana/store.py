"""The database behind annotations, dashboards and folders: one SQLite file that outlives a restart.

Writes are committed one by one in write-ahead mode, so a killed process loses nothing that it has answered.
They take well under a millisecond, so they run on the event loop.
"""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

_LOG = logging.getLogger(__name__)

SCHEMA = """
CREATE TABLE IF NOT EXISTS annotation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    dashboard_uid TEXT NOT NULL, panel_id INTEGER NOT NULL,
    time INTEGER NOT NULL, time_end INTEGER NOT NULL,
    text TEXT NOT NULL, data TEXT NOT NULL,
    created INTEGER NOT NULL, updated INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS annotation_by_time ON annotation (time_end DESC, time DESC);
CREATE TABLE IF NOT EXISTS annotation_tag (
    annotation_id INTEGER NOT NULL REFERENCES annotation (id) ON DELETE CASCADE,
    position INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (annotation_id, position)
);
CREATE INDEX IF NOT EXISTS annotation_tag_by_key ON annotation_tag (key, value);
CREATE TABLE IF NOT EXISTS folder (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
    created INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS dashboard (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
    folder_uid TEXT NOT NULL, version INTEGER NOT NULL, model TEXT NOT NULL,
    created INTEGER NOT NULL, updated INTEGER NOT NULL
);
"""


def connect(state_dir: Path) -> sqlite3.Connection:
    """Open (and make, where there is none) the database in `state_dir`; rows are read by column name.

    A file that is no database any more, after a crash of the machine, is put aside and told in the log.
    """
    state_dir.mkdir(parents=True, exist_ok=True)
    path = state_dir / "grafana.db"
    try:
        return _open(path)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            raise
    broken = path.with_suffix(".broken")
    _LOG.error("%s was damaged and begins anew; the old one is %s", path, broken.name)
    path.replace(broken)
    for tail in ("-wal", "-shm"):
        path.with_name(path.name + tail).unlink(missing_ok=True)
    return _open(path)


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.row_factory = sqlite3.Row
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("PRAGMA foreign_keys = ON")
        database.executescript(SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database
