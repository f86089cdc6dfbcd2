"""Which weights file a name stands for, and what it is: the packaged default, or a file of one's own."""

import hashlib
import os
from importlib import resources
from pathlib import Path

from anymask.errors import WeightsError

DEFAULT = "default"  # the name of the weights inside the package
SUFFIXES = (".onnx",)
MADE_WITH = "made_with"  # in the metadata of a weights file: see `made_with`


def default_weights() -> Path:
    """The weights inside the package; no download."""
    return Path(str(resources.files("anymask") / "weights" / "default.onnx"))


def refiner_weights() -> Path:
    """The refiner's weights inside the package."""
    return Path(str(resources.files("anymask") / "weights" / "refiner.onnx"))


def mask_head_weights() -> Path:
    """The mask head's weights inside the package."""
    return Path(str(resources.files("anymask") / "weights" / "mask_head.onnx"))


def classifier_weights() -> Path:
    """The classifier's weights inside the package."""
    return Path(str(resources.files("anymask") / "weights" / "classifier.onnx"))


def packaged_weights() -> tuple[Path, ...]:
    """All of them."""
    return default_weights(), mask_head_weights(), refiner_weights(), classifier_weights()


def made_with(*others: Path) -> str:
    """How a weights file names the others that it was fitted to: 16 hex digits of the SHA-256 of their hashes."""
    return hashlib.sha256("".join(map(weights_hash, others)).encode()).hexdigest()[:16]


def packaged_hashes() -> dict[str, str]:
    """The SHA-256 that each weights file inside the package must have, by its name; empty where the list is lost."""
    try:
        lines = (default_weights().parent / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    return {name.strip(): digest for digest, _, name in (line.partition(" ") for line in lines)}


def resolve(weights: str | os.PathLike[str], more: tuple[str, ...] = (), names: tuple[str, ...] = (DEFAULT,)) -> Path:
    """The file that ``weights`` names: "default", or the path of an ONNX file, or of one with a suffix of ``more``.

    names: what a user may write in the place of a path, for the message.

    Raises:
        WeightsError: there is no such file, or it is of another kind.
    """
    if weights == DEFAULT:
        return default_weights()
    path = Path(weights)
    if path.suffix.lower() not in SUFFIXES + more:
        got = f"the suffix {path.suffix!r}" if path.suffix else "no suffix"
        others = f", or a file ending in {' or '.join(more)}" if more else ""
        listed = ", ".join(map(repr, names))
        raise WeightsError(f"{path}: expected {listed} or an ONNX file that `anymask export` wrote{others}, got {got}")
    if not path.is_file():
        raise WeightsError(f"{path}: there is no such weights file; check the path, or take {DEFAULT!r}")
    return path


def weights_hash(path: Path) -> str:
    """SHA-256 of a weights file, 64 hex digits; of an OpenVINO model that of the .xml and the .bin as one."""
    digest = hashlib.sha256()
    for file in (path, path.with_suffix(".bin")) if path.suffix.lower() == ".xml" else (path,):
        with file.open("rb") as stream:
            hashlib.file_digest(stream, lambda: digest)
    return digest.hexdigest()
