"""Running the command line: in this process, which is quick, or in one of its own."""

import gzip
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anymask import rle
from anymask.cli import main


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it said on stderr. A traceback is never right."""
        assert "Traceback" not in self.err
        return self.err.splitlines()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Every test works in a folder of its own; what a command sets for its process is set back."""
    monkeypatch.chdir(tmp_path)
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):  # stderr is no terminal here
        monkeypatch.delenv(name, raising=False)
    root, ours = logging.getLogger(), logging.getLogger("anymask")
    handlers, level, our_level = root.handlers[:], root.level, ours.level
    yield tmp_path
    root.handlers[:] = handlers
    root.setLevel(level)
    ours.setLevel(our_level)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run a command in this process."""

    def run(*arguments: str | Path) -> Ended:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Ended(ended.value.code, said.out, said.err)

    return run


@pytest.fixture
def start() -> Callable[..., subprocess.Popen[bytes]]:
    """Start ``python -m anymask`` with pipes in a process of its own."""

    def start(*arguments: str | Path, python: tuple[str, ...] = ("-m", "anymask")) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        return subprocess.Popen([sys.executable, *python, *arguments], stdin=pipe, stdout=pipe, stderr=pipe)

    return start


@pytest.fixture
def process(start: Callable[..., subprocess.Popen[bytes]]) -> Callable[..., Ended]:
    """Run ``python -m anymask`` in a process of its own, with some bytes on its standard input."""

    def process(*arguments: str | Path, stdin: bytes = b"", python: tuple[str, ...] = ("-m", "anymask")) -> Ended:
        running = start(*arguments, python=python)
        out, err = running.communicate(stdin, timeout=120)
        return Ended(running.returncode, out.decode(), err.decode())

    return process


@pytest.fixture(scope="session")
def photo(astronaut: Path) -> Image.Image:
    """A part of the example photograph, 96 x 64 pixels."""
    return Image.open(astronaut).convert("RGB").crop((100, 0, 484, 256)).resize((96, 64))


@pytest.fixture
def collections(tmp_path: Path, photo: Image.Image) -> Path:
    """Labelled photographs: two of "drawn", with everything labelled, one of "rough" with only some; all kept out."""
    folder, split = tmp_path / "photos", ["collection,file_name,side"]
    counts = rle.encode_crop(np.ones((64, 96), np.bool_), 0, 0, 64, 96).decode()  # one object, the whole picture
    for collection, count, labelled in (("drawn", 2, "all"), ("rough", 1, "some")):
        images = folder / collection / "images"
        images.mkdir(parents=True)
        document: dict[str, list[dict[str, object]]] = {"images": [], "annotations": []}
        for index in range(count):
            name = f"{index}.png"
            photo.save(images / name)
            about = {"id": index, "file_name": name, "height": 64, "width": 96, "labelled": labelled}
            document["images"].append(about)
            segmentation = {"size": [64, 96], "counts": counts}
            document["annotations"].append({"image_id": index, "label": None, "segmentation": segmentation})
            split.append(f"{collection},{name},kept_out")
        with gzip.open(images.parent / "annotations.json.gz", "wt") as stream:
            json.dump(document, stream)
    (folder / "split.csv").write_text("\n".join(split) + os.linesep)
    return folder
