"""Any picture -> RGB uint8 (H, W, 3); and which pictures the words of a command line name."""

import contextlib
import glob
import io
import logging
import os
import stat
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, JpegImagePlugin

from anymask.errors import ImageError, SettingsError

__all__ = ["FORMATS", "MAX_PIXELS", "Header", "ImageSource", "find_images", "load_image", "read_header", "read_size"]

ImageSource: TypeAlias = str | os.PathLike[str] | bytes | Image.Image | NDArray[Any]

MAX_PIXELS = 256_000_000

# Pillow's name of each format that is read, and the suffixes by which `find_images` knows it. Formats that run a
# program (EPS), need one (HDF5) or have no signature (TGA) are left out; a PIL image of one of them is still accepted.
FORMATS = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
    "AVIF": (".avif",),
    "JPEG2000": (".jp2", ".j2k", ".jpx"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
}
SUFFIXES = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)

PIXELS = {b"IDAT", b"fdAT"}  # chunks of a PNG file
CHUNK = 1 << 20  # values scaled at a time

logger = logging.getLogger(__name__)


def load_image(source: ImageSource, *, max_pixels: int = MAX_PIXELS, name: str | None = None) -> NDArray[np.uint8]:
    """Read a picture as a C-contiguous, read-only RGB uint8 (H, W, 3) array.

    source: a path, the bytes of a file, a PIL image, or an array: (H, W, 3) uint8 RGB or (H, W) uint8 grayscale. An
        array that is already right is not copied. Of an animated file the first frame is read, of a PIL image the
        current one. The source is not changed.
    max_pixels: larger pictures are refused; of a file only the header is read then. Pillow's own limit does not count.
    name: what messages call the picture; the path when None.

    What becomes of the values:

    - The EXIF orientation is applied, once. Colour profiles are not.
    - Transparent pixels show white.
    - Grayscale of more than 8 bits (Pillow's modes I;16, I and F) is stretched linearly from the picture's own
      minimum and maximum to 0 and 255; a picture of one value becomes value / 256, clipped to 0..255. NaN becomes 0.
    - Of 16 bit colour, and of grayscale with alpha, Pillow keeps the high byte.

    Raises ImageError, with a message of one line, for everything that cannot be read; SettingsError for max_pixels < 1.
    """
    if max_pixels < 1:
        raise SettingsError(f"max_pixels must be at least 1, got {max_pixels}")
    label = _printable(name if name is not None else _label(source))
    if isinstance(source, np.ndarray):
        array = _from_array(source, max_pixels, label)
    elif isinstance(source, Image.Image):
        array = _decode(source, max_pixels, label)
    elif isinstance(source, bytes | bytearray | memoryview):
        array = _from_stream(io.BytesIO(source), len(source), max_pixels, label)
    elif isinstance(source, str | os.PathLike):
        array = _from_file(os.fspath(source), max_pixels, label)
    else:
        raise _refusal(
            label, f"expected a path, bytes, a PIL image or a numpy array, got {type(source).__name__}: convert it"
        )
    array.flags.writeable = False
    return array


@dataclass(frozen=True)
class Header:
    """What the header of a picture file tells.

    height, width: pixels of the picture that `load_image` will give. format: a key of ``FORMATS``. mode: Pillow's name
    for its pixels. upright: whether it is stored as it is to be seen.
    """

    height: int
    width: int
    format: str
    mode: str
    upright: bool


def read_header(source: Path | bytes, name: str | None = None) -> Header:
    """What the header of a file, or of its bytes, tells; no pixel is decoded.

    name: what messages call the picture; the path when None. Raises ImageError.
    """
    label = _printable(name if name is not None else _label(source))
    try:
        with (
            io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as stream,
            _open(stream, label) as image,
        ):
            try:
                orientation = _exif(image, stream).get(ExifTags.Base.Orientation, 1)
            except Exception as error:  # damaged; `load_image` takes the picture as it lies then, and says so
                logger.debug("%s: the EXIF data cannot be read (%s)", label, _said(error))
                orientation = 1
            turned = orientation in range(5, 9)  # by a quarter
            height, width = (image.width, image.height) if turned else (image.height, image.width)
            return Header(height, width, image.format or "", image.mode, orientation == 1)
    except OSError as error:
        raise _refusal(label, f"cannot be read ({_said(error)}): check the path") from error


def read_size(path: Path) -> tuple[int, int]:
    """(height, width) in pixels that `load_image` will give, from the header of the file alone. Raises ImageError."""
    header = read_header(path)
    return header.height, header.width


