"""`anymask data` end to end, and `anymask evaluate` and `anymask train` on other layouts than collections."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

Run = Callable[..., Any]


def test_what_is_right_is_counted(run: Run, sa1b_tar: Path) -> None:
    ended = run("data", sa1b_tar, "--sheet", "made/sheet.png", "--list", "made/names.txt")
    assert (ended.code, ended.err) == (0, "")
    headings, row, last = ended.out.splitlines()
    assert headings.split() == ["photos", "objects", "small", "medium", "large", "with", "holes", "coverage"]
    # a ring of 128 pixels and a bar of 112 on one photo of 768, the bar on the other
    assert row.split() == ["sa_000000", "2", "3", "3", "0", "0", "1", "23%"]
    assert last == "0 errors, 0 warnings"
    assert Path("made/names.txt").read_text() == "sa_1.jpg\nsa_20.jpg\n"
    with Image.open("made/sheet.png") as sheet:
        assert sheet.width > sheet.height > 300  # two tiles beside each other


def test_a_subset_is_listed(run: Run, coco_file: Path) -> None:
    ended = run("data", coco_file, "--subset", "0.57", "--list", "names.txt")
    assert ended.code == 0
    assert Path("names.txt").read_text() == "sa_20.jpg\n"
    assert run("data", coco_file, "--subset", "0.01").code == 1  # none is left
    assert run("data", coco_file, "--subset", "2").code == 2


def test_errors_are_told_and_end_with_1(run: Run, sa1b_folder: Path) -> None:
    (sa1b_folder / "sa_20.jpg").write_bytes(b"no picture")
    (sa1b_folder / "sa_3.json").write_text("{}")
    ended = run("data", sa1b_folder, "--sheet", "sheet.png")
    assert ended.code == 1
    first, second = ended.lines
    assert first.startswith(f"error: {sa1b_folder / 'sa_3.json'}: there is no picture beside it")
    assert second.startswith(f"error: {sa1b_folder / 'sa_20.jpg'}: expected a picture of 32 x 24 pixels")
    assert ended.out.splitlines()[-1] == "2 errors, 0 warnings"
    assert Path("sheet.png").is_file()  # of those that can be shown


def test_many_problems_are_cut_short(run: Run, coco_file: Path) -> None:
    document = json.loads(coco_file.read_text())
    document["annotations"] += [{"id": 100 + index, "image_id": 5} for index in range(70)]
    coco_file.write_text(json.dumps(document))
    ended = run("data", coco_file)
    assert ended.code == 1
    assert ended.lines[-1] == "and 20 more" and len(ended.lines) == 51
    assert ended.out.splitlines()[-1] == "70 errors, 0 warnings"


def test_collections_and_their_split(run: Run, collections: Path) -> None:
    assert run("data", collections).out.splitlines()[-1] == "0 errors, 0 warnings"
    split = Path("split.csv")
    split.write_text("collection,file_name,side\ndrawn,0.png,train\nrough,7.png,kept_out\n")
    ended = run("data", collections, "--split", split)
    assert ended.code == 1
    assert ended.lines == ["error: split.csv: rough/7.png is not there"]
    assert [row.split()[0] for row in ended.out.splitlines()[1:-1]] == ["drawn"]
    split.write_text("collection,file_name,side\ndrawn,0.png,train\ndrawn,1.png,train\nrough,0.png,kept_out\n")
    ended = run("data", collections, "--split", split, "--subset", "0.5")
    assert (ended.code, ended.err) == (0, "")  # what is not in the subset is not missing


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere: expected a folder of collections"),
        (["empty"], "empty: expected a folder of collections"),
        (["bad.json"], "bad.json: expected COCO or LVIS JSON"),
        (["bad.tar"], "bad.tar: expected an uncompressed tar"),
    ],
)
def test_what_cannot_be_read_is_told(run: Run, arguments: list[str], said: str) -> None:
    Path("empty").mkdir()
    Path("bad.json").write_text("{")
    Path("bad.tar").write_bytes(b"no tar" * 200)
    ended = run("data", *arguments)
    (line,) = ended.lines
    assert (ended.code, ended.out) == (1, "") and line.startswith(f"anymask: {said}")


@pytest.mark.parametrize(
    ("layout", "side"), [("coco_file", "all photos"), ("sa1b_tar", "all photos"), ("yolo_folder", "kept_out")]
)
def test_evaluate_takes_it(run: Run, request: pytest.FixtureRequest, layout: str, side: str) -> None:
    path = request.getfixturevalue(layout)
    ended = run("evaluate", "--photos", path, "--image-size", "64", "--refine", "off", "--to", "x.json")
    assert ended.code == 0, ended.err
    document = json.loads(Path("x.json").read_text())
    assert document["side"] == side
    crowds_do_not_count = {"coco_file": 3, "sa1b_tar": 3, "yolo_folder": 1}
    assert document["groups"]["all"]["objects"]["all"] == crowds_do_not_count[layout]


def test_evaluate_takes_a_photo_without_objects(run: Run, coco_file: Path) -> None:
    document = json.loads(coco_file.read_text())
    del document["annotations"][2:]
    coco_file.write_text(json.dumps(document))
    ended = run(
        "evaluate", "--photos", coco_file, "--image-size", "64", "--prompts", "--refine", "off", "--to", "x.json"
    )
    assert ended.code == 0, ended.err
    assert json.loads(Path("x.json").read_text())["groups"]["all"]["photos"] == 2


def test_evaluate_takes_a_subset_and_limits(run: Run, sa1b_tar: Path) -> None:
    given = ("evaluate", "--photos", sa1b_tar, "--image-size", "64", "--refine", "off", "--to", "x.json")
    for more in (("--subset", "0.57"), ("--limit", "1")):
        assert run(*given, *more).code == 0
        assert json.loads(Path("x.json").read_text())["groups"]["all"]["photos"] == 1
    ended = run(*given, "--collections", "birds")
    (line,) = ended.lines
    assert ended.code == 1 and "no photos of birds found" in line


def test_train_tells_what_is_wrong_with_them(run: Run, sa1b_tar: Path) -> None:
    pytest.importorskip("torch")
    given = ("train", "--photos", sa1b_tar, "--checkpoints", "run", "--steps", "1")
    for more, code, said in (
        (("--subset", "0"), 2, "subset must be above 0"),
        (("--images", "."), 2, "for COCO and LVIS files alone"),
    ):
        ended = run(*given, *more)
        assert (ended.code, said in ended.lines[-1]) == (code, True)
