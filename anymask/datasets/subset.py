"""A share of a data set that anyone can draw again, from file names alone.

A photo is in the subset when the first eight bytes of the SHA-256 of "<seed>:<file name>", in UTF-8 and read as one
number with the highest byte first, are below share x 2^64. The file name is that of the picture without its folder,
such as sa_223750.jpg, in Unicode's form NFC. So neither the order of the photos nor how they are stored matters, and a
smaller share of the same seed is a part of a larger one.
"""

import hashlib
import unicodedata
from pathlib import PurePosixPath

from anymask.errors import SettingsError


def in_subset(file_name: str, share: float, seed: int) -> bool:
    """Whether a photo belongs to the subset of this share and seed.

    file_name: of its picture; a path with slashes counts by its last part.
    share: above 0, up to 1.

    Raises:
        SettingsError: the share is out of its range.
    """
    if not 0 < share <= 1:
        raise SettingsError(f"subset must be above 0 and at most 1, got {share}; 0.02 is two per cent")
    return _number(file_name, seed) < share * 2**64


def _number(file_name: str, seed: int) -> int:
    name = unicodedata.normalize("NFC", PurePosixPath(file_name).name)
    digest = hashlib.sha256(f"{seed}:{name}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big")
