"""`Recipe`: what was selected in a picture, and all that is needed to select it again, as plain data."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, NoReturn, Self

from anymask import rle
from anymask.errors import ImageError, PromptError
from anymask.graft import look_size, region_of
from anymask.maskset import MaskSet
from anymask.prompts import Box, Prompt, Text, parse
from anymask.prompts.numbers import shown
from anymask.recipe.checked import CURE, check, wrong
from anymask.recipe.conditions import Conditions, Picture
from anymask.recipe.form import RECIPE, VERSION
from anymask.segment import DRAWN, Refine, Segmenter


@dataclass(frozen=True)
class Parameters:
    """Those keywords of a Segmenter that masks depend on, with its defaults.

    image_size, score, iou, max_masks, drawn and snap are those of a pass over the picture and of every closer look;
    drawn, refine and zoom those of `Segmenter.select`. refine is that of the pass too.
    """

    image_size: int | None = None
    score: float = 0.0
    iou: float = 0.7
    max_masks: int = 1000
    drawn: int = DRAWN
    refine: Refine = "auto"
    snap: bool = False
    zoom: bool = True

    def of_call(self) -> dict[str, Any]:
        """Keywords of `Segmenter.__call__`."""
        return {**self.of_look(), "image_size": self.image_size, "refine": self.refine}

    def of_look(self) -> dict[str, Any]:
        """Keywords of `Segmenter.look`, but for the size."""
        return {name: getattr(self, name) for name in ("score", "iou", "max_masks", "drawn", "snap")}

    def differences(self, now: "Parameters") -> list[str]:
        """What is otherwise now, in words."""
        then, other = asdict(self), asdict(now)
        return [f"{name} {other[name]} instead of {then[name]}" for name in then if then[name] != other[name]]


@dataclass(frozen=True)
class Look:
    """A closer look at a region.

    box: x1, y1, x2, y2 in source pixels. image_size: network pixels; None for what a look there takes.

    Raises PromptError for an empty box.
    """

    box: tuple[float, float, float, float]
    image_size: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "box", Box(self.box).box)

    @classmethod
    def from_json(cls, checked: dict[str, Any], name: str) -> Self:
        """That of a JSON object which was checked by the schema. PromptError for an empty box."""
        try:
            return cls(checked["box"], checked.get("image_size"))
        except PromptError as error:
            raise PromptError(f"{name}.{error}: {CURE}") from error

    def at(self, segmenter: Segmenter, found: MaskSet, parameters: Parameters) -> MaskSet:
        """``found`` with what this look adds."""
        return segmenter.look(found, self.box, image_size=self.image_size, **parameters.of_look())


@dataclass(frozen=True)
class Selected:
    """An object, and where its mask comes from: drawn by hand if ``edited``, else that of ``mask``, else of prompts.

    rle: the mask, as in `MaskSet.rles`.
    label: what it is called. colour: "#rrggbb" in which it is shown, or None.
    mask: the index of a mask that was found, after the looks.
    prompts: those of one call of `Segmenter.select`; the mask is answer ``rank`` to number ``prompt`` of them.
    refine, zoom: of that call, where they are not the parameters'.
    looks: how many of the recipe's looks had been made before; None for all of them.
    score: of a mask drawn by hand, in [0, 1].

    Raises PromptError for a mask from nowhere, and for a prompt that is none of the prompts.
    """

    rle: bytes
    label: str = ""
    colour: str | None = None
    edited: bool = False
    mask: int | None = None
    prompts: tuple[Prompt, ...] = ()
    prompt: int = 0
    rank: int = 0
    refine: Refine | None = None
    zoom: bool | None = None
    looks: int | None = None
    score: float | None = None

    def __post_init__(self) -> None:
        if not self.edited and self.mask is None and not self.prompts:
            raise PromptError(
                f"recipe: expected to be told by mask, prompts or edited where the mask of object "
                f"{shown(self.label)} comes from, got none of them: {CURE}"
            )
        if self.prompts and not 0 <= self.prompt < len(self.prompts):
            raise wrong("recipe: prompt", f"the number of one of {len(self.prompts)} prompts", self.prompt)

    def to_json(self, size: tuple[int, int]) -> dict[str, Any]:
        """A JSON object without what is as by default; size is (height, width) of the picture."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        given = {each.name: values[each.name] for each in fields(self)[1:] if values[each.name] != each.default}
        if self.prompts:
            given["prompts"] = [each.to_json() for each in self.prompts]
        return {**given, "rle": {"size": list(size), "counts": self.rle.decode("ascii")}}

    @classmethod
    def from_json(cls, checked: dict[str, Any], size: tuple[int, int], name: str) -> Self:
        """That of a JSON object which was checked by the schema, of a picture of ``size``. PromptError as above."""
        given = dict(checked)
        counts = given.pop("rle")
        if counts["size"] != list(size):
            raise wrong(f"{name}.rle.size", f"{list(size)}, as of the picture", counts["size"])
        try:
            prompts = tuple(parse(each) for each in given.pop("prompts", ()))
            return cls(rle=counts["counts"].encode("ascii", "replace"), prompts=prompts, **given)
        except PromptError as error:
            raise PromptError(f"{name}: {error}") from error


