"""On what masks depend besides prompts and parameters: picture, versions, runtime, threads, weights, computer."""

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from anymask import __version__
from anymask.doctor import ENGINES, version_of
from anymask.machine import cores, cpu_features
from anymask.models import classifier_weights, refiner_weights, weights_hash
from anymask.runtimes import runtime_name
from anymask.segment import Segmenter

COMPUTING = ("numpy", "onnxruntime", "pillow", "pycocotools")  # packages, beside the engine of the runtime
PRECISION = "float32"  # of every runtime
SHOWN = 12  # hex digits of a hash in a message


@dataclass(frozen=True)
class Picture:
    """A picture by its pixels. sha256: of "RGB WIDTH HEIGHT", a line feed and the pixels, row by row."""

    sha256: str
    width: int
    height: int
    name: str = ""

    @classmethod
    def of(cls, image: NDArray[np.uint8], name: str = "") -> Self:
        """That of an (H, W, 3) uint8 RGB array."""
        height, width, _ = image.shape
        digest = hashlib.sha256(f"RGB {width} {height}\n".encode())
        digest.update(np.ascontiguousarray(image).data)
        return cls(digest.hexdigest(), width, height, name)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width

    def differences(self, now: "Picture") -> list[str]:
        """What is otherwise now, in words; the name does not matter."""
        if self.sha256 == now.sha256:
            return []
        size = f" of {now.width} x {now.height} pixels instead of {self.width} x {self.height}"
        return [f"another picture{size if self.size != now.size else ' of the same size'}"]


@dataclass(frozen=True)
class Conditions:
    """What computes masks.

    anymask: its version. versions: those of the packages that compute, by name.
    threads: those that were asked for; None for as many as the runtime takes by itself. cores: of the computer.
    weights: SHA-256 of the file of the detector, mask_head (None where it is not used), refiner and classifier.
    machine: operating system and architecture. processor: those features of it by which engines choose their ways.
    """

    anymask: str
    versions: Mapping[str, str]
    runtime: str
    threads: int | None
    cores: int
    precision: str
    weights: Mapping[str, str | None]
    machine: str
    processor: tuple[str, ...]

    @classmethod
    def of(cls, segmenter: Segmenter) -> Self:
        """Those under which a Segmenter works."""
        runtime = runtime_name(segmenter.runtime)
        packages = sorted({*COMPUTING, *([ENGINES[runtime]] if runtime in ENGINES else [])})
        mask_head = segmenter.mask_head_file if segmenter.mask_head is not None else None
        return cls(
            anymask=__version__,
            versions={package: version_of(package) or "unknown" for package in packages},
            runtime=runtime,
            threads=segmenter.threads,
            cores=cores(),
            precision=PRECISION,
            weights={
                "detector": hash_of(segmenter.weights),
                "mask_head": None if mask_head is None else hash_of(mask_head),
                "refiner": hash_of(refiner_weights()),
                "classifier": hash_of(classifier_weights()),
            },
            machine=f"{platform.system()} {platform.machine()}",
            processor=tuple(cpu_features()),
        )

    def differences(self, now: "Conditions") -> list[str]:
        """What is otherwise now, in words; empty where masks must be the same, byte for byte."""
        return [
            *_instead("anymask", self.anymask, now.anymask),
            *(
                line
                for package, version in now.versions.items()
                for line in _instead(package, self.versions.get(package, version), version)  # or the runtime tells
            ),
            *_instead("the runtime", self.runtime, now.runtime),
            *_instead("", self._threads(), now._threads()),
            *_instead("precision", self.precision, now.precision),
            *(
                line
                for part in now.weights
                for line in _instead(
                    f"weights of the {part.replace('_', ' ')}:", _short(self.weights[part]), _short(now.weights[part])
                )
            ),
            *_instead("", self.machine, now.machine),
            *_instead("a processor with", " ".join(self.processor), " ".join(now.processor)),
        ]

    def _threads(self) -> str:
        if self.threads is None:
            return f"the threads that {self.cores} core{' gets' if self.cores == 1 else 's get'} by default"
        return f"{self.threads} thread{'s' * (self.threads != 1)}"

    def to_json(self) -> dict[str, Any]:
        """A JSON object, as form.py says."""
        return {
            **vars(self),
            "versions": dict(self.versions),
            "weights": dict(self.weights),
            "processor": [*self.processor],
        }

    @classmethod
    def from_json(cls, checked: Mapping[str, Any]) -> Self:
        """Those of a JSON object that was checked by the schema."""
        return cls(**{**checked, "processor": tuple(checked["processor"])})


def hash_of(file: Path) -> str:
    """The `weights_hash` of a file, computed once as long as it does not change."""
    parts = (file, file.with_suffix(".bin")) if file.suffix.lower() == ".xml" else (file,)
    states = [part.stat() for part in parts]
    return _hash_of(file.absolute(), tuple((state.st_mtime_ns, state.st_size) for state in states))


@lru_cache(maxsize=64)
def _hash_of(file: Path, state: tuple[tuple[int, int], ...]) -> str:
    return weights_hash(file)


def _instead(what: str, then: str, now: str) -> list[str]:
    """The line that tells of a difference, if there is one."""
    return [f"{what} {now or 'none'} instead of {then or 'none'}".strip()] if now != then else []


def _short(digest: str | None) -> str:
    return "none" if digest is None else f"sha256 {digest[:SHOWN]}"
