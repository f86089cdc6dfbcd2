"""`replay`: the objects of a recipe selected again, compared with what was recorded."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from anymask import rle
from anymask.errors import PromptError, printable
from anymask.image import MAX_PIXELS, ImageSource, load_image
from anymask.maskset import MaskSet
from anymask.prompts import Box, Point, Prompt
from anymask.prompts.made import made
from anymask.recipe.conditions import Conditions, Picture
from anymask.recipe.document import Parameters, Recipe, Selected
from anymask.segment import Segmenter

LONGEST = 60  # characters of a label in a message


@dataclass(frozen=True)
class Replayed:
    """An object as it is now.

    number: its place in the recipe. selected: the object, with its mask of now.
    iou: of that mask with the recorded one, in [0, 1]; None where the picture is of another size.
    identical: whether both are the same, byte for byte.
    note: how the mask was taken, where that was not as recorded.
    """

    number: int
    selected: Selected
    iou: float | None
    identical: bool
    note: str = ""


@dataclass(frozen=True)
class Replay:
    """What became of a recipe.

    masks: those of the objects, in order. objects: one for each of them.
    found: all masks of the picture, after the looks.
    recipe: the recipe of these objects under the conditions of now.
    differences: what is otherwise than when the recipe was recorded, in words; empty under the same conditions.
    left_out: a line for each object and each look that could not be made again.
    """

    masks: MaskSet
    objects: tuple[Replayed, ...]
    found: MaskSet
    recipe: Recipe
    differences: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def labels(self) -> list[str]:
        """What the objects are called."""
        return [each.selected.label for each in self.objects]

    @property
    def colours(self) -> list[str | None]:
        """In which they are shown."""
        return [each.selected.colour for each in self.objects]

    @property
    def ious(self) -> list[float | None]:
        """With the recorded masks."""
        return [each.iou for each in self.objects]

    @property
    def warnings(self) -> list[str]:
        """What differs, each object that is not identical, each that is left out, and a summary.

        Empty where everything is as it was.
        """
        changed = [each for each in self.objects if each.iou is not None and (each.note or not each.identical)]
        if not self.differences and not changed and not self.left_out:
            return []
        same = (
            "the same, though the conditions are: the recipe was changed, or this computer does not always do the same"
        )
        lines = [
            f"recorded otherwise: {'; '.join(self.differences)}" if self.differences else f"not all masks are {same}"
        ]
        for each in changed:
            note = f" ({each.note})" if each.note else ""
            lines.append(f"{_called(each.number, each.selected)}: IoU {each.iou:.3f} with the recorded mask{note}")
        lines += self.left_out
        count, known = len(self.objects), [each.iou for each in self.objects if each.iou is not None]
        identical = sum(each.identical for each in self.objects)
        told = f"{identical} of {count} masks {'is' if identical == 1 else 'are'} as recorded, byte for byte"
        lowest = f", the lowest IoU is {min(known):.3f}" if known and identical < count else ""
        lines.append(
            f"{told}{lowest}" if known else f"{count} mask{'s' * (count != 1)} made anew, none to compare with"
        )
        return lines


class _LeftOutError(Exception):
    """Why an object cannot be made again."""


def replay(
    recipe: Recipe,
    segmenter: Segmenter,
    source: ImageSource,
    *,
    parameters: Parameters | None = None,
    max_pixels: int = MAX_PIXELS,
    name: str = "",
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Replay:
    """Select the objects of a recipe again, in its picture or in another one.

    parameters: instead of the recipe's. source, max_pixels: as of a Segmenter. name: of the picture's file.
    report: called before each step, and at the end, with how many are done and how many there are: the masks are found,
        then each look made, and each object selected. While masks are drawn anew it is called with the same again. What
        it raises ends the replay.

    Under the same conditions everything is computed anew, except for masks drawn by hand, which are taken as recorded.
    Where something differs, that mask or answer is taken whose IoU with the recorded one is best, as numbers and ranks
    may have changed; in other pixels, where there is no answer to look for, the one of the same rank. In a picture of
    another size recorded masks say nothing: there are only answers to prompts, and to points and boxes where they lie
    inside.

    Raises ImageError for a picture that cannot be read, SettingsError for parameters out of their range.
    """
    image = load_image(source, max_pixels=max_pixels)
    picture, conditions = Picture.of(image, name or recipe.picture.name), Conditions.of(segmenter)
    now = recipe.parameters if parameters is None else parameters
    differences = [
        *recipe.picture.differences(picture),
        *recipe.parameters.differences(now),
        *recipe.conditions.differences(conditions),
    ]
    steps = 1 + len(recipe.looks) + len(recipe.objects)
    report(0, steps)
    found = segmenter(image, **now.of_call(), max_pixels=max_pixels, report=lambda done, total: report(0, steps))
    stages, made_looks, left_out = [found], [0], list[str]()
    looks = []
    for index, look in enumerate(recipe.looks):
        report(1 + index, steps)
        if picture.size == recipe.picture.size or _fits(Box(look.box), picture.size):
            found = look.at(segmenter, found, now)
            looks.append(look)
        else:
            left_out.append(f"look {index}: left out, its box does not lie inside this picture")
        stages.append(found)
        made_looks.append(len(looks))
    again = _Again(recipe, segmenter, picture, now, stages, is_same=not differences)
    objects, masks = [], []
    for number, each in enumerate(recipe.objects):
        report(1 + len(recipe.looks) + number, steps)
        try:
            mask, taken, note = again.select(each)
        except _LeftOutError as reason:
            left_out.append(f"{_called(number, each)}: left out, {reason}")
            continue
        identical = mask.rles[0] == each.rle and picture.size == recipe.picture.size
        iou = (1.0 if identical else again.ious(each, mask)[0]) if picture.size == recipe.picture.size else None
        if taken.looks is not None:
            taken = replace(taken, looks=made_looks[taken.looks])
        objects.append(Replayed(number, replace(taken, rle=mask.rles[0]), iou, identical, note))
        masks.append(replace(mask, prompt=None, rank=None, label_scores=None))
    report(steps, steps)
    anew = Recipe.of(segmenter, found, now, looks, [each.selected for each in objects], picture.name)
    return Replay(
        MaskSet.concatenate([found[:0], *masks]), tuple(objects), found, anew, tuple(differences), tuple(left_out)
    )


class _Again:
    """Selects objects of a recipe again.

    picture: the one of now. stages: its masks after so many looks as the index says. is_same: whether nothing differs.
    """

    def __init__(
        self,
        recipe: Recipe,
        segmenter: Segmenter,
        picture: Picture,
        parameters: Parameters,
        stages: Sequence[MaskSet],
        is_same: bool,
    ) -> None:
        self.recipe, self.segmenter, self.picture, self.parameters = recipe, segmenter, picture, parameters
        self.stages, self.is_same = stages, is_same
        self.fits = picture.size == recipe.picture.size  # recorded masks can be compared
        self.is_the_picture = picture.sha256 == recipe.picture.sha256
        self._answers: dict[str, MaskSet] = {}  # by the call of select, which several objects may share

    def select(self, each: Selected) -> tuple[MaskSet, Selected, str]:
        """The mask of an object as a set of one, where it is from now, and a note. Raises _LeftOutError."""
        if each.edited:
            if not self.fits:
                raise _LeftOutError("it was drawn by hand in a picture of another size")
            mask = made(self.stages[-1], [each.rle], [1.0 if each.score is None else each.score])
            return mask, each, "" if self.is_the_picture else "drawn by hand in another picture, and taken as it was"
        if each.mask is not None and (self.fits or not each.prompts):
            return self._found(each, each.mask)
        return self._answer(each)

    def _found(self, each: Selected, index: int) -> tuple[MaskSet, Selected, str]:
        """Among the masks that were found."""
        if not self.fits:
            raise _LeftOutError("it is one of the masks found in a picture of another size")
        found = self.stages[-1 if each.looks is None else each.looks]
        if self.is_same and index < len(found):
            return found[[index]], each, ""
        best = self._best(each, found, index, "no mask that was found")
        as_before = best == index and found.rles[best] == each.rle
        return found[[best]], replace(each, mask=best), "" if as_before else "the mask found that is most like it"

    def _answer(self, each: Selected) -> tuple[MaskSet, Selected, str]:
        """Among the answers to its prompts."""
        asked, number = each.prompts, each.prompt
        if not self.fits:
            if not _fits(asked[number], self.picture.size):
                raise _LeftOutError(f"its {asked[number].type} does not lie inside this picture")
            inside = [index for index, prompt in enumerate(asked) if _fits(prompt, self.picture.size)]
            asked, number = tuple(asked[index] for index in inside), inside.index(number)
            each = replace(each, prompts=asked, prompt=number, mask=None)
        answers = self._ask(each, asked)
        answers = answers[answers.prompt == number]
        rank, note = each.rank, ""
        if self.is_the_picture and not self.is_same:
            rank = self._best(each, answers, each.rank, "no answer to its prompt")
            note = f"answer {rank} now, and {each.rank} before" if rank != each.rank else ""
        if rank >= len(answers):
            what = "no answer" if len(answers) == 0 else f"{len(answers)} answer{'s' * (len(answers) != 1)} alone"
            raise _LeftOutError(f"there is {what} to {json.dumps(asked[number].to_json())}")
        return answers[[rank]], replace(each, rank=rank), note

    def _ask(self, each: Selected, asked: Sequence[Prompt]) -> MaskSet:
        """The answers of one call of `select`, made once."""
        refine = self.parameters.refine if each.refine is None else each.refine
        zoom = self.parameters.zoom if each.zoom is None else each.zoom
        stage = len(self.stages) - 1 if each.looks is None else each.looks
        key = json.dumps([[prompt.to_json() for prompt in asked], refine, zoom, stage])
        if key not in self._answers:
            try:
                self._answers[key] = self.segmenter.select(
                    self.stages[stage], asked, refine=refine, zoom=zoom, drawn=self.parameters.drawn
                )
            except PromptError as error:
                raise _LeftOutError(str(error)) from error
        return self._answers[key]

    def _best(self, each: Selected, masks: MaskSet, likely: int, none: str) -> int:
        """The index of the mask most like the recorded one, of equals ``likely``. Raises _LeftOutError without any."""
        ious = self.ious(each, masks)
        best = max(range(len(ious)), key=lambda index: (ious[index], index == likely, -index), default=-1)
        if best < 0 or ious[best] == 0:
            raise _LeftOutError(f"{none} shares a pixel with the recorded mask")
        return best

    def ious(self, each: Selected, masks: MaskSet) -> list[float]:
        """Of masks with the recorded one; 1 where both have no pixel."""
        shared: list[float] = rle.iou(masks.rles, [each.rle], *masks.size)[:, 0].tolist() if len(masks) else []
        return [1.0 if counts == each.rle else iou for counts, iou in zip(masks.rles, shared, strict=True)]


def _fits(prompt: Prompt, size: tuple[int, int]) -> bool:
    """Whether a prompt lies inside a picture of ``size`` (height, width); what has no place does everywhere."""
    height, width = size
    if isinstance(prompt, Point):
        return all(0 <= x < width and 0 <= y < height for x, y in prompt.points)
    if isinstance(prompt, Box):
        x1, y1, x2, y2 = prompt.box
        return x1 >= 0 and y1 >= 0 and x2 <= width and y2 <= height
    return True


def _called(number: int, each: Selected) -> str:
    """What a message calls an object."""
    return f"object {number}" + (f" {printable(each.label, LONGEST)!r}" if each.label else "")
