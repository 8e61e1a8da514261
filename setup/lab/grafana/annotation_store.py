"""Annotations in the database. Times are epoch milliseconds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from . import tags as tagging
from .tags import Tag

MAX_ANNOTATIONS = 10_000  # the oldest make room for new ones

_COLUMNS = "id, dashboard_uid, panel_id, time, time_end, text, data, created, updated"


@dataclass
class Annotation:
    """A note on a point in time, or on a region of it when `time_end` is later than `time`."""

    time: int
    time_end: int
    text: str
    tags: list[Tag] = field(default_factory=list)
    dashboard_uid: str = ""
    panel_id: int = 0
    data: dict[str, Any] = field(default_factory=dict)
    id: int = 0
    created: int = 0
    updated: int = 0


@dataclass(frozen=True)
class Search:
    """What to look for; a zero, empty or absent value leaves that out."""

    start: int = 0
    end: int = 0
    tags: list[Tag] = field(default_factory=list)
    match_any: bool = False
    dashboard_uid: str = ""
    panel_id: int = 0
    limit: int = 100


class AnnotationStore:
    """Reads and writes annotations; at most `limit` are kept."""

    def __init__(self, database: sqlite3.Connection, limit: int = MAX_ANNOTATIONS) -> None:
        self._database = database
        self._limit = limit

    def add(self, annotation: Annotation) -> int:
        """Store a new annotation and return its id."""
        with self._database as database:
            database.execute("BEGIN IMMEDIATE")
            cursor = database.execute(
                "INSERT INTO annotation (dashboard_uid, panel_id, time, time_end, text, data, created, updated)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                _values(annotation),
            )
            annotation.id = cursor.lastrowid or 0
            self._write_tags(annotation)
            database.execute("DELETE FROM annotation WHERE id <= ?", (annotation.id - self._limit,))
        return annotation.id

    def update(self, annotation: Annotation) -> None:
        """Store the new state of an annotation that exists."""
        with self._database as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute(
                "UPDATE annotation SET dashboard_uid = ?, panel_id = ?, time = ?, time_end = ?, text = ?,"
                " data = ?, created = ?, updated = ? WHERE id = ?",
                (*_values(annotation), annotation.id),
            )
            database.execute("DELETE FROM annotation_tag WHERE annotation_id = ?", (annotation.id,))
            self._write_tags(annotation)

    def get(self, annotation_id: int) -> Annotation | None:
        """Return the annotation, or None."""
        found = self._database.execute(
            f"SELECT {_COLUMNS} FROM annotation WHERE id = ?",  # noqa: S608 - the columns are ours
            (annotation_id,),
        )
        return next(iter(self._read(found)), None)

    def delete(self, annotation_id: int) -> None:
        """Remove the annotation."""
        self._database.execute("DELETE FROM annotation WHERE id = ?", (annotation_id,))

    def find(self, search: Search) -> list[Annotation]:
        """Return the annotations that match, newest first, and no more than `search.limit`."""
        conditions, values = _conditions(search)
        where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
        found = self._database.execute(
            f"SELECT {_COLUMNS} FROM annotation AS a {where}"  # noqa: S608 - only the values come from outside
            " ORDER BY time_end DESC, time DESC, id DESC LIMIT ?",
            (*values, search.limit),
        )
        return self._read(found)

    def tags(self, part: str, limit: int) -> list[tuple[str, int]]:
        """Return the tags with `part` in key or value, each with how many annotations carry it, by name."""
        found = self._database.execute(
            "SELECT key, value, count(*) AS uses FROM annotation_tag"
            " WHERE instr(lower(key), lower(?1)) OR instr(lower(value), lower(?1))"
            " GROUP BY key, value ORDER BY key, value LIMIT ?2",
            (part, limit),
        )
        return [(tagging.join(row["key"], row["value"]), row["uses"]) for row in found]

    def _write_tags(self, annotation: Annotation) -> None:
        self._database.executemany(
            "INSERT INTO annotation_tag (annotation_id, position, key, value) VALUES (?, ?, ?, ?)",
            [(annotation.id, position, *tag) for position, tag in enumerate(annotation.tags)],
        )

    def _read(self, rows: Iterable[sqlite3.Row]) -> list[Annotation]:
        found = [Annotation(**dict(row) | {"data": json.loads(row["data"])}) for row in rows]
        for annotation in found:
            tags = self._database.execute(
                "SELECT key, value FROM annotation_tag WHERE annotation_id = ? ORDER BY position",
                (annotation.id,),
            )
            annotation.tags = [(row["key"], row["value"]) for row in tags]
        return found


def _values(annotation: Annotation) -> tuple[Any, ...]:
    return (
        annotation.dashboard_uid,
        annotation.panel_id,
        annotation.time,
        annotation.time_end,
        annotation.text,
        json.dumps(annotation.data),
        annotation.created,
        annotation.updated,
    )


def _conditions(search: Search) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []
    if search.start > 0 and search.end > 0:
        conditions.append("a.time <= ? AND a.time_end >= ?")
        values += [search.end, search.start]
    if search.dashboard_uid:
        conditions.append("a.dashboard_uid = ?")
        values.append(search.dashboard_uid)
    if search.panel_id:
        conditions.append("a.panel_id = ?")
        values.append(search.panel_id)
    tag_conditions = [_has_tag(tag, values) for tag in search.tags]
    if tag_conditions:
        conditions.append(f"({(' OR ' if search.match_any else ' AND ').join(tag_conditions)})")
    return conditions, values


def _has_tag(tag: Tag, values: list[Any]) -> str:
    key, value = tag
    values.append(key)
    with_value = ""
    if value:
        values.append(value)
        with_value = " AND t.value = ?"
    return (
        "EXISTS (SELECT 1 FROM annotation_tag AS t"  # noqa: S608 - only the values come from outside
        f" WHERE t.annotation_id = a.id AND t.key = ?{with_value})"
    )