@dataclass(frozen=True)
class Recipe:
    """Objects selected in a picture, as a program that selects them again: see `replay` and docs/recipes.md.

    looks: regions that were looked at closer, one after the other.

    Raises PromptError for run lengths that do not fill the picture, and for an object after more looks than there are.
    """

    conditions: Conditions
    picture: Picture
    parameters: Parameters
    looks: tuple[Look, ...]
    objects: tuple[Selected, ...]

    def __post_init__(self) -> None:
        whole = rle.fills([each.rle for each in self.objects], *self.picture.size)
        for index, each in enumerate(self.objects):
            if not whole[index]:
                expected = f"run lengths of {self.picture.height} x {self.picture.width} pixels"
                raise wrong(f"recipe.objects[{index}].rle.counts", expected, each.rle.decode("ascii", "replace"))
            if (each.looks or 0) > len(self.looks):
                raise wrong(
                    f"recipe.objects[{index}].looks", f"at most the {len(self.looks)} looks there are", each.looks
                )

    @classmethod
    def of(
        cls,
        segmenter: Segmenter,
        found: MaskSet,
        parameters: Parameters,
        looks: Sequence[Look] = (),
        objects: Sequence[Selected] = (),
        name: str = "",
    ) -> Self:
        """The recipe of objects that were selected in a picture.

        found: any masks of it, with the picture. parameters, looks: as the Segmenter was given them; sizes that were
        left to it are noted. name: what the picture's file is called.

        Raises ImageError if ``found`` has no picture.
        """
        if found.image is None:
            raise ImageError("found: expected masks with their picture, got none: pass what the Segmenter returned")
        size = segmenter.image_size
        noted = tuple(
            replace(each, image_size=look_size(region_of(Box(each.box).box, found.size), found.size, size))
            if each.image_size is None
            else each
            for each in looks
        )
        parameters = replace(parameters, image_size=size) if parameters.image_size is None else parameters
        return cls(Conditions.of(segmenter), Picture.of(found.image, name), parameters, noted, tuple(objects))

    def to_json(self) -> dict[str, Any]:
        """The recipe as a JSON object, which docs/recipe.schema.json describes."""
        return {
            "type": "recipe",
            "version": VERSION,
            "conditions": self.conditions.to_json(),
            "picture": asdict(self.picture),
            "parameters": asdict(self.parameters),
            "looks": [{"box": list(each.box), "image_size": each.image_size} for each in self.looks],
            "objects": [each.to_json(self.picture.size) for each in self.objects],
        }

    @classmethod
    def from_json(cls, document: object) -> Self:
        """The recipe of a JSON object.

        Raises:
            PromptError: it is none, in one line that names the place.
        """
        if isinstance(document, dict) and isinstance(version := document.get("version"), int) and version > VERSION:
            raise PromptError(
                f"recipe.version: expected at most {VERSION}, got {shown(version)}: install the anymask that made it"
            )
        check(document, RECIPE, "recipe")
        checked: dict[str, Any] = document  # type: ignore[assignment]
        picture = Picture(**checked["picture"])
        return cls(
            Conditions.from_json(checked["conditions"]),
            picture,
            Parameters(**checked["parameters"]),
            tuple(Look.from_json(each, f"recipe.looks[{index}]") for index, each in enumerate(checked["looks"])),
            tuple(
                Selected.from_json(each, picture.size, f"recipe.objects[{index}]")
                for index, each in enumerate(checked["objects"])
            ),
        )

    def to_text(self) -> str:
        """The recipe as the text of a file, in ASCII."""
        return json.dumps(self.to_json(), indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The recipe of a JSON text. Raises PromptError as `from_json` does."""
        try:
            document = json.loads(text, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise PromptError(f"recipe: expected JSON, got {error}: {CURE}") from error
        return cls.from_json(document)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name}, which is no number")


def selected(
    segmenter: Segmenter,
    picked: MaskSet,
    prompts: Sequence[Prompt],
    parameters: Parameters,
    *,
    refine: Refine | None = None,
    zoom: bool | None = None,
) -> list[Selected]:
    """The objects of the answers that `Segmenter.select` ``picked`` for some prompts; texts give their label.

    refine, zoom: what `select` was given where that was not the parameters'.

    Raises PromptError for masks that are no answers.
    """
    if picked.prompt is None or picked.rank is None:
        raise PromptError("picked: expected what Segmenter.select returned, got masks that answer no prompt")
    alone = _answered_alone(
        segmenter, prompts, parameters.refine if refine is None else refine, parameters.zoom if zoom is None else zoom
    )
    return [
        Selected(
            counts,
            own.text if isinstance(own := prompts[number], Text) else "",
            prompts=(own,) if alone else tuple(prompts),
            prompt=0 if alone else number,
            rank=rank,
            refine=refine,
            zoom=zoom,
        )
        for counts, number, rank in zip(picked.rles, picked.prompt.tolist(), picked.rank.tolist(), strict=True)
    ]


def _answered_alone(segmenter: Segmenter, prompts: Sequence[Prompt], refine: Refine, zoom: bool) -> bool:
    """Whether each prompt is answered as it would be without the others."""
    nouns = {each.has_nouns for each in prompts if isinstance(each, Text)}
    is_drawn = (segmenter.auto_refine if refine == "auto" else refine) != "off"
    looks = zoom and not is_drawn and not all(isinstance(each, Text) for each in prompts)  # what one finds helps others
    return len(nouns) < 2 and not looks
