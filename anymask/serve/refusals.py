"""What the server refuses, and with which status.

    AnymaskError
    └── RefusalError
        ├── NotFoundError       404   no image, object or file of that name
        ├── NotAcceptableError  406   no export of the media type that was asked for
        ├── ConflictError       409   somebody else changed it meanwhile
        ├── TooLargeError       413   a body of more bytes, a picture of more pixels than is taken
        ├── BusyError           503   not now, such as all waiting places taken: come back after ``retry_after`` seconds
        └── FullError           507   the data folder's quota is reached, or nothing can be written there

Errors of the library that a client can cause are 422, `STATUS` says which. Anything else is a fault of ours: 500.
"""

from http import HTTPStatus

from anymask.errors import AnymaskError, ImageError, PromptError, SettingsError, ShapeError


class RefusalError(AnymaskError):
    """The root of the tree above."""

    status = HTTPStatus.BAD_REQUEST


class NotFoundError(RefusalError):
    """No image, object or file of that name."""

    status = HTTPStatus.NOT_FOUND


class NotAcceptableError(RefusalError):
    """No export of the media type that was asked for."""

    status = HTTPStatus.NOT_ACCEPTABLE


class ConflictError(RefusalError):
    """Somebody else changed it meanwhile."""

    status = HTTPStatus.CONFLICT


class TooLargeError(RefusalError):
    """A body of more bytes, or a picture of more pixels, than is taken."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class BusyError(RefusalError):
    """Not now: waiting places, files or the database are taken. retry_after: in whole seconds."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class FullError(RefusalError):
    """The quota of the data folder is reached, or nothing can be written there."""

    status = HTTPStatus.INSUFFICIENT_STORAGE


STATUS: dict[type[AnymaskError], HTTPStatus] = {
    ImageError: HTTPStatus.UNPROCESSABLE_ENTITY,
    PromptError: HTTPStatus.UNPROCESSABLE_ENTITY,
    SettingsError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ShapeError: HTTPStatus.UNPROCESSABLE_ENTITY,
}


def status_of(error: AnymaskError) -> HTTPStatus:
    """The status that tells a client of an error; 500 where no client can have caused it."""
    if isinstance(error, RefusalError):
        return error.status
    found = (status for kind, status in STATUS.items() if isinstance(error, kind))
    return next(found, HTTPStatus.INTERNAL_SERVER_ERROR)
