"""/v1/images/{image}/export: masks or objects as files."""

import re
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request, Response

from anymask.errors import PromptError
from anymask.outputs import OUTPUTS, Output
from anymask.serve.lanes import Job
from anymask.serve.refusals import NotAcceptableError
from anymask.serve.routes.asking import PROBLEMS, Work, in_lane, ready
from anymask.serve.schemas import Hidden, ImageId, ObjectIds, Problem
from anymask.serve.translation import masks_of
from anymask.serve.workspace import Workspace

router = APIRouter(tags=["export"], responses=PROBLEMS)

ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A file",
        "content": {media_type: {} for media_type in sorted({each.media_type for each in OUTPUTS.values()})},
    },
    406: {"model": Problem, "description": "No format has a media type that Accept takes"},
}
FORMAT = f"^({'|'.join(OUTPUTS)})$"


@router.get("/v1/images/{image}/export", response_class=Response, responses=ANSWERS)
async def export(
    request: Request,
    work: Work,
    image: ImageId,
    output: Annotated[
        str | None, Query(alias="format", pattern=FORMAT, description="None: the first that Accept takes.")
    ] = None,
    of: Annotated[Literal["objects", "masks"], Query(description="What is written.")] = "objects",
    ids: ObjectIds = None,
    hidden: Hidden = True,
    accept: Annotated[str, Header(include_in_schema=False)] = "*/*",
) -> Response:
    """The objects that were made, or every mask that was found, as a file."""
    if of == "masks" and (ids is not None or not hidden):
        raise PromptError("id, hidden: choose among objects, got of=masks; leave them out, or ask for of=objects")
    chosen = OUTPUTS[output] if output is not None else accepted(accept)
    await ready(request, work, image)
    name, content = await in_lane(request, work.choosing, partial(_export, work, image, chosen, of, ids, hidden))
    headers = {"Content-Disposition": f'attachment; filename="{plain(name)}{chosen.suffix}"'}
    return Response(content, media_type=chosen.media_type, headers=headers)


def plain(name: str) -> str:
    """A client's file name without its suffix, of characters that mean nothing to a header or a file system."""
    stem = name.rpartition(".")[0] or name
    return re.sub(r"[^A-Za-z0-9_-]+", "_", stem)[:100] or "picture"


def accepted(accept: str) -> Output:
    """The first output with a media type that an Accept header takes, best first (RFC 9110, 12.5.1).

    Raises NotAcceptableError where there is none.
    """
    wanted: list[tuple[float, str]] = []
    for part in accept.split(","):
        media_type, *parameters = (each.strip().lower() for each in part.split(";"))
        quality = next((each.removeprefix("q=") for each in parameters if each.startswith("q=")), "1")
        try:
            wanted.append((float(quality), media_type))
        except ValueError:
            continue
    for weight, media_type in sorted(wanted, key=lambda each: -each[0]):
        for output in OUTPUTS.values():
            if weight > 0 and media_type in (output.media_type, output.media_type.partition("/")[0] + "/*", "*/*"):
                return output
    known = ", ".join(dict.fromkeys(each.media_type for each in OUTPUTS.values()))
    raise NotAcceptableError(f"accept: expected one of {known}, got {accept}; or name a format, ?format=coco")


def _export(
    work: Workspace,
    image: str,
    output: Output,
    of: str,
    ids: list[str] | None,
    hidden: bool,
    _: Job[tuple[str, bytes]],
) -> tuple[str, bytes]:
    opened = work.opened.get(image)
    pixels = opened.pixels
    if of == "masks":
        return opened.record.name, output.encode(opened.found, pixels, name=opened.record.name)
    objects = work.objects.chosen(image, ids, hidden)
    documents = [each.document for each in objects]
    content = output.encode(
        masks_of(objects, opened.found.size),
        pixels,
        name=opened.record.name,
        labels=[each["label"] for each in documents],
        colours=[each["colour"] for each in documents],
    )
    return opened.record.name, content
