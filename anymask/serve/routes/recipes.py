"""/v1/images/{image}/recipe: what was selected as a program, and such a program run again."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from anymask.errors import PromptError
from anymask.recipe import Recipe
from anymask.serve.lanes import Job
from anymask.serve.prompt_bounds import check_prompts
from anymask.serve.routes.asking import CONFLICT, PROBLEMS, Work, changed, in_lane, ready
from anymask.serve.schemas import Hidden, ImageId, ObjectIds, Replayed
from anymask.serve.translation import object_json
from anymask.serve.workspace import Workspace

MOST_LOOKS = 64  # each is a pass of the network, for which others wait

router = APIRouter(tags=["recipes"], responses=PROBLEMS)


@router.get("/v1/images/{image}/recipe")
async def read(
    request: Request, work: Work, image: ImageId, ids: ObjectIds = None, hidden: Hidden = True
) -> dict[str, Any]:
    """The objects of an image as a recipe, see docs/recipes.md: ``anymask segment --prompt`` selects them again."""
    await ready(request, work, image)
    return await in_lane(request, work.choosing, lambda _: work.recipe(image, ids, hidden).to_json())


@router.put("/v1/images/{image}/recipe", responses=CONFLICT)
async def replay(
    request: Request,
    work: Work,
    image: ImageId,
    body: Annotated[dict[str, Any], Body(description="A recipe; docs/recipe.schema.json says what it holds.")],
) -> Replayed:
    """Select the objects of a recipe in this picture, in the place of those it has; what differs is told.

    The events of the image tell how far it is. Where objects or masks are changed meanwhile, nothing of it is kept.
    """
    recipe = Recipe.from_json(body)
    check_prompts([each.to_json() for selected in recipe.objects for each in selected.prompts])
    if len(recipe.looks) > MOST_LOOKS:
        raise PromptError(f"recipe.looks: expected at most {MOST_LOOKS} on a server, got {len(recipe.looks)}")
    await ready(request, work, image)
    return await changed(request, work, work.finding.submit(partial(_replay, work, image, recipe), image, "recipe"))


def _replay(work: Workspace, image: str, recipe: Recipe, job: Job[Replayed]) -> Replayed:
    record, objects, warnings = work.replay(image, recipe, job.report)
    return Replayed(revision=record.revision, objects=[object_json(each) for each in objects], warnings=warnings)
