"""/v1/images: send pictures, list, read and delete them, and watch how far they are."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, File, Query, Request, Response, UploadFile
from PIL import Image as Pillow
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from anymask.errors import AnymaskError, printable
from anymask.recipe import Parameters
from anymask.segment import DRAWN, Refine
from anymask.serve.lanes import CancelledError, Job
from anymask.serve.refusals import BusyError, NotFoundError
from anymask.serve.routes.asking import PROBLEMS, Work, found, in_lane, ready
from anymask.serve.schemas import Image, ImageId, ImagePage, Progress
from anymask.serve.translation import image_json, state_of
from anymask.serve.workspace import OTHER, Workspace

router = APIRouter(tags=["images"], responses=PROBLEMS)

LONGEST_NAME = 255
WATCH = 0.25  # seconds between two looks at whether something has changed
ALIVE = 10.0  # seconds of silence after which a stream says that it is still there

KEPT: dict[int | str, dict[str, Any]] = {202: {"model": Image, "description": "Kept; its masks are being found"}}


@router.post("/v1/images", status_code=201, responses=KEPT)
async def send(
    request: Request,
    response: Response,
    work: Work,
    file: Annotated[UploadFile, File(description="A picture: JPEG, PNG, WebP, TIFF, GIF, BMP, AVIF, JPEG 2000, PPM.")],
    wait: Annotated[bool, Query(description="Answer when the masks are found; false: at once, with 202.")] = True,
    image_size: Annotated[int | None, Query(ge=32, le=4096, multiple_of=32)] = None,
    score: Annotated[float, Query(ge=0, le=1)] = 0.0,
    iou: Annotated[float, Query(ge=0, le=1)] = 0.7,
    max_masks: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    drawn: Annotated[int, Query(ge=0, le=1000)] = DRAWN,
    refine: Refine = "auto",
    snap: bool = False,
) -> Image:
    """Send a picture; every mask of it is found."""
    name = printable(file.filename or "picture", LONGEST_NAME)
    parameters = Parameters(image_size, score, iou, max_masks, drawn, refine, snap)
    content = await file.read()
    record = await run_in_threadpool(work.receive, content, name, asdict(parameters))
    response.headers["Location"] = f"/v1/images/{record.id}"
    try:
        if not wait:
            work.find(record.id)
            response.status_code = 202
            return image_json(record, working=False)
        opened = await found(request, work, record.id, cancel=True)
        return await in_lane(
            request, work.choosing, lambda _: image_json(opened.record, working=False, found=opened.found)
        )
    except (AnymaskError, CancelledError):
        await run_in_threadpool(_forget, work, record.id)  # nobody was told of it
        raise


@router.get("/v1/images")
def page(
    work: Work,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    after: Annotated[
        str | None, Query(pattern="^[0-9a-f]{32}$", description="The last image of the page before.")
    ] = None,
) -> ImagePage:
    """The images there are, the newest first."""
    records = work.images.page(limit + 1, after)
    shown = [image_json(each, working=_works(work, each.id)) for each in records[:limit]]
    return ImagePage(images=shown, next=shown[-1].id if len(records) > limit else None)


@router.get("/v1/images/{image}")
async def read(request: Request, work: Work, image: ImageId, masks: bool = True) -> Image:
    """An image, and its masks once they are found."""
    record = await run_in_threadpool(work.images.get, image)
    if record.state == "waiting":
        work.find(image)  # it may have been sent before the server was started
    if record.state != "ready" or not masks:
        return image_json(record, working=_works(work, image))

    def whole(_: Job[Image]) -> Image:
        opened = work.opened.get(image)
        return image_json(opened.record, working=False, found=opened.found)

    return await in_lane(request, work.choosing, whole)


@router.delete("/v1/images/{image}", status_code=204)
def delete(work: Work, image: ImageId) -> None:
    """Delete an image and its objects."""
    work.remove(image)


@router.get(
    "/v1/images/{image}/picture",
    response_class=Response,
    responses={200: {"content": {"image/*": {}}, "description": "A JPEG, PNG or WebP for a browser to show"}},
)
async def picture(request: Request, work: Work, image: ImageId) -> Response:
    """The picture as a browser can show it: as it was sent, or as a PNG where a browser might show it otherwise."""
    record = await run_in_threadpool(work.images.get, image)
    if record.media_type != OTHER:
        content = await run_in_threadpool(work.pictures.read, record.picture)
        return _unchanging(content, record.media_type)
    await ready(request, work, image)  # which tells whether it can be read
    return _unchanging(await in_lane(request, work.choosing, partial(_png, work, image)), "image/png")


@router.get(
    "/v1/images/{image}/thumbnail",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}, "description": "A JPEG"}},
)
async def thumbnail(
    request: Request,
    work: Work,
    image: ImageId,
    size: Annotated[int, Query(ge=16, le=1024, description="Pixels of its longer side, at most.")] = 160,
) -> Response:
    """The picture made small, for a list; its masks need not be found."""
    return _unchanging(await in_lane(request, work.choosing, partial(_small, work, image, size)), "image/jpeg")


@router.get(
    "/v1/images/{image}/events",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
            "description": "progress, changed and deleted",
        }
    },
)
async def events(work: Work, request: Request, image: ImageId) -> StreamingResponse:
    """What happens to an image, as server-sent events, until the client goes away or the image is deleted.

    - ``progress``: how far it is, as the schema ``Progress`` says; the first one at once.
    - ``changed``: its new ``revision``.
    - ``deleted``: the last one.
    """
    record = await run_in_threadpool(work.images.get, image)
    state = request.app.state
    if state.listeners >= work.settings.listeners:
        raise BusyError(f"{state.listeners} streams are open, and no more may be; come back", retry_after=5)
    if record.state == "waiting":
        work.find(image)
    return StreamingResponse(_counted(state, _stream(work, image)), media_type="text/event-stream")


async def _counted(state: Any, stream: AsyncIterator[str]) -> AsyncIterator[str]:
    state.listeners += 1
    try:
        async for each in stream:
            yield each
    finally:
        state.listeners -= 1


async def _stream(work: Workspace, image: str) -> AsyncIterator[str]:
    told: Progress | None = None
    revision: int | None = None
    silent = 0.0
    while True:
        try:
            record = await run_in_threadpool(work.images.get, image)
        except NotFoundError:
            yield event("deleted", {})
            return
        job, ahead = work.doing(image)
        progress = Progress(
            state=state_of(record, working=job is not None and job.running),
            doing=None if job is None else job.doing,
            ahead=ahead,
            done=0 if job is None else job.done,
            total=0 if job is None else job.total,
            error=record.error,
        )
        silent += WATCH
        if progress != told:
            yield event("progress", progress.model_dump())
            told, silent = progress, 0.0
        if record.revision != revision:
            if revision is not None:
                yield event("changed", {"revision": record.revision})
                silent = 0.0
            revision = record.revision
        if silent >= ALIVE:
            yield ": still here\n\n"
            silent = 0.0
        await asyncio.sleep(WATCH)


def event(name: str, data: dict[str, Any]) -> str:
    """One server-sent event (html.spec.whatwg.org, 9.2)."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def _works(work: Workspace, image: str) -> bool:
    job, _ = work.doing(image)
    return job is not None and job.running


def _forget(work: Workspace, image: str) -> None:
    try:
        work.remove(image)
    except NotFoundError:
        return  # somebody else was faster


def _png(work: Workspace, image: str, _: Job[bytes]) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(work.opened.get(image).pixels).save(file, "png", compress_level=1)
    return file.getvalue()


def _small(work: Workspace, image: str, size: int, _: Job[bytes]) -> bytes:
    picture = Pillow.fromarray(work.opened.picture(work.images.get(image)))
    picture.thumbnail((size, size))
    file = io.BytesIO()
    picture.save(file, "jpeg", quality=80)
    return file.getvalue()


def _unchanging(content: bytes, media_type: str) -> Response:
    """An id never stands for another picture, so browsers may keep it."""
    return Response(content, media_type=media_type, headers={"Cache-Control": "private, max-age=31536000, immutable"})