def find_images(arguments: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """The files that the words of a command line name, in order and each once.

    A file stands for itself, whatever its suffix. A folder stands for the pictures directly in it, and a glob pattern
    (`*`, `?`, `[...]`, and `**` for folders of any depth) for the pictures it matches; pictures are known by the
    suffixes in `FORMATS`, and come sorted and without hidden files. A path that does not exist is returned as it is,
    for `load_image` to refuse.

    Raises ImageError for a folder or pattern without a picture, or a folder that cannot be read.
    """
    found: dict[Path, Path] = {}
    for argument in arguments:
        for path in _expand(os.fspath(argument)):
            found.setdefault(path.absolute(), path)
    return list(found.values())


def _exif(image: Image.Image, stream: IO[bytes]) -> Image.Exif:
    """The Exif data of an image of which the header has been read, without decoding it.

    `PngImageFile.getexif` decodes the whole picture for data that may lie behind its pixels. So one is read that has
    the same chunks without the pixels; and if those behind are damaged, which Pillow forgives, what lies before them.
    """
    if image.format == "PNG":
        with contextlib.suppress(ImageError):
            image = _open(io.BytesIO(_without_pixels(stream)), "")
    return Image.Image.getexif(image) if image.format == "PNG" else image.getexif()


def _without_pixels(stream: IO[bytes]) -> bytes:
    """The chunks of a PNG file (w3.org/TR/png-3, 5) but those of its pixels, and an empty one of these at the end."""
    stream.seek(0)
    parts, behind = [stream.read(8)], False
    while len(head := stream.read(8)) == 8 and head[4:] != b"IEND":
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind in PIXELS:
            behind = True
            stream.seek(length + 4, io.SEEK_CUR)
            continue
        content, checksum = stream.read(length), stream.read(4)
        # Pillow looks at no checksum behind the pixels
        parts += [head, content, zlib.crc32(kind + content).to_bytes(4, "big") if behind else checksum]
    return b"".join([*parts, bytes(4), b"IDAT", zlib.crc32(b"IDAT").to_bytes(4, "big")])


# Sources


def _from_array(array: NDArray[Any], max_pixels: int, label: str) -> NDArray[np.uint8]:
    right = array.dtype == np.uint8 and (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3))
    if not right:
        raise _refusal(
            label,
            f"expected an (H, W, 3) RGB or (H, W) array of uint8, got {array.shape} of {array.dtype}: "
            "drop alpha, scale to 0..255 and use .astype(numpy.uint8)",
        )
    _check_size(array.shape[0], array.shape[1], max_pixels, label)
    if array.ndim == 2:
        return np.repeat(array[:, :, np.newaxis], 3, axis=2)
    return np.ascontiguousarray(array).view(np.ndarray)


def _from_file(path: str, max_pixels: int, label: str) -> NDArray[np.uint8]:
    try:
        status = Path(path).stat()
        if stat.S_ISDIR(status.st_mode):
            raise _refusal(label, "is a folder: name the pictures in it")
        if not stat.S_ISREG(status.st_mode):
            raise _refusal(label, "is no regular file: pass its bytes, or on the command line `-` for standard input")
        with Path(path).open("rb") as stream:
            return _from_stream(stream, status.st_size, max_pixels, label)
    except FileNotFoundError as error:
        cure = "download it first" if "://" in path else "check the path"
        raise _refusal(label, f"there is no such file: {cure}") from error
    except PermissionError as error:
        raise _refusal(label, "may not be read by this user: change its permissions") from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise _refusal(label, f"cannot be read ({_said(error)}): check the path") from error


def _from_stream(stream: IO[bytes], size: int, max_pixels: int, label: str) -> NDArray[np.uint8]:
    if size == 0:
        raise _refusal(label, "is empty (0 bytes): copy or download it again")
    return _decode(_open(stream, label), max_pixels, label)


# Pillow


def _open(stream: IO[bytes], label: str) -> Image.Image:
    """Read the header.

    This is `PIL.Image.open` less its limit of pixels, which cannot be lifted for one thread alone.
    """
    Image.init()
    failure: Exception | str | None = None
    start = stream.read(16)
    for name in (name for name in FORMATS if name in Image.OPEN):
        factory, accept = Image.OPEN[name]
        if name == "JPEG":
            factory = JpegImagePlugin.JpegImageFile  # Pillow's own looks for further frames, and warns of bad ones
        try:
            accepted = accept(start) if accept is not None else True
            if isinstance(accepted, str):  # Pillow was built without this format, and says so
                failure = accepted
            elif accepted:
                stream.seek(0)
                return factory(stream, "")
        except Exception as error:  # a damaged header raises nearly anything; another format may fit
            failure = error
    if isinstance(failure, Exception):
        raise _refusal(label, _undecodable(failure)) from failure
    reason = failure or f"is not a picture in a format known here ({', '.join(FORMATS)})"
    raise _refusal(label, f"{reason}: convert it to PNG or JPEG")


