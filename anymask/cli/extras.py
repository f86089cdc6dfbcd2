"""Commands that need an extra of the package say which one, where it is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager

from anymask.errors import MissingExtraError


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Around imports. Raises MissingExtraError if one of them fails because a package is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "a package").partition(".")[0]
        if package == "anymask":
            raise
        raise MissingExtraError(
            f'{package} is not installed, and this command needs it: pip install "anymask[{extra}]"'
        ) from error
