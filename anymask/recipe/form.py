"""Which fields the JSON of a recipe has, as a JSON Schema by which it is checked too; schema.py publishes it."""

from collections.abc import Mapping
from typing import Any, get_args

from anymask.letterbox import LARGEST, SMALLEST, STRIDE
from anymask.rle import MOST_PIXELS
from anymask.segment import Refine

VERSION = 1  # of the format
MOST = 100_000  # entries of a list, and masks
FARTHEST = 1e9  # source pixels


def fields(properties: Mapping[str, Any], optional: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """The schema of an object with just these fields, all of which it must have but for the optional ones."""
    required = [name for name in properties if name not in optional]
    about = {"type": "object", **more, "properties": dict(properties)}
    return {**about, "required": required, "additionalProperties": False}


def whole(least: int, most: int, description: str = "", *, or_null: bool = False) -> dict[str, Any]:
    """The schema of a whole number."""
    about = {"description": description} if description else {}
    return {**about, "type": ["integer", "null"] if or_null else "integer", "minimum": least, "maximum": most}


def word(description: str = "", longest: int = 100) -> dict[str, Any]:
    """The schema of a short text."""
    return {**({"description": description} if description else {}), "type": "string", "maxLength": longest}


def listed(items: Mapping[str, Any], most: int, description: str, least: int = 0) -> dict[str, Any]:
    """The schema of a list."""
    return {"description": description, "type": "array", "items": dict(items), "minItems": least, "maxItems": most}


SHARE = {"type": "number", "minimum": 0, "maximum": 1}
TRUTH = {"type": "boolean"}
REFINE = {"enum": list(get_args(Refine))}
HASH = {"type": "string", "pattern": "^[0-9a-f]{64}$", "examples": ["0123456789abcdef" * 4]}
HASH_OR_NONE = {**HASH, "type": ["string", "null"]}
SIZE = {**whole(SMALLEST, LARGEST, "Network pixels along the longest side."), "multipleOf": STRIDE}
SIZE_OR_NONE = {**SIZE, "type": ["integer", "null"]}
FAR = {"type": "number", "minimum": -FARTHEST, "maximum": FARTHEST}

CONDITIONS = fields(
    {
        "anymask": word("Its version."),
        "versions": {
            "description": "Of the packages that compute, by name.",
            "type": "object",
            "additionalProperties": word(),
        },
        "runtime": word("What ran the network."),
        "threads": whole(1, MOST, "Of a pass; null for as many as the runtime takes by itself.", or_null=True),
        "cores": whole(1, MOST, "Of the computer."),
        "precision": word("In which the network was computed."),
        "weights": {
            **fields({"detector": HASH, "mask_head": HASH_OR_NONE, "refiner": HASH, "classifier": HASH}),
            "description": "SHA-256 of each file; null for a mask head that is not used.",
        },
        "machine": word("Operating system and architecture."),
        "processor": listed(word(), 100, "Which of its features engines choose their ways by."),
    },
    description="On what masks depend beside the picture and the parameters.",
)

PICTURE = fields(
    {
        "sha256": {**HASH, "description": "Of 'RGB WIDTH HEIGHT', a line feed and the pixels, row by row."},
        "width": whole(1, MOST_PIXELS),
        "height": whole(1, MOST_PIXELS),
        "name": word("What its file was called.", 1000),
    },
)

PARAMETERS = fields(
    {
        "image_size": SIZE_OR_NONE,
        "score": {**SHARE, "description": "Masks that score lower are left out."},
        "iou": {**SHARE, "description": "Of two boxes that overlap more, only the better stays."},
        "max_masks": whole(1, MOST),
        "drawn": whole(0, MOST, "So many of the likeliest masks are drawn by the mask head."),
        "refine": {**REFINE, "description": "Which masks the refiner draws anew."},
        "snap": {**TRUTH, "description": "Contours of large masks are moved to edges in the picture."},
        "zoom": {**TRUTH, "description": "Where no mask fits a point or a box, look closer."},
    },
    ("image_size", "score", "iou", "max_masks", "drawn", "refine", "snap", "zoom"),
    description="Those of Segmenter; what is left out is as there.",
)

LOOK = fields(
    {"box": listed(FAR, 4, "x1, y1, x2, y2 in pixels of the picture.", 4), "image_size": SIZE_OR_NONE},
    ("image_size",),
)

RLE = fields(
    {
        "size": listed(whole(1, MOST_PIXELS), 2, "Height and width.", 2),
        "counts": {"description": "Compressed COCO run lengths.", "type": "string"},
    },
    description="The mask as it was.",
)

SELECTED = {
    **fields(
        {
            "label": word("What it is called.", 1000),
            "colour": {
                "description": "In which it is shown.",
                "type": ["string", "null"],
                "pattern": "^#[0-9a-fA-F]{6}$",
                "examples": ["#2f7fd0"],
            },
            "edited": {**TRUTH, "description": "It was drawn by hand, and is what is recorded."},
            "mask": whole(0, MOST, "It is that one of the masks found, after the looks.", or_null=True),
            "prompts": listed({"$ref": "#/$defs/prompt"}, 1000, "It is an answer of one call of select.", 0),
            "prompt": whole(0, 999, "To which of the prompts."),
            "rank": whole(0, MOST, "Which answer, 0 for the best."),
            "refine": {
                "description": "Of that call, where not as of the parameters.",
                "enum": [None, *get_args(Refine)],
            },
            "zoom": {"description": "Likewise.", "type": ["boolean", "null"]},
            "looks": whole(0, 1000, "How many of the looks had been made; null for all.", or_null=True),
            "score": {**SHARE, "type": ["number", "null"], "description": "Of a mask drawn by hand, where it has one."},
            "rle": RLE,
        },
        ("label", "colour", "edited", "mask", "prompts", "prompt", "rank", "refine", "zoom", "looks", "score"),
        description="An object, and where its mask comes from: from hand, or a mask found, or an answer to prompts; "
        "of several the first counts.",
    ),
    "anyOf": [
        {"properties": {"edited": {"const": True}}, "required": ["edited"]},
        {"properties": {"mask": {"type": "integer"}}, "required": ["mask"]},
        {"properties": {"prompts": {"minItems": 1}}, "required": ["prompts"]},
    ],
}

RECIPE = fields(
    {
        "type": {"const": "recipe"},
        "version": {"const": VERSION},
        "conditions": CONDITIONS,
        "picture": PICTURE,
        "parameters": PARAMETERS,
        "looks": listed(LOOK, 1000, "Regions that were looked at closer, one after the other."),
        "objects": listed(SELECTED, MOST, "What was selected."),
    },
    description="Objects selected in a picture, as a program that selects them again. See docs/recipes.md.",
)
