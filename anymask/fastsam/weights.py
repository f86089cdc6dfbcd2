"""From what a user names to a model file that runs: published weights are fetched, checkpoints become ONNX, once."""

import hashlib
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from anymask import __version__
from anymask.errors import WeightsError
from anymask.fastsam.checkpoint import SUFFIXES, check_file, read_checkpoint
from anymask.fastsam.published import LICENCE, PUBLISHED, metadata
from anymask.fastsam.to_onnx import to_graph
from anymask.files import cache_folder, locked, replace_file, temporary_folder, writable
from anymask.models import DEFAULT, resolve, weights_hash
from anymask.runtimes import MORE_SUFFIXES

logger = logging.getLogger(__name__)

NAMES = (DEFAULT, *PUBLISHED)
FETCHED, CONVERTED = "weights", "models"  # folders of the cache
GRAPHS = 2  # counts the ways in which checkpoints became ONNX, metadata and all: another number, and all are made anew
DIGITS = 32  # of a hash in a file name


def find_weights(
    weights: str | os.PathLike[str], report: Callable[[int, int], None] = lambda done, total: None
) -> Path:
    """The file that ``weights`` names: one of `NAMES`, or the path of an exported file or of a FastSAM checkpoint.

    Published weights are fetched when they are asked for by their name and are not there yet; nothing else is.

    report: called with the number of bytes that are there and of all, while they are fetched.

    Raises:
        WeightsError: there is no such file, it is of another kind, or it could not be fetched.
    """
    if isinstance(weights, str) and weights in PUBLISHED:
        return fetched(weights, report)
    return resolve(weights, SUFFIXES + MORE_SUFFIXES, NAMES)


def fetched(name: str, report: Callable[[int, int], None]) -> Path:
    """The file of published weights, in the cache folder; fetched if it is not there."""
    from anymask.fastsam.download import download, is_whole

    published = PUBLISHED[name]
    kept = cache_folder() / FETCHED / published.file
    if is_whole(published, kept):
        return kept
    if kept.exists():
        logger.warning("%s: is not the published file, or is damaged; it is fetched again", kept)
    path = writable(kept.parent) / published.file
    if path != kept and is_whole(published, path):
        return path
    logger.warning(
        "fetching %s (%.0f MB), once; these weights are published under the %s, not under anymask's licence",
        published.file,
        published.size / 1e6,
        LICENCE,
    )
    download(published, path, report)
    return path


def onnx_file(weights: str | os.PathLike[str]) -> Path:
    """The file to run for ``weights``, see `find_weights`: itself, or the ONNX file that a checkpoint was converted to.

    Conversions are kept in the cache folder under the hash of the checkpoint's content, and under the hash of their
    own, by which a damaged one is noticed and made again.

    Raises:
        WeightsError: see `find_weights`, and where the file is damaged or of another network.
    """
    source = find_weights(weights)
    if source.suffix.lower() not in SUFFIXES:
        return source
    check_file(source)
    digest = hash_of(source)
    key = f"fastsam{GRAPHS}-{digest[:DIGITS]}"
    kept = cache_folder() / CONVERTED
    if found := held(kept, key):
        return found
    folder = writable(kept)
    if folder != kept and (found := held(folder, key)):
        return found
    try:
        return keep(source, digest, folder, key)
    except OSError as error:
        logger.warning("%s: %s", folder, error.strerror or error)
        return keep(source, digest, temporary_folder(), key)


def keep(source: Path, digest: str, folder: Path, key: str) -> Path:
    """Convert a checkpoint whose hash is ``digest`` into a folder, unless another process has done so meanwhile.

    One is converted at a time, for that takes memory.

    Raises WeightsError as `onnx_file` does, and OSError where the folder cannot be locked.
    """
    with locked(folder / "lock"):
        if found := held(folder, key):
            return found
        for left in folder.glob("*.part"):  # of a process that ended in the middle: nobody else writes here now
            with suppress(OSError):
                left.unlink()
        parts = convert(source)
        if hash_of(source) != digest:
            raise WeightsError(f"{source}: became another file while it was read; try again when nothing writes it")
        made = hashlib.sha256()
        for part in parts:
            made.update(part)
        name = f"{key}-{made.hexdigest()[:DIGITS]}.onnx"
        try:
            replace_file(folder / name, lambda stream: stream.writelines(parts))
        except WeightsError as error:
            if folder == temporary_folder():
                raise
            logger.warning("%s", error)
            folder = temporary_folder()
            replace_file(folder / name, lambda stream: stream.writelines(parts))
        return folder / name


def hash_of(source: Path) -> str:
    """The hash of a checkpoint. Raises WeightsError."""
    try:
        return weights_hash(source)
    except OSError as error:
        raise WeightsError(f"{source}: cannot be read ({error.strerror or error}); check the path") from error


def held(folder: Path, key: str) -> Path | None:
    """The file of ``key`` in a folder of conversions, if it is there and undamaged. Damaged ones are removed."""
    for path in folder.glob(f"{key}-*.onnx"):
        if is_whole(path):
            return path
        logger.warning("%s: is damaged and is made again", path)
        with suppress(OSError):
            path.unlink()
    return None


def is_whole(path: Path) -> bool:
    """Whether a conversion has the content whose hash is in its name."""
    with suppress(OSError):
        return weights_hash(path)[:DIGITS] == path.stem.rpartition("-")[2]
    return False


def convert(source: Path) -> list[bytes | memoryview]:
    """The parts of an ONNX file that does what a FastSAM checkpoint does.

    Raises:
        WeightsError: the file is damaged, hostile or of another network.
    """
    read = read_checkpoint(source)
    logger.info("%s is converted to ONNX, once", source)  # only now, for a file that is refused is not converted
    try:
        graph = to_graph(read.weights, read.config)
    except ValueError as error:
        raise WeightsError(f"{source}: {error}; these weights were not trained to their end, name others") from error
    except MemoryError as error:
        raise WeightsError(f"{source}: its conversion does not fit in memory; close other programs") from error
    return graph.parts(metadata(read.image_size), f"anymask {__version__}")
