"""/v1/images/{image}/objects: what people made of the masks; nothing is overwritten unread, and nothing is lost."""

import secrets
from typing import Any

from fastapi import APIRouter, Request, Response

from anymask.serve.answers import problem
from anymask.serve.objects import ChangedMeanwhileError
from anymask.serve.routes.asking import PROBLEMS, Work
from anymask.serve.schemas import (
    Deleted,
    History,
    ImageId,
    Object,
    ObjectChange,
    ObjectFields,
    ObjectId,
    ObjectList,
    Problem,
    Revision,
    Version,
)
from anymask.serve.translation import document_of, object_json

router = APIRouter(tags=["objects"], responses=PROBLEMS)


class Conflict(Problem):
    """Somebody else changed the object meanwhile. object: what it is now, null where it was deleted or never was."""

    object: Object | None


CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"model": Conflict, "description": "Changed by somebody else meanwhile"}
}
MADE: dict[int | str, dict[str, Any]] = {201: {"model": Object, "description": "Made"}}


@router.get("/v1/images/{image}/objects")
def every(work: Work, image: ImageId) -> ObjectList:
    """The objects of an image."""
    record = work.images.get(image)  # first, so that its revision is never newer than the objects
    return ObjectList(revision=record.revision, objects=[object_json(each) for each in work.objects.all(image)])


@router.post("/v1/images/{image}/objects", status_code=201)
def add(work: Work, image: ImageId, body: ObjectFields, response: Response) -> Object:
    """Make an object."""
    document = document_of(body, work.images.get(image))
    made, _ = work.objects.put(image, secrets.token_hex(16), document, read=0)
    response.headers["Location"] = f"/v1/images/{image}/objects/{made.id}"
    return object_json(made)


@router.get("/v1/images/{image}/objects/{object}")
def read(work: Work, image: ImageId, object_id: ObjectId) -> Object:
    """One object."""
    work.images.get(image)
    return object_json(work.objects.get(image, object_id))


@router.put("/v1/images/{image}/objects/{object}", responses={**MADE, **CONFLICT})
def put(work: Work, image: ImageId, object_id: ObjectId, body: ObjectChange, response: Response) -> Object:
    """Change an object that was read at a revision, or make one of that id; sent twice it is done once."""
    document = document_of(body, work.images.get(image))
    kept, _ = work.objects.put(image, object_id, document, read=body.revision)
    if kept.revision == 1:
        response.status_code = 201
    return object_json(kept)


@router.delete("/v1/images/{image}/objects/{object}", responses=CONFLICT)
def delete(work: Work, image: ImageId, object_id: ObjectId, revision: Revision) -> Deleted:
    """Delete an object that was read at a revision; its history stays, and a PUT brings it back."""
    work.images.get(image)
    return Deleted(revision=work.objects.delete(image, object_id, read=revision).revision)


@router.get("/v1/images/{image}/objects/{object}/history")
def history(work: Work, image: ImageId, object_id: ObjectId) -> History:
    """Every version of an object."""
    work.images.get(image)
    versions = [object_json(each, Version) for each in work.objects.history(image, object_id)]
    return History(versions=[each for each in versions if isinstance(each, Version)])


def conflict(_: Request, error: Exception) -> Response:
    """How a conflict is answered: with what the object is now."""
    if not isinstance(error, ChangedMeanwhileError):
        raise error
    latest = error.latest
    shown = None if latest is None or latest.deleted else object_json(latest).model_dump(mode="json")
    return problem(error.status, "ConflictError", str(error), object=shown)
