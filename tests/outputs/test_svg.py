"""SVG: paths that hold every pixel of a mask, and nothing else."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from anymask import rle
from anymask.maskset import MaskSet
from anymask.outputs.svg import as_text, encode, path

Bools = NDArray[np.bool_]
SVG = "{http://www.w3.org/2000/svg}"


def drawn(text: str) -> Bools:
    """A mask as people draw it: one line per row, # inside."""
    return np.array([[pixel == "#" for pixel in line] for line in text.split()])


def path_of(mask: Bools) -> str:
    height, width = mask.shape
    return path(rle.encode_crop(mask, 0, 0, height, width), (height, width))


def filled(steps: str, height: int, width: int) -> Bools:
    """The pixels whose centres lie inside a path by the rule evenodd, which has no sides but along pixels' edges."""
    assert re.fullmatch(r"(M\d+ \d+(v-?\d+h-?\d+)+v-?\d+z)*", steps)  # in turn, so nothing is left to merge
    crossed = np.zeros((height, width + 1), np.int64)  # sides on the line left of each column
    for outline in steps.split("z")[:-1]:
        x, y = first = [int(number) for number in outline[1 : outline.index("v")].split()]
        for letter, number in re.findall(r"([vh])(-?\d+)", outline):
            assert int(number) != 0
            if letter == "h":
                x += int(number)
            else:
                crossed[min(y, y + int(number)) : max(y, y + int(number)), x] += 1
                y += int(number)
        assert y == first[1]  # the last side runs across, and closing the path draws it
    return np.asarray(np.cumsum(crossed, axis=1)[:, :width] % 2 == 1)


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        ("..  ..", ""),
        ("##  ##", "M0 0v2h2v-2z"),  # the whole picture
        ("...  .#.  ...", "M1 1v1h1v-1z"),  # one pixel
        ("###  #.#  ###", "M0 0v3h3v-3zM1 1v1h1v-1z"),  # a hole of one pixel
        ("#.  .#", "M0 0v1h2v1h-1v-2z"),  # pixels that touch at a corner: one outline, which crosses itself
        (".#  #.", "M0 1v1h1v-2h1v1z"),
        ("##.  ##.  ..#", "M0 0v2h3v1h-1v-3z"),
        ("#.#", "M0 0v1h1v-1zM2 0v1h1v-1z"),  # islands
        ("##.  ###", "M0 0v2h3v-1h-1v-1z"),  # a side of two pixels is one step
    ],
)
def test_sides_run_along_the_edges_of_pixels(mask: str, expected: str) -> None:
    assert path_of(drawn(mask)) == expected
    np.testing.assert_array_equal(filled(expected, *drawn(mask).shape), drawn(mask))


@settings(max_examples=200, deadline=None)
@given(hnp.arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_a_path_gives_any_mask_back(mask: Bools) -> None:
    np.testing.assert_array_equal(filled(path_of(mask), *mask.shape), mask)


def test_a_thousand_masks_come_back() -> None:
    random = np.random.default_rng(0)
    share = np.linspace(0, 1, 1000)[:, None, None]
    masks = random.random((1000, 30, 40)) < share  # noise has holes of one pixel, and corners that touch, everywhere
    found = MaskSet.from_masks(masks)
    document = ElementTree.fromstring(encode(found, np.zeros((30, 40, 3), np.uint8)))
    paths = {each.get("id"): each.get("d", "") for each in document.iter(f"{SVG}path")}
    assert len(paths) == 1000
    for index, mask in enumerate(masks):
        np.testing.assert_array_equal(filled(paths[f"mask-{index}"], 30, 40), mask)


@pytest.mark.parametrize("shape", [(1, 70_000), (70_000, 1), (70_000, 3)])  # rows and columns beyond 16 bits
def test_long_pictures(shape: tuple[int, int]) -> None:
    mask = np.random.default_rng(0).random(shape) < 0.01
    np.testing.assert_array_equal(filled(path_of(mask), *shape), mask)


def test_a_whole_picture_costs_as_little_as_its_one_run() -> None:
    side = 20_000
    assert path(rle.encode_changes(np.array([0, side * side]), side, side), (side, side)) == "M0 0v20000h20000v-20000z"


def test_the_document() -> None:
    masks = np.stack([drawn("#..  ..."), drawn("##.  ##."), drawn("...  ..#"), drawn("...  ...")])
    found = MaskSet.from_masks(masks)
    labels = ["the <b>\x00 & \x1b[31mcup\ud800\ufffe", "Tasse é", "", "nothing"]
    colours = [None, "#0a0b0c", None, None]
    data = encode(found, np.zeros((2, 3, 3), np.uint8), name='a "b" & c.jpg', labels=labels, colours=colours)
    document = ElementTree.fromstring(data)
    given = {name: document.get(name) for name in ("width", "height", "viewBox", "fill-rule")}
    assert given == {"width": "3", "height": "2", "viewBox": "0 0 3 2", "fill-rule": "evenodd"}
    assert document.findtext(f"{SVG}title") == 'a "b" & c.jpg'
    paths = document.findall(f"{SVG}path")
    assert [each.get("id") for each in paths] == ["mask-1", "mask-2", "mask-0", "mask-3"]  # smaller ones on top
    titles = {each.get("id"): each.findtext(f"{SVG}title") for each in paths}
    assert titles == {"mask-0": "the <b> & [31mcup", "mask-1": "Tasse é", "mask-2": None, "mask-3": "nothing"}
    assert paths[0].get("fill") == "#0a0b0c"
    assert all(re.fullmatch("#[0-9a-f]{6}", each.get("fill", "")) for each in paths)


@given(st.text(max_size=20))
def test_any_label_makes_a_document_that_can_be_read(text: str) -> None:
    read = ElementTree.fromstring(f"<title>{as_text(text)}</title>".encode()).text or ""
    assert set(read) <= set(text)
