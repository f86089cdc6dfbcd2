"""The JSON of the API, as pydantic models: what OpenAPI says is what is checked.

Coordinates are source pixels: points (x, y), boxes (x1, y1, x2, y2). Masks are compressed COCO run lengths.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from anymask import rle
from anymask.errors import PromptError
from anymask.maskset import MaskSet
from anymask.prompts import PROMPTS, Prompt, Text, parse
from anymask.prompts.schema import object_schema
from anymask.segment import Refine
from anymask.serve.images import ImageRecord
from anymask.serve.objects import ObjectRecord
from anymask.words.answer import Answer, unknown_nouns

HEX = "^[0-9a-f]{32}$"
ImageId = Annotated[str, Path(alias="image", pattern=HEX, description="An image's id: 32 hex digits.")]
ObjectId = Annotated[str, Path(alias="object", pattern=HEX, description="An object's id: 32 hex digits.")]
Revision = Annotated[int, Query(ge=1, le=2**31, description="The object's revision that was read.")]

Colour = Annotated[str, Field(pattern="^#[0-9a-f]{6}$")]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Score = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Sides = tuple[Finite, Finite, Finite, Finite]

MOST_PROMPTS = 100
# A prompt's own schema, which a test holds to docs/prompt.schema.json; what it cannot say the prompts check themselves
PROMPT_SCHEMA: dict[str, Any] = {"oneOf": [object_schema(kind) for kind in PROMPTS.values()]}


class Strict(BaseModel):
    """A body of a request: a name that is not known is an error, and never ignored."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """What is answered where something is wrong."""

    class Told(BaseModel):
        """Which error, and one line that names the thing, what was expected, what was got, and the cure."""

        type: str
        message: str

    error: Told


class Rle(Strict):
    """A mask: (height, width) of the picture, and compressed COCO run lengths."""

    size: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
    counts: Annotated[str, Field(min_length=1)]


class Mask(BaseModel):
    """A found mask. parent: the smallest mask that contains it, -1 for none."""

    id: int
    box: Sides
    score: float
    parent: int
    rle: Rle


class Image(BaseModel):
    """A picture and, once they are found, its masks."""

    id: str
    name: str
    width: int
    height: int
    state: Literal["waiting", "working", "ready", "failed"]
    error: str | None
    created: str
    revision: int
    masks: list[Mask] | None = None


class ImagePage(BaseModel):
    """Some images, the newest first; next: what to pass as ``after`` for those that follow, null at the end."""

    images: list[Image]
    next: str | None


class SelectRequest(Strict):
    """Prompts, each for one object, or a text for all it fits.

    candidates: masks for each prompt at most; null for all that fit a text, and three of others. rles: "new" leaves
    out those of masks that have an id.
    """

    prompts: Annotated[
        list[Annotated[dict[str, Any], Field(json_schema_extra=PROMPT_SCHEMA)]],
        Field(min_length=1, max_length=MOST_PROMPTS),
    ]
    refine: Refine = "auto"
    zoom: bool = True
    candidates: Annotated[int, Field(ge=1, le=1000)] | None = None
    rles: Literal["all", "new"] = "all"


class Picked(BaseModel):
    """An answer: of which prompt, as which candidate, and which of the image's masks, null for one drawn anew."""

    prompt: int
    rank: int
    score: float
    box: Sides
    id: int | None
    rle: Rle | None


class Near(BaseModel):
    """A mask that came near to a text, and what it looks like most."""

    id: int
    score: float
    name: str


class TextAnswer(BaseModel):
    """What a text was read as, and what there is to say of its answer."""

    prompt: int
    text: str
    query: dict[str, Any]
    reason: str
    notes: list[str]
    nearest: list[Near]
    unknown: dict[str, list[str]]


class SelectAnswer(BaseModel):
    """The masks that answer, in the order of the prompts and the best first for each."""

    revision: int
    masks: list[Picked]
    texts: list[TextAnswer]


class LookRequest(Strict):
    """A region to look at again, at its own pixels. image_size: network pixels, null to fit the region."""

    box: Sides
    image_size: Annotated[int, Field(ge=32, le=4096, multiple_of=32)] | None = None


class LookAnswer(BaseModel):
    """The masks that the look added or made finer, and the parents of all masks, which may have changed."""

    revision: int
    masks: list[Mask]
    parents: list[int]


class ObjectFields(Strict):
    """An object that somebody selected.

    Where its mask comes from: ``mask``, the id of a mask of the image; or else ``prompts`` and ``rank``, the answer of
    select that it is. ``edited``: it was changed by hand since.
    """

    label: Annotated[str, Field(max_length=200)] = ""
    colour: Colour | None = None
    visible: bool = True
    locked: bool = False
    prompts: Annotated[
        list[Annotated[dict[str, Any], Field(json_schema_extra=PROMPT_SCHEMA)]], Field(max_length=MOST_PROMPTS)
    ] = []
    rank: Annotated[int, Field(ge=0, le=1000)] = 0
    mask: Annotated[int, Field(ge=0, le=2**31)] | None = None
    edited: bool = False
    score: Score | None = None
    rle: Rle


class ObjectChange(ObjectFields):
    """An object as it shall be. revision: what was read of it; 0 to make a new one."""

    revision: Annotated[int, Field(ge=0, le=2**31)]


class Object(ObjectFields):
    """An object as it is. box: the tight box of its mask. area: in pixels."""

    model_config = ConfigDict(extra="ignore")

    id: str
    revision: int
    created: str
    changed: str
    box: Sides
    area: int


