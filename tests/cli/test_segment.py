"""`anymask segment`: files, JSON, prompts, and how wrong use is answered."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from anymask import Box, Point, Segmenter
from anymask.outputs import OUTPUTS
from anymask.prompts import Prompt
from anymask.segment import SHOWN

Run = Callable[..., Any]
QUICK = ("--image-size", "96")


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter()


@pytest.fixture(autouse=True)
def photo_file(folder: Path, photo: Image.Image) -> str:
    photo.save("photo.png")
    return "photo.png"


# Files


def test_by_default_files_go_to_masks(run: Run) -> None:
    ended = run("segment", "photo.png", *QUICK)
    assert (ended.code, ended.out) == (0, "")
    files = [Path("masks") / "photo.coco.json", Path("masks") / "photo.overlay.png"]
    assert sorted(Path("masks").iterdir()) == files
    (line,) = ended.lines
    document = json.loads(files[0].read_text())
    assert document["images"][0]["file_name"] == "photo.png"
    count = len(document["annotations"])
    assert line.startswith(f"photo.png: {count} mask{'s' * (count != 1)} in ")
    assert line.endswith(f" s -> {files[0]}, {files[1]}")


def test_every_format_and_a_folder_that_is_made(run: Run) -> None:
    ended = run("segment", "photo.png", *QUICK, "--format", f" {','.join(OUTPUTS)}, coco,", "--out", "a/b")
    assert ended.code == 0
    assert {path.name for path in Path("a/b").iterdir()} == {f"photo{output.suffix}" for output in OUTPUTS.values()}
    assert not Path("masks").exists()


def test_two_pictures_of_one_name_do_not_overwrite_each_other(run: Run, photo: Image.Image) -> None:
    sizes = {"a/photo.png": (20, 10), "b/photo.png": (30, 10), "c/photo.bmp": (40, 10), "d/PHOTO.png": (50, 10)}
    for name, size in sizes.items():
        Path(name).parent.mkdir()
        photo.resize(size).save(name)
    photo.resize((60, 10)).save("photo-2.png")  # a name that the second one would take
    ended = run("segment", *sizes, "photo-2.png", *QUICK, "--format", "coco")
    assert ended.code == 0
    written = {path.name: json.loads(path.read_text())["images"][0]["width"] for path in Path("masks").iterdir()}
    expected = {
        "photo.coco.json": 20,
        "photo-2.coco.json": 30,
        "photo-3.coco.json": 40,
        "PHOTO-4.coco.json": 50,
        "photo-2-2.coco.json": 60,
    }
    assert written == expected
    told = [line.rpartition(" -> ")[2] for line in ended.lines if " -> " in line]
    assert told == [str(Path("masks") / name) for name in expected]


def test_the_same_command_writes_the_same_bytes_over_the_old(run: Run) -> None:
    first: dict[str, bytes] = {}
    second: dict[str, bytes] = {}
    for files in (first, second):
        assert run("segment", "photo.png", *QUICK, "--format", "coco,png,overlay").code == 0
        files.update({path.name: path.read_bytes() for path in Path("masks").iterdir()})
    assert first == second and len(first) == 3


@pytest.mark.parametrize("out", ["file", "file/deeper"])
def test_a_folder_that_cannot_be_made(run: Run, out: str) -> None:
    Path("file").write_text("in the way")
    ended = run("segment", "photo.png", "photo.png", *QUICK, "--out", out)
    (line,) = ended.lines
    assert ended.code == 1
    assert line.startswith(f"anymask: {Path(out)}: no folder can be made there (") and line.endswith("with --out")
    assert Path("file").read_text() == "in the way"


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(run: Run) -> None:
    Path("out").mkdir(mode=0o500)
    ended = run("segment", "photo.png", *QUICK, "--out", "out")
    (line,) = ended.lines
    assert ended.code == 1 and line.startswith("anymask: photo.png: out")


def test_a_file_that_cannot_be_written_stops_no_other(run: Run, photo: Image.Image) -> None:
    photo.save("other.png")
    Path("masks/photo.coco.json").mkdir(parents=True)  # in the way
    ended = run("segment", "photo.png", "other.png", *QUICK, "--quiet")
    (line,) = ended.lines
    assert ended.code == 1
    assert line.startswith(f"anymask: photo.png: {Path('masks/photo.coco.json')}: ")
    assert Path("masks/other.coco.json").is_file()


def test_quiet_says_nothing(run: Run) -> None:
    ended = run("segment", "photo.png", "photo.png", *QUICK, "-q")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert len(list(Path("masks").iterdir())) == 2


def test_verbose_says_more(run: Run) -> None:
    ended = run("segment", "photo.png", *QUICK, "-v")
    assert ended.code == 0
    about, _ = ended.lines
    assert about.startswith("anymask: photo.png: 96 x 64 pixels, ") and about.endswith(" masks before any prompt")


# JSON


def test_json_is_one_line_per_picture_on_stdout(run: Run, photo: Image.Image, segmenter: Segmenter) -> None:
    photo.rotate(180).save("b.png")
    ended = run("segment", "photo.png", "missing.png", "b.png", *QUICK, "--json")
    assert ended.code == 1
    assert len(ended.lines) == 1  # of the missing one
    documents = [json.loads(line) for line in ended.out.splitlines()]
    assert [document["photo"] for document in documents] == ["photo.png", "b.png"]
    assert not Path("masks").exists()  # files only when --out is given
    for document in documents:
        found = segmenter(document["photo"], image_size=96, score=SHOWN)
        assert (document["width"], document["height"]) == (96, 64)
        assert len(document["masks"]) == len(found) > 0
        for index, (mask, drawn) in enumerate(zip(document["masks"], found.masks, strict=True)):
            assert set(mask) == {"id", "box", "score", "parent", "rle"}
            assert mask["id"] == index and mask["parent"] == found.parents[index]
            assert mask["score"] == pytest.approx(float(found.scores[index]), abs=1e-6)
            assert mask["box"] == found.boxes[index].tolist()
            assert np.array_equal(coco_mask.decode(mask["rle"]).astype(bool), drawn)


def test_json_with_out_writes_files_too(run: Run) -> None:
    ended = run("segment", "photo.png", *QUICK, "--json", "--out", "there", "--format", "coco")
    assert (ended.code, ended.err) == (0, "")
    assert [path.name for path in Path("there").iterdir()] == ["photo.coco.json"]
    assert len(json.loads(ended.out)["masks"]) == len(
        json.loads(next(Path("there").iterdir()).read_text())["annotations"]
    )


# Prompts


def answers(ended: Any) -> list[tuple[int, int, str]]:
    assert ended.code == 0, ended.err
    return [(mask["prompt"], mask["rank"], mask["rle"]["counts"]) for mask in json.loads(ended.out)["masks"]]


POINT, BOX = Point([(50, 40)]), Box((30, 10, 90, 60))
NOT_THERE = Point([(50, 40), (52, 41)], [1, 0])
BOTH = json.dumps([BOX.to_json(), POINT.to_json()])


@pytest.mark.parametrize(
    ("options", "prompts"),
    [
        (["--point", "50,40"], [POINT]),
        (["--point", "50,40,1"], [POINT]),
        (["--point", " 50.0 , 4e1 "], [POINT]),
        (["--point", "50,40", "--point", "0,0,0"], [Point([(50, 40), (0, 0)], [1, 0])]),  # all points are one object
        (["--box", "30,10,90,60"], [BOX]),
        (["--box", "-5,10,900,60"], [Box((-5, 10, 900, 60))]),
        (["--box", "30,10,90,60", "--box", "0,0,40,40"], [BOX, Box((0, 0, 40, 40))]),  # every box is one
        (["--box", "30,10,90,60", "--point", "50,40"], [POINT, BOX]),  # points first
        (["--prompt", "one.json"], [POINT]),
        (["--prompt", "both.json"], [BOX, POINT]),
        (["--prompt", "marked.json"], [BOX, POINT]),  # with a byte order mark, as Windows writes it
        (["--prompt", "both.json", "--point", "50,40", "--prompt", "one.json"], [POINT, BOX, POINT, POINT]),
    ],
)
def test_prompts_choose_as_in_python(run: Run, segmenter: Segmenter, options: list[str], prompts: list[Prompt]) -> None:
    Path("one.json").write_text(json.dumps(POINT.to_json()))
    Path("both.json").write_text(BOTH)
    Path("marked.json").write_text(BOTH, encoding="utf-8-sig")
    picked = segmenter.select(segmenter("photo.png", image_size=96), prompts)  # among all masks, whatever their score
    assert picked.prompt is not None and picked.rank is not None
    expected = list(
        zip(picked.prompt.tolist(), picked.rank.tolist(), (each.decode() for each in picked.rles), strict=True)
    )
    best = [each for each in expected if each[1] == 0]
    assert {prompt for prompt, _, _ in best} == set(range(len(prompts)))  # each has an answer here
    assert answers(run("segment", "photo.png", *QUICK, "--json", *options)) == best
    two = answers(run("segment", "photo.png", *QUICK, "--json", *options, "--candidates", "2"))
    assert two == [each for each in expected if each[1] < 2]


def test_score_counts_with_prompts_when_it_is_given(run: Run) -> None:
    ended = run("segment", "photo.png", *QUICK, "--json", "--box", "30,10,90,60", "--score", "1")
    assert answers(ended) == []


def test_a_prompt_that_nothing_answers_is_told_and_is_no_failure(run: Run) -> None:
    points = ("--point", "50,40", "--score", "1", "--refine", "off", "--no-zoom")
    ended = run("segment", "photo.png", *QUICK, *points, "--format", "cutout,coco")
    assert ended.code == 0
    warned, line = ended.lines
    assert warned.startswith('anymask: photo.png: nothing found for prompt {"type": "point"')
    assert line.startswith("photo.png: 0 masks in ")
    assert len(list(Path("masks").iterdir())) == 2
    assert run("segment", "photo.png", *QUICK, *points, "-q").err == ""


def test_a_prompt_outside_of_some_pictures_stops_no_other(run: Run, photo: Image.Image) -> None:
    photo.resize((40, 30)).save("small.png")
    ended = run("segment", "small.png", "photo.png", *QUICK, "--point", "50,40", "-q")
    (line,) = ended.lines
    assert ended.code == 1
    assert line == (
        "anymask: small.png: point: (50, 40) lies outside the picture; expected 0 <= x < 40 and 0 <= y < 30"
    )
    assert {path.name for path in Path("masks").iterdir()} == {"photo.coco.json", "photo.overlay.png"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "p.json: expected a JSON file with prompts in UTF-8, got: No such file"),
        (b"\xff\xfe{\x00", "p.json: expected a JSON file with prompts in UTF-8, got: 'utf-8' codec"),
        (b"{", "p.json: prompt: expected JSON, got "),
        (b"", "p.json: prompt: expected JSON, got "),
        (b"[]", "p.json: expected at least one prompt, got an empty list"),
        (b'{"type": "circle"}', "p.json: prompt: expected a type out of point, box, text, got 'circle'"),
        (b'{"type": "box", "box": [1, 1, 0, 0]}', "p.json: box: expected x1 < x2"),
    ],
)
def test_a_file_without_prompts_is_refused(run: Run, content: bytes | None, said: str) -> None:
    if content is not None:
        Path("p.json").write_bytes(content)
    ended = run("segment", "photo.png", *QUICK, "--prompt", "p.json")
    (line,) = ended.lines
    assert ended.code == 1 and line.startswith(f"anymask: {said}")
    assert not Path("masks").exists()


# Wrong use


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--point", "1"], "--point"),
        (["--point", "1,2,3,4"], "--point"),
        (["--point", "a,b"], "expected 2 or 3 numbers with commas between them, got 'a,b'"),
        (["--point", ""], "--point"),
        (["--point", "1;2"], "--point"),
        (["--point", "1,2,2"], "labels"),
        (["--point", "1,2,0.5"], "labels"),  # not rounded to 0
        (["--point", "1,2,0"], "at least one point inside"),
        (["--point", "nan,2"], "finite"),
        (["--box", "1,2,3"], "expected 4 numbers with commas between them, got '1,2,3'"),
        (["--box", "5,5,1,1"], "x1 < x2"),
        (["--box", "0,0,inf,1"], "finite"),
        (["--format", "jpg"], "expected one or more of coco, png, overlay, cutout, svg, recipe, got 'jpg'"),
        (["--format", "coco,"], None),  # a comma too many is no error
        (["--format", ","], "got nothing"),
        (["--candidates", "0"], "--candidates"),
        (["--score", "2"], "--score"),
        (["--score", "-0.1"], "--score"),
        (["--score", "nan"], "score"),
        (["--score", "high"], "--score"),
        (["--iou", "1.5"], "--iou"),
        (["--max-masks", "0"], "--max-masks"),
        (["--max-pixels", "0"], "--max-pixels"),
        (["--threads", "0"], "--threads"),
        (["--image-size", "100"], "image_size must be a multiple of 32 from 32 to 4096, but got 100: use 96"),
        (["--image-size", "large"], "--image-size"),
        (["--colour", "red"], "--colour"),
    ],
)
def test_wrong_use(run: Run, arguments: list[str], said: str | None) -> None:
    ended = run("segment", "photo.png", "photo.png", "--image-size", "32", *arguments)
    if said is None:
        assert ended.code == 0
        return
    assert ended.code == 2 and ended.out == ""
    assert sum(said in line for line in ended.lines) == 1  # once, not for every picture
    assert not Path("masks").exists() or not any(Path("masks").iterdir())


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ("missing.onnx", "missing.onnx: there is no such weights file"),
        ("photo.png", "photo.png: expected 'default', 'fastsam-s', 'fastsam-x' or an ONNX file"),
        ("garbage.onnx", "garbage.onnx cannot be read as an ONNX model"),
    ],
)
def test_weights_that_cannot_be_used_are_told_once(run: Run, weights: str, said: str) -> None:
    Path("garbage.onnx").write_bytes(b"garbage")
    ended = run("segment", "photo.png", "photo.png", *QUICK, "--weights", weights)
    (line,) = ended.lines
    assert ended.code == 1 and line.startswith(f"anymask: {said}")
