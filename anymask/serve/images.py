"""The images of a data folder: what was sent, how its masks are found, and the masks."""

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from sqlite3 import Connection, Row
from typing import Any, Literal

from anymask.serve.database import Database
from anymask.serve.refusals import ConflictError, NotFoundError

State = Literal["waiting", "ready", "failed"]

COLUMNS = (
    "id, number, picture, media_type, bytes, name, width, height, created, parameters, state, error, revision, "
    "masks_revision, looks"
)


@dataclass(frozen=True)
class ImageRecord:
    """One image, without its masks.

    id: 32 hex digits. number: order of arrival. picture: SHA-256 of its file. width, height: pixels of the upright
    picture. parameters: keywords of `Segmenter.__call__`. looks: the boxes looked at closer, in order, each
    ``{"box": [x1, y1, x2, y2], "image_size": N or None}``. revision: grows with every change of masks and objects;
    masks_revision: with every change of the masks.
    """

    id: str
    number: int
    picture: str
    media_type: str
    bytes: int
    name: str
    width: int
    height: int
    created: str
    parameters: dict[str, Any]
    state: State
    error: str | None
    revision: int
    masks_revision: int
    looks: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class NewImage:
    """What is known of a picture that was sent, before its masks are found; the fields are those of `ImageRecord`."""

    picture: str
    media_type: str
    bytes: int
    name: str
    width: int
    height: int
    parameters: dict[str, Any]


class Images:
    """The table of images. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add(self, new: NewImage) -> ImageRecord:
        """A new image, whose masks are still to be found."""
        made = secrets.token_hex(16)
        with self.database.changing() as rows:
            rows.execute(
                "INSERT INTO images VALUES (?, (SELECT coalesce(max(number), 0) + 1 FROM images), "
                "?, ?, ?, ?, ?, ?, ?, ?, 'waiting', NULL, 1, 0, NULL, '[]')",
                (made, new.picture, new.media_type, new.bytes, new.name, new.width, new.height, now(),
                 json.dumps(new.parameters)),
            )  # fmt: skip
            return _get(rows, made)

    def get(self, image: str) -> ImageRecord:
        """One image. Raises NotFoundError."""
        with self.database.reading() as rows:
            return _get(rows, image)

    def page(self, limit: int, after: str | None = None) -> list[ImageRecord]:
        """At most ``limit`` images, the newest first; those that come after the one of that id."""
        with self.database.reading() as rows:
            before = _get(rows, after).number if after is not None else 2**62
            found = rows.execute(
                f"SELECT {COLUMNS} FROM images WHERE number < ? ORDER BY number DESC LIMIT ?", (before, limit)
            )
            return [_record(row) for row in found]

    def masks(self, image: str) -> tuple[ImageRecord, bytes | None]:
        """One image and its packed masks, which are of one time. Raises NotFoundError."""
        with self.database.reading() as rows:
            record = _get(rows, image)
            (packed,) = rows.execute("SELECT masks FROM images WHERE id = ?", (image,)).fetchone()
            return record, packed

    def set_masks(
        self,
        image: str,
        packed: bytes,
        *,
        read: int,
        looks: tuple[dict[str, Any], ...] = (),
        parameters: dict[str, Any] | None = None,
        within: Connection | None = None,
    ) -> ImageRecord:
        """Give an image the masks that were made from those of masks_revision ``read``.

        parameters: with which they were found, where those are new. within: see `Database.changing`.

        Raises NotFoundError; ConflictError where they are no longer the latest.
        """
        with self.database.changing(within) as rows:
            changed = rows.execute(
                "UPDATE images SET masks = ?, looks = ?, parameters = coalesce(?, parameters), state = 'ready', "
                "error = NULL, revision = revision + 1, masks_revision = masks_revision + 1 "
                "WHERE id = ? AND masks_revision = ?",
                (packed, json.dumps(looks), json.dumps(parameters) if parameters is not None else None, image, read),
            ).rowcount
            record = _get(rows, image)
        if not changed:
            raise ConflictError(f"image {image}: its masks have changed meanwhile; read them and ask again")
        return record

    def fail(self, image: str, error: str) -> ImageRecord:
        """Note that no masks can be found, and why."""
        with self.database.changing() as rows:
            rows.execute(
                "UPDATE images SET state = 'failed', error = ?, revision = revision + 1 "
                "WHERE id = ? AND state = 'waiting'",
                (error, image),
            )
            return _get(rows, image)

    def remove(self, image: str) -> tuple[ImageRecord, bool]:
        """Remove an image and its objects; it, and whether no other one has its picture. Raises NotFoundError."""
        with self.database.changing() as rows:
            record = _get(rows, image)
            rows.execute("DELETE FROM images WHERE id = ?", (image,))
            others = rows.execute("SELECT 1 FROM images WHERE picture = ? LIMIT 1", (record.picture,)).fetchone()
        return record, others is None

    def pictures(self) -> dict[str, int]:
        """The bytes of every picture file, by its SHA-256."""
        with self.database.reading() as rows:
            return dict(rows.execute("SELECT DISTINCT picture, bytes FROM images").fetchall())


def now() -> str:
    """The time in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def touch(rows: Connection, image: str) -> int:
    """Note within a transaction that something of an image changes; its new revision. Raises NotFoundError."""
    rows.execute("UPDATE images SET revision = revision + 1 WHERE id = ?", (image,))
    return _get(rows, image).revision


def _get(rows: Connection, image: str) -> ImageRecord:
    row = rows.execute(f"SELECT {COLUMNS} FROM images WHERE id = ?", (image,)).fetchone()
    if row is None:
        raise NotFoundError(f"image {image}: there is none of that id; GET /v1/images lists those there are")
    return _record(row)


def _record(row: Row) -> ImageRecord:
    fields = dict(row)
    parameters, looks = json.loads(fields.pop("parameters")), tuple(json.loads(fields.pop("looks")))
    return ImageRecord(**fields, parameters=parameters, looks=looks)
