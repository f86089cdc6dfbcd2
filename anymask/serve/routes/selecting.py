"""/v1/images/{image}/select and look: choose among the masks, and find more of them."""

from functools import partial

from fastapi import APIRouter, Request

from anymask.prompts import Prompt, Text
from anymask.serve.lanes import Job
from anymask.serve.routes.asking import CONFLICT, PROBLEMS, Work, changed, in_lane, ready
from anymask.serve.schemas import ImageId, LookAnswer, LookRequest, SelectAnswer, SelectRequest
from anymask.serve.translation import masks_json, picked_json, prompts_of, text_json
from anymask.serve.workspace import Workspace, places

router = APIRouter(tags=["selecting"], responses=PROBLEMS)


@router.post("/v1/images/{image}/select")
async def select(request: Request, work: Work, image: ImageId, body: SelectRequest) -> SelectAnswer:
    """The masks that answer prompts. It waits until the masks of the image are found."""
    prompts = prompts_of(body.prompts)
    await ready(request, work, image)
    return await in_lane(request, work.choosing, partial(_select, work, image, body, prompts))


@router.post("/v1/images/{image}/look", responses=CONFLICT)
async def look(request: Request, work: Work, image: ImageId, body: LookRequest) -> LookAnswer:
    """Look closer at a region: the network runs once more, on that region alone, and the image has more masks."""
    await ready(request, work, image)
    return await changed(request, work, work.looking.submit(partial(_look, work, image, body), image, "look"))


def _select(
    work: Workspace, image: str, body: SelectRequest, prompts: list[Prompt], job: Job[SelectAnswer]
) -> SelectAnswer:
    selected = work.select(image, prompts, refine=body.refine, zoom=body.zoom, check=job.check)
    texts = {number: each for number, each in enumerate(prompts) if isinstance(each, Text)}
    return SelectAnswer(
        revision=selected.opened.record.revision,
        masks=picked_json(selected.picked, places(selected.opened.found), body, list(texts)),
        texts=[text_json(number, each, selected.found) for number, each in texts.items()],
    )


def _look(work: Workspace, image: str, body: LookRequest, job: Job[LookAnswer]) -> LookAnswer:
    opened, before = work.look(image, body.box, body.image_size, check=job.check)
    found = opened.found
    return LookAnswer(
        revision=opened.record.revision,
        masks=masks_json(found, before),
        parents=[int(parent) for parent in found.parents],
    )
