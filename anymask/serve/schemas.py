"""The JSON of the API, as pydantic models: what OpenAPI says is what is checked.

Coordinates are source pixels: points (x, y), boxes (x1, y1, x2, y2). Masks are compressed COCO run lengths.
"""

import json
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from anymask.prompts import PROMPTS
from anymask.prompts.schema import object_schema
from anymask.segment import Refine
from anymask.serve.lanes import Doing
from anymask.serve.prompt_bounds import FARTHEST, MOST_PROMPTS

HEX = "^[0-9a-f]{32}$"
ImageId = Annotated[str, Path(alias="image", pattern=HEX, description="An image's id: 32 hex digits.")]
ObjectId = Annotated[str, Path(alias="object", pattern=HEX, description="An object's id: 32 hex digits.")]
ObjectIds = Annotated[
    list[Annotated[str, Field(pattern=HEX)]] | None,
    Query(alias="id", max_length=1000, description="The objects' ids, each as an id=; none: all of them."),
]
Hidden = Annotated[bool, Query(description="Objects that are hidden too.")]
Revision = Annotated[int, Query(ge=1, le=2**31, description="The object's revision that was read.")]

Colour = Annotated[str, Field(pattern="^#[0-9a-f]{6}$")]
Finite = Annotated[float, Field(strict=True, ge=-FARTHEST, le=FARTHEST, allow_inf_nan=False)]
Score = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Sides = tuple[Finite, Finite, Finite, Finite]

MOST_FIELDS = 50  # far more than any body has
MOST_RLE = 2**22  # characters; a mask of a million runs has fewer
# A prompt's own schema, which a test holds to docs/prompt.schema.json; what it cannot say the prompts check themselves
PROMPT_SCHEMA: dict[str, Any] = {
    "oneOf": [{"$ref": f"#/components/schemas/{kind.__name__}"} for kind in PROMPTS.values()]
}


def prompt_schemas() -> dict[str, Any]:
    """What `PROMPT_SCHEMA` refers to, by name, for the components of OpenAPI."""
    schemas = {kind.__name__: object_schema(kind) for kind in PROMPTS.values()}
    named = {name: dict(each) for kind in PROMPTS.values() for name, each in getattr(kind, "definitions", {}).items()}
    schemas |= {name.capitalize(): each for name, each in named.items()}
    text = json.dumps(schemas)
    for name in named:
        text = text.replace(f"#/$defs/{name}", f"#/components/schemas/{name.capitalize()}")
    placed: dict[str, Any] = json.loads(text)
    return placed


class Strict(BaseModel):
    """A body of a request: a name that is not known is an error, and never ignored."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def few(cls, value: Any) -> Any:
        """Each name that is not known is an error of its own: half a million of them would hold up everybody."""
        if isinstance(value, dict) and len(value) > MOST_FIELDS:
            raise ValueError(f"expected at most {MOST_FIELDS} fields, got {len(value)}")
        return value


class Problem(BaseModel):
    """What is answered where something is wrong."""

    class Told(BaseModel):
        """Which error, and one line that names the thing, what was expected, what was got, and the cure."""

        type: str
        message: str

    error: Told


class Rle(Strict):
    """A mask: (height, width) of the picture, and compressed COCO run lengths."""

    size: tuple[Annotated[int, Field(strict=True, ge=1)], Annotated[int, Field(strict=True, ge=1)]]
    counts: Annotated[str, Field(min_length=1, pattern="^[0-o]+$")]  # 48 to 111, see anymask/rle.py


class Mask(BaseModel):
    """A found mask. parent: the smallest mask that contains it, -1 for none."""

    id: int
    box: Sides
    score: float
    parent: int
    rle: Rle


ImageState = Literal["waiting", "working", "ready", "failed"]


class Image(BaseModel):
    """A picture and, once they are found, its masks."""

    id: str
    name: str
    width: int
    height: int
    state: ImageState
    error: str | None
    created: str
    revision: int
    masks: list[Mask] | None = None


class ImagePage(BaseModel):
    """Some images, the newest first; next: what to pass as ``after`` for those that follow, null at the end."""

    images: list[Image]
    next: str | None


class Progress(BaseModel):
    """How far an image is. error: why it failed.

    doing: what is being done to it or will be next: its ``masks`` are found, a ``recipe`` is run again, a closer
    ``look`` is made; null for nothing. ahead: jobs before that one. done, total: of its steps, a recipe's or masks
    drawn anew; 0 of 0 where it cannot tell, as in the one pass of a look.
    """

    state: ImageState
    doing: Doing | None
    ahead: int
    done: int
    total: int
    error: str | None


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
    zoom: StrictBool = True
    candidates: Annotated[int, Field(strict=True, ge=1, le=1000)] | None = None
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
    nearest: list[Near] = Field(description="What came nearest, where nothing fits.")
    below: list[Near] = Field(description="Masks that nearly fit: they score less than what is answered.")
    unknown: dict[str, list[str]]


class SelectAnswer(BaseModel):
    """The masks that answer, in the order of the prompts and the best first for each."""

    revision: int
    masks: list[Picked]
    texts: list[TextAnswer]


class LookRequest(Strict):
    """A region to look at again, at its own pixels. image_size: network pixels, null to fit the region."""

    box: Sides
    image_size: Annotated[int, Field(strict=True, ge=32, le=4096, multiple_of=32)] | None = None


class LookAnswer(BaseModel):
    """The masks that the look added or made finer, and the parents of all masks, which may have changed."""

    revision: int
    masks: list[Mask]
    parents: list[int]


class ObjectFields(Strict):
    """An object that somebody selected.

    Where its mask comes from: ``mask``, the id of a mask of the image; or else it is answer ``rank`` of a select to
    number ``prompt`` of ``prompts``, with the ``refine`` and ``zoom`` that were given. ``edited``: it was changed by
    hand since. ``looks``: how many closer looks there were then; null for those there are when the object is sent.
    """

    label: Annotated[str, Field(max_length=200)] = ""
    colour: Colour | None = None
    visible: StrictBool = True
    locked: StrictBool = False
    prompts: Annotated[
        list[Annotated[dict[str, Any], Field(json_schema_extra=PROMPT_SCHEMA)]], Field(max_length=MOST_PROMPTS)
    ] = []
    prompt: Annotated[int, Field(strict=True, ge=0, lt=MOST_PROMPTS)] = 0
    rank: Annotated[int, Field(strict=True, ge=0, le=1000)] = 0
    refine: Refine | None = None
    zoom: StrictBool | None = None
    looks: Annotated[int, Field(strict=True, ge=0, le=2**31)] | None = None
    mask: Annotated[int, Field(strict=True, ge=0, le=2**31)] | None = None
    edited: StrictBool = False
    score: Score | None = None
    rle: Rle


class ObjectChange(ObjectFields):
    """An object as it shall be. revision: what was read of it; 0 to make a new one."""

    revision: Annotated[int, Field(strict=True, ge=0, le=2**31)]


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


class Replayed(BaseModel):
    """What became of a recipe: its objects as they are now, and what is otherwise than when it was recorded."""

    revision: int
    objects: list[Object]
    warnings: list[str]


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
