"""How errors are answered: one JSON object, whatever went wrong and wherever."""

import errno
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Match

from anymask.errors import AnymaskError, printable
from anymask.serve.lanes import CancelledError
from anymask.serve.refusals import BusyError, FullError, status_of

logger = logging.getLogger(__name__)

LONGEST = 1000  # characters of a message


def problem(
    status: int, kind: str, message: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """``{"error": {"type": kind, "message": message}}``, and what else there is to tell."""
    document = {"error": {"type": kind, "message": printable(message, LONGEST)}, **more}
    return JSONResponse(document, status, dict(headers or {}))


def add_handlers(app: FastAPI) -> None:
    """Answer every error in that way."""
    app.add_exception_handler(AnymaskError, _anymask_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(CancelledError, _cancelled)
    app.add_exception_handler(MemoryError, _no_memory)
    app.add_exception_handler(OSError, _os_error)


def _anymask_error(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, AnymaskError):
        raise error
    status = status_of(error)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("%s", error)
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, BusyError) else {}
    return problem(status, type(error).__name__, str(error), headers=headers)


def _invalid(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    told = []
    for each in error.errors()[:3]:
        where = ".".join(str(part) for part in each["loc"] if part != "body")
        told.append(f"{where or 'body'}: {each['msg']}")
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "ValidationError", "; ".join(told))


def _http_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = _allowed(request) or headers.get("Allow", "")
    return problem(error.status_code, "RefusalError", str(error.detail), headers=headers)


def _allowed(request: Request) -> str:
    """The methods of all routes at an address: Starlette names those of the first."""
    routes = [each for each in request.app.state.routes if each.matches(request.scope)[0] is not Match.NONE]
    return ", ".join(sorted({method for each in routes for method in each.methods}))


def _cancelled(_: Request, __: Exception) -> JSONResponse:
    # A client that went away does not read it; one that still waits is told when the server ends
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "CancelledError",
        "the work was stopped, for the server ends: come back when it is up again",
        headers={"Retry-After": "2"},
    )


def _no_memory(_: Request, __: Exception) -> JSONResponse:
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "MemoryError",
        "it does not fit in the server's memory now: come back, or send something smaller",
        headers={"Retry-After": "5"},
    )


TOO_MANY_FILES = {errno.EMFILE, errno.ENFILE}
NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def _os_error(request: Request, error: Exception) -> JSONResponse:
    """What the machine is short of is told; any other is a fault, as `Guard` answers it."""
    if not isinstance(error, OSError):
        raise error
    reason = error.strerror  # without the path, which is nobody's business
    if error.errno in TOO_MANY_FILES:
        return _anymask_error(request, BusyError(f"the server cannot open a file ({reason}); come back", retry_after=5))
    if error.errno in NOT_WRITABLE:
        logger.error("%s", error)
        return _anymask_error(
            request,
            FullError(f"the data folder cannot be used ({reason}); make room there, or let the server write to it"),
        )
    raise error


def fault() -> JSONResponse:
    """What is told of an error that no client can have caused."""
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "ServerError", "a fault of the server's; its log says more")
