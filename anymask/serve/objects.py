"""The objects that people made of an image's masks, with every version they had."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from sqlite3 import Connection, IntegrityError, Row
from typing import Any

from anymask.serve.database import Database
from anymask.serve.images import now, touch
from anymask.serve.refusals import ConflictError, NotFoundError

# The latest version of each: SQLite takes the other columns from the row of the maximum (lang_select.html#bareagg)
LATEST = "SELECT *, max(revision) FROM object_versions WHERE image = ? GROUP BY id"


@dataclass(frozen=True)
class ObjectRecord:
    """One version of an object. document: what the client gave; the other fields are the server's."""

    id: str
    revision: int
    number: int
    created: str
    changed: str
    deleted: bool
    document: dict[str, Any]


class ChangedMeanwhileError(ConflictError):
    """An object is not at the revision that a writer has read. latest: what it is now, None where it never was."""

    def __init__(self, object_id: str, read: int, latest: ObjectRecord | None) -> None:
        found = "there is none" if latest is None else f"it is at revision {latest.revision}"
        super().__init__(
            f"object {object_id}: expected revision {read}, but {found}: somebody changed it meanwhile; read it, "
            "decide, and send it with its revision"
        )
        self.latest = latest


class Objects:
    """The table of objects' versions. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def all(self, image: str) -> list[ObjectRecord]:
        """The objects of an image as they are now, in the order in which they were made."""
        with self.database.reading() as rows:
            latest = [_record(row) for row in rows.execute(LATEST, (image,))]
        return sorted((each for each in latest if not each.deleted), key=lambda each: each.number)

    def chosen(self, image: str, ids: Collection[str] | None, hidden: bool) -> list[ObjectRecord]:
        """Those of ``all`` that ids name, where there are ids; and where not ``hidden``, only those that are visible.

        Raises NotFoundError where one of the ids is of no object.
        """
        every = self.all(image)
        if ids is not None and (unknown := sorted(set(ids) - {each.id for each in every})):
            raise NotFoundError(f"object {unknown[0]}: the image has none of that id, or no longer; list its objects")
        return [each for each in every if (ids is None or each.id in ids) and (hidden or each.document["visible"])]

    def get(self, image: str, object_id: str) -> ObjectRecord:
        """One object as it is now. Raises NotFoundError, also where it was deleted."""
        with self.database.reading() as rows:
            latest = _latest(rows, image, object_id)
        if latest is None or latest.deleted:
            raise NotFoundError(f"object {object_id}: the image has none of that id, or no longer; list its objects")
        return latest

    def history(self, image: str, object_id: str) -> list[ObjectRecord]:
        """Every version, the first one first. Raises NotFoundError."""
        with self.database.reading() as rows:
            found = rows.execute(
                "SELECT * FROM object_versions WHERE image = ? AND id = ? ORDER BY revision", (image, object_id)
            )
            versions = [_record(row) for row in found]
        if not versions:
            raise NotFoundError(f"object {object_id}: the image never had one of that id; list its objects")
        return versions

    def put(self, image: str, object_id: str, document: dict[str, Any], *, read: int) -> tuple[ObjectRecord, bool]:
        """Write the version after the one of revision ``read``; 0 for a new object. It, and whether it is new.

        What is there already, because an answer was lost and the request is sent again, is not written twice.

        Raises NotFoundError where the image is gone, ChangedMeanwhileError where ``read`` is not the latest, FullError
        above the quota, of which every version takes a part.
        """
        with self.database.changing(keeps=f"object {object_id}") as rows:
            latest = _latest(rows, image, object_id)
            current = 0 if latest is None else latest.revision
            if latest is not None and current == read + 1 and latest.document == document and not latest.deleted:
                return latest, False
            if current != read:
                raise ChangedMeanwhileError(object_id, read, latest)
            touch(rows, image)
            return _insert(rows, image, object_id, document, latest), True

    def delete(self, image: str, object_id: str, *, read: int) -> ObjectRecord:
        """Note that an object is deleted, whatever the quota; its history stays, and to do it twice does nothing more.

        Raises NotFoundError where it never was, ChangedMeanwhileError where ``read`` is not the latest.
        """
        with self.database.changing() as rows:
            latest = _latest(rows, image, object_id)
            if latest is None:
                raise NotFoundError(f"object {object_id}: the image never had one of that id; list its objects")
            if latest.deleted and latest.revision in (read, read + 1):
                return latest
            if latest.revision != read:
                raise ChangedMeanwhileError(object_id, read, latest)
            touch(rows, image)
            return _insert(rows, image, object_id, latest.document, latest, deleted=True)

    def replace(
        self, image: str, documents: dict[str, dict[str, Any]], *, within: Connection | None = None
    ) -> list[ObjectRecord]:
        """Delete all objects of an image and make these, by id; all of that or nothing. Raises NotFoundError.

        within: see `Database.changing`.
        """
        with self.database.changing(within) as rows:
            touch(rows, image)
            for row in rows.execute(LATEST, (image,)).fetchall():
                if not (old := _record(row)).deleted and old.id not in documents:
                    _insert(rows, image, old.id, old.document, old, deleted=True)
            return [
                _insert(rows, image, object_id, document, _latest(rows, image, object_id))
                for object_id, document in documents.items()
            ]


def _latest(rows: Connection, image: str, object_id: str) -> ObjectRecord | None:
    row = rows.execute(
        "SELECT * FROM object_versions WHERE image = ? AND id = ? ORDER BY revision DESC LIMIT 1", (image, object_id)
    ).fetchone()
    return None if row is None else _record(row)


def _insert(
    rows: Connection,
    image: str,
    object_id: str,
    document: dict[str, Any],
    before: ObjectRecord | None,
    deleted: bool = False,
) -> ObjectRecord:
    time = now()
    if before is None:
        (number,) = rows.execute(
            "SELECT coalesce(max(number), 0) + 1 FROM object_versions WHERE image = ?", (image,)
        ).fetchone()
        version = ObjectRecord(object_id, 1, number, time, time, deleted, document)
    else:
        version = ObjectRecord(object_id, before.revision + 1, before.number, before.created, time, deleted, document)
    try:
        rows.execute(
            "INSERT INTO object_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (image, object_id, version.revision, version.number, version.created, time, deleted, json.dumps(document)),
        )
    except IntegrityError as error:
        raise NotFoundError(f"image {image}: it was deleted meanwhile") from error
    return version


def _record(row: Row) -> ObjectRecord:
    return ObjectRecord(
        row["id"], row["revision"], row["number"], row["created"], row["changed"], bool(row["deleted"]),
        json.loads(row["document"]),
    )  # fmt: skip