class Version(Object):
    """One version of an object; in a deleted one the fields are those it had before."""

    deleted: bool


class ObjectList(BaseModel):
    """The objects of an image, in the order in which they were made."""

    revision: int
    objects: list[Object]


class History(BaseModel):
    """Every version of an object, the first one first."""

    versions: list[Version]


class Deleted(BaseModel):
    """The revision at which an object is deleted; a PUT that has read it brings the object back."""

    revision: int


class Health(BaseModel):
    """That the server answers, and what it is."""

    status: Literal["ok"]
    version: str
    weights: str
    runtime: str
    saved: bool
    waiting: int
    running: int
    open_images: int
    open_bytes: int


# From what the package holds to those


def image_json(record: ImageRecord, *, working: bool, found: MaskSet | None = None) -> Image:
    """An image; its masks where ``found`` is given."""
    return Image(
        id=record.id,
        name=record.name,
        width=record.width,
        height=record.height,
        state="working" if working and record.state == "waiting" else record.state,
        error=record.error,
        created=record.created,
        revision=record.revision,
        masks=None if found is None else masks_json(found),
    )


def masks_json(found: MaskSet, before: MaskSet | None = None) -> list[Mask]:
    """The masks of a set; those that are not the same ``before``, where that is given."""
    parents = found.parents
    known = () if before is None else before.rles
    return [
        Mask(
            id=index,
            box=_box(found, index),
            score=_score(found, index),
            parent=int(parents[index]),
            rle=rle_json(found, index),
        )
        for index, counts in enumerate(found.rles)
        if index >= len(known) or counts != known[index]
    ]


def picked_json(picked: MaskSet, ids: dict[bytes, int], request: SelectRequest, texts: Sequence[int]) -> list[Picked]:
    """The answers that a request asks for. ids: of the image's masks. texts: the numbers of prompts that are texts."""
    answers = []
    for index, (prompt, rank) in enumerate(zip(np.asarray(picked.prompt), np.asarray(picked.rank), strict=True)):
        most = request.candidates or (len(picked) if prompt in texts else 3)
        if rank >= most:
            continue
        known = ids.get(picked.rles[index])
        answers.append(
            Picked(
                prompt=int(prompt),
                rank=int(rank),
                score=_score(picked, index),
                box=_box(picked, index),
                id=known,
                rle=None if request.rles == "new" and known is not None else rle_json(picked, index),
            )
        )
    return answers


def text_json(number: int, prompt: Text, answer: Answer) -> TextAnswer:
    """What there is to say of a text."""
    return TextAnswer(
        prompt=number,
        text=prompt.text,
        query=prompt.query.to_json(),
        reason=answer.reason,
        notes=list(answer.notes),
        nearest=[Near(id=near.index, score=round(near.score, 6), name=near.name) for near in answer.nearest],
        unknown={word: list(near) for word, near in unknown_nouns(prompt.query).items()},
    )


def object_json(record: ObjectRecord, kind: type[Object] = Object) -> Object:
    """An object, or with `Version` one version of it."""
    mask = record.document["rle"]
    height, width = mask["size"]
    counts = [mask["counts"].encode("ascii")]
    return kind.model_validate(
        {
            **record.document,
            "id": record.id,
            "revision": record.revision,
            "created": record.created,
            "changed": record.changed,
            "deleted": record.deleted,
            "box": rle.boxes(counts, height, width)[0].tolist(),
            "area": int(rle.areas(counts)[0]),
        }
    )


def rle_json(found: MaskSet, index: int) -> Rle:
    """One mask."""
    return Rle(size=found.size, counts=found.rles[index].decode("ascii"))


def _box(found: MaskSet, index: int) -> Sides:
    x1, y1, x2, y2 = (float(side) for side in found.boxes[index])
    return x1, y1, x2, y2


def _score(found: MaskSet, index: int) -> float:
    return round(float(found.scores[index]), 6)


# And from those to what the package holds


def prompts_of(documents: Sequence[dict[str, Any]]) -> list[Prompt]:
    """The prompts of a body. Raises PromptError, which names the first that is none."""
    prompts = []
    for number, document in enumerate(documents):
        try:
            prompts.append(parse(document))
        except PromptError as error:
            raise PromptError(f"prompts[{number}]: {error}") from error
    return prompts


def document_of(fields: ObjectFields, record: ImageRecord) -> dict[str, Any]:
    """What is kept of an object of that image.

    Raises PromptError for prompts that are none, and for a mask that is not of the image.
    """
    prompts_of(fields.prompts)
    size = (record.height, record.width)
    counts = fields.rle.counts.encode("ascii", errors="replace")
    if fields.rle.size != size or not rle.fills([counts], *size)[0]:
        raise PromptError(
            f"rle: expected compressed COCO run lengths of a mask of {size[0]} x {size[1]} pixels, got other ones of "
            f"{fields.rle.size[0]} x {fields.rle.size[1]}"
        )
    return fields.model_dump(mode="json", exclude={"revision"})


def masks_of(records: Sequence[ObjectRecord], size: tuple[int, int]) -> MaskSet:
    """The masks of objects as a set, without the picture; a mask without a score has 1."""
    rles = tuple(each.document["rle"]["counts"].encode("ascii") for each in records)
    scores = [1.0 if each.document["score"] is None else each.document["score"] for each in records]
    return MaskSet(size, rle.boxes(rles, *size), np.array(scores, np.float32), rles)
