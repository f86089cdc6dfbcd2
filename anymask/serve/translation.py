"""Between the API's JSON and what the package holds, both ways."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from anymask import rle
from anymask.errors import PromptError
from anymask.maskset import MaskSet
from anymask.prompts import Prompt, Text, parse
from anymask.serve.images import ImageRecord
from anymask.serve.objects import ObjectRecord
from anymask.serve.prompt_bounds import check_prompts
from anymask.serve.schemas import (
    MOST_RLE,
    Image,
    ImageState,
    Mask,
    Near,
    Object,
    ObjectFields,
    Picked,
    Rle,
    SelectRequest,
    Sides,
    TextAnswer,
)
from anymask.words.answer import Candidate, unknown_nouns

# From what the package holds to those


def image_json(record: ImageRecord, *, working: bool, found: MaskSet | None = None) -> Image:
    """An image; its masks where ``found`` is given."""
    return Image(
        id=record.id,
        name=record.name,
        width=record.width,
        height=record.height,
        state=state_of(record, working=working),
        error=record.error,
        created=record.created,
        revision=record.revision,
        masks=None if found is None else masks_json(found),
    )


def state_of(record: ImageRecord, *, working: bool) -> ImageState:
    """What the API calls the state of an image; working: whether its masks are being found now."""
    return "working" if working and record.state == "waiting" else record.state


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


def text_json(number: int, prompt: Text, found: MaskSet) -> TextAnswer:
    """What there is to say of a text about masks, which have label scores where it asks for a noun."""
    answer = prompt.answer(found)
    return TextAnswer(
        prompt=number,
        text=prompt.text,
        query=prompt.query.to_json(),
        reason=answer.reason,
        notes=list(answer.notes),
        nearest=_near(answer.nearest),
        below=_near(prompt.below(found, answer)),
        unknown={word: list(near) for word, near in unknown_nouns(prompt.query).items()},
    )


def _near(candidates: Iterable[Candidate]) -> list[Near]:
    return [Near(id=each.index, score=round(each.score, 6), name=each.name) for each in candidates]


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
    check_prompts(documents)
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
    if fields.prompts and fields.prompt >= len(prompts_of(fields.prompts)):
        raise PromptError(f"prompt: expected the number of one of {len(fields.prompts)} prompts, got {fields.prompt}")
    size = (record.height, record.width)
    if len(fields.rle.counts) > MOST_RLE:
        raise PromptError(
            f"rle: expected at most {MOST_RLE} characters, got {len(fields.rle.counts)}: make it smoother"
        )
    counts = fields.rle.counts.encode("ascii")
    if fields.rle.size != size or not rle.fills([counts], *size)[0]:
        raise PromptError(
            f"rle: expected compressed COCO run lengths of a mask of {size[0]} x {size[1]} pixels, got other ones of "
            f"{fields.rle.size[0]} x {fields.rle.size[1]}"
        )
    document = fields.model_dump(mode="json", exclude={"revision"})
    document["rle"]["counts"] = rle.tidied(counts, *size).decode("ascii")
    return document if fields.looks is not None else {**document, "looks": len(record.looks)}


def masks_of(records: Sequence[ObjectRecord], size: tuple[int, int]) -> MaskSet:
    """The masks of objects as a set, without the picture; a mask without a score has 1."""
    rles = tuple(each.document["rle"]["counts"].encode("ascii") for each in records)
    scores = [1.0 if each.document["score"] is None else each.document["score"] for each in records]
    return MaskSet(size, rle.boxes(rles, *size), np.array(scores, np.float32), rles)