def _decode(image: Image.Image, max_pixels: int, label: str) -> NDArray[np.uint8]:
    _check_size(image.height, image.width, max_pixels, label)
    try:
        _lift_limit(image)
        image.load()
        return _to_rgb(_upright(image, label))
    except MemoryError as error:
        raise _refusal(label, f"{image.width} x {image.height} pixels do not fit in memory: make it smaller") from error
    except Exception as error:  # damaged files make Pillow's readers raise nearly anything
        raise _refusal(label, _undecodable(error)) from error


def _lift_limit(image: Image.Image) -> None:
    """Make room for the pixels of a large TIFF: its reader checks Pillow's limit again if it has to do so itself."""
    limit = Image.MAX_IMAGE_PIXELS
    is_large = limit is not None and image.width * image.height > limit
    if image.format == "TIFF" and is_large and getattr(image, "tile", None) and getattr(image, "_im", None) is None:
        image.im = Image.new(image.mode, getattr(image, "_tile_size", image.size)).im


def _upright(image: Image.Image, label: str) -> Image.Image:
    try:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
        return ImageOps.exif_transpose(image) if turned else image
    except Exception as error:  # as above; the pixels are there, so go on
        logger.warning("%s: the EXIF data cannot be read (%s), so the picture may lie on its side", label, _said(error))
        return image


def _to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return np.repeat(_stretch(np.asarray(image))[:, :, np.newaxis], 3, axis=2)
    if image.has_transparency_data:
        rgba = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return np.asarray(image.convert("RGB"))


def _stretch(values: NDArray[Any]) -> NDArray[np.uint8]:
    """(H, W) numbers -> (H, W) uint8, from the least and the greatest finite one to 0 and 255."""
    finite: Any = np.isfinite(values) if values.dtype.kind == "f" else True
    if not np.any(finite):
        return np.zeros(values.shape, np.uint8)
    is_float = values.dtype.kind == "f"
    least = -np.inf if is_float else np.iinfo(values.dtype).min
    greatest = np.inf if is_float else np.iinfo(values.dtype).max
    low = float(np.min(values, where=finite, initial=greatest))
    high = float(np.max(values, where=finite, initial=least))
    scale, start = (255 / (high - low), low) if high > low else (1 / 256, 0.0)
    flat = values.reshape(-1)
    stretched = np.empty(flat.shape, np.uint8)
    for first in range(0, len(flat), CHUNK):
        part = (flat[first : first + CHUNK].astype(np.float64) - start) * scale
        part[np.isnan(part)] = 0
        stretched[first : first + CHUNK] = np.clip(np.rint(part) if high > low else np.floor(part), 0, 255)
    return stretched.reshape(values.shape)


# Words


def _expand(argument: str) -> list[Path]:
    path = Path(argument)
    try:
        if path.is_dir():
            pictures = sorted(child for child in path.iterdir() if _is_picture(child))
        elif not path.exists() and any(sign in argument for sign in "*?["):
            # Path.glob finds hidden files, and no files by `**`
            pictures = sorted(filter(_is_picture, map(Path, glob.glob(argument, recursive=True))))  # noqa: PTH207
        else:
            return [path]
    except OSError as error:
        raise _refusal(_printable(argument), f"cannot be searched ({_said(error)}): check the path") from error
    if not pictures:
        kind = "the folder holds" if path.is_dir() else "the pattern matches"
        known = ", ".join(sorted(SUFFIXES))
        raise _refusal(_printable(argument), f"{kind} no picture: expected files ending in {known}")
    return pictures


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


# Errors


def _check_size(height: int, width: int, max_pixels: int, label: str) -> None:
    pixels = height * width
    if pixels == 0:
        raise _refusal(label, f"has no pixels ({width} x {height}): pass a picture of at least 1 x 1")
    if pixels > max_pixels:
        raise _refusal(
            label,
            f"is {width} x {height} = {pixels} pixels, more than the limit of {max_pixels}: make it smaller, "
            f"or raise the limit with max_pixels={pixels} (--max-pixels {pixels} on the command line)",
        )


def _refusal(label: str, reason: str) -> ImageError:
    return ImageError(f"{label}: {reason}", name=label)


def _undecodable(error: Exception) -> str:
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"is refused by Pillow ({_said(error)}): make it smaller, or convert it to PNG or JPEG"
    return (
        f"cannot be decoded ({_said(error)}), so it may be damaged or cut off: "
        "copy or download it again, or convert it to PNG or JPEG"
    )


def _said(error: Exception) -> str:
    """What an error of another library says, in one line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(_printable(text).split())


def _label(source: object) -> str:
    if isinstance(source, str | os.PathLike):
        return str(os.fspath(source))
    if isinstance(source, np.ndarray):
        return "array"
    return "PIL image" if isinstance(source, Image.Image) else type(source).__name__


def _printable(text: str) -> str:
    """Escape what would break a line or cannot be written as UTF-8, as in file names of another encoding."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
