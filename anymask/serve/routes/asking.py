"""What routes share: the workspace of the app, and waiting for work without holding up the others."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from anymask.serve.lanes import CancelledError, Job, Lane
from anymask.serve.opened import OpenImage, check_not_failed
from anymask.serve.schemas import Problem
from anymask.serve.workspace import Workspace

Result = TypeVar("Result")

# What any route may answer beside its own; in OpenAPI
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": description}
    for status, description in {
        400: "No JSON, or no form; or the masks of the image cannot be found",
        401: "The token is missing",
        403: "Another site asks",
        404: "There is no such image, object or file",
        408: "The body came too slowly",
        413: "Too many bytes or pixels",
        421: "Host is no name of this server",
        422: "Something in the request is wrong",
        503: "Busy: come back after Retry-After seconds",
        507: "The quota is reached, or the disk is full",
    }.items()
}
CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"model": Problem, "description": "The image was changed by somebody else meanwhile"}
}


async def of_app(request: Request) -> Workspace:
    """The workspace that `create_app` was given; not read in a thread, of which none may be free."""
    workspace: Workspace = request.app.state.workspace
    return workspace


Work = Annotated[Workspace, Depends(of_app)]


async def outcome(request: Request, job: Job[Result], *, cancel: bool = True) -> Result:
    """Wait for a job. Raises what it raises, and CancelledError where it was cancelled or the client goes away first.

    cancel: then the job is cancelled too; False for one that others may wait for.
    """
    done = asyncio.wrap_future(job.future)
    done.add_done_callback(lambda each: each.cancelled() or each.exception())  # it is not lost, but known to the log
    gone = asyncio.ensure_future(_gone(request))
    waited: list[asyncio.Future[Any]] = [done, gone]
    try:
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
    if not done.done():
        if cancel:
            job.cancel()
        raise CancelledError
    if done.cancelled():
        raise CancelledError
    return done.result()


async def in_lane(request: Request, lane: Lane, work: Callable[[Job[Result]], Result]) -> Result:
    """Have work done when its turn in a lane comes. Raises as ``outcome`` does, and BusyError."""
    return await outcome(request, lane.submit(work))


async def changed(request: Request, work: Workspace, job: Job[Result], *, cancel: bool = True) -> Result:
    """Wait for a job that changes an image.

    Raises as ``outcome`` does; NotFoundError where the image is deleted meanwhile.
    """
    try:
        return await outcome(request, job, cancel=cancel)
    except CancelledError:
        await run_in_threadpool(work.images.get, job.about)
        raise


async def ready(request: Request, work: Workspace, image: str) -> None:
    """Wait until the masks of an image are found. Raises NotFoundError, RefusalError where none can be found."""
    record = await run_in_threadpool(work.images.get, image)
    check_not_failed(record)
    if record.state == "waiting":
        await found(request, work, image)


async def found(request: Request, work: Workspace, image: str, *, cancel: bool = False) -> OpenImage:
    """Wait for an image's masks, which are being found or are to be. Raises as ``changed`` does, and BusyError."""
    return await changed(request, work, work.find(image), cancel=cancel)


async def _gone(request: Request) -> None:
    """Return when the client goes away; its body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
