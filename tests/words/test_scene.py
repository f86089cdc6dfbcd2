"""What is computed once of all masks: where they lie, who is part of whom, and their colours, against slow ways."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from anymask import MaskSet
from anymask.words.colours import named, oklab
from anymask.words.scene import ALIKE, Scene
from anymask.words.vocabulary import COLOURS

STACKS = st.tuples(st.integers(0, 6), st.integers(1, 7), st.integers(1, 9)).flatmap(lambda size: arrays(np.bool_, size))


@settings(deadline=None, max_examples=50)
@given(STACKS)
def test_middles_are_means_of_pixels(masks: NDArray[np.bool_]) -> None:
    scene = Scene(MaskSet.from_masks(masks))
    for mask, middle in zip(masks, scene.middles, strict=True):
        if mask.any():
            rows, columns = np.nonzero(mask)
            assert middle == pytest.approx((columns.mean() + 0.5, rows.mean() + 0.5))


@settings(deadline=None, max_examples=50)
@given(STACKS)
def test_parts_are_those_of_the_forest_and_the_same_things_overlap(masks: NDArray[np.bool_]) -> None:
    found = MaskSet.from_masks(masks)
    scene = Scene(found)
    for index in range(len(found)):
        chain = set(found.forest.chain(index).tolist()) - {index, int(found.forest.representative[index])}
        assert set(np.flatnonzero(scene.inside[index])) - {int(found.forest.representative[index])} == chain
    flat = masks.reshape(len(masks), masks[0].size if len(masks) else 0).astype(float)
    shared = flat @ flat.T
    union = flat.sum(axis=1)[:, None] + flat.sum(axis=1) - shared
    same = (shared > ALIKE * union) | np.eye(len(masks), dtype=np.bool_)
    assert (scene.alike == same).all()


@settings(deadline=None, max_examples=50)
@given(STACKS, st.integers(0, 9))
def test_shares_of_colours_are_those_of_the_pixels(masks: NDArray[np.bool_], seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (*masks.shape[1:], 3), np.uint8)
    shares = Scene(MaskSet.from_masks(masks, image=image)).colours.shares
    assert shares.sum(axis=(1, 2)) == pytest.approx(np.ones(len(masks)))
    colour, _ = named(image)
    for mask, share in zip(masks, shares, strict=True):
        if mask.any():
            counted = np.bincount(colour[mask], minlength=len(COLOURS)) / mask.sum()
            assert share.sum(axis=1) == pytest.approx(counted, abs=1e-5)


def test_lightness_is_the_mean_of_a_mask() -> None:
    image = np.zeros((300, 400, 3), np.uint8)
    image[:, 200:] = 255
    masks = np.zeros((3, 300, 400), np.bool_)
    masks[0, :, :200] = masks[1, :, 200:] = masks[2] = True
    scene = Scene(MaskSet.from_masks(masks, image=image))
    assert scene.colours.lightness == pytest.approx([0, 1, 0.5], abs=0.02)


@pytest.mark.parametrize(
    ("rgb", "light", "chroma", "hue"),
    [  # from the article's reference values
        ((255, 255, 255), 1, 0, None),
        ((0, 0, 0), 0, 0, None),
        ((255, 0, 0), 0.628, 0.258, 29.2),
        ((0, 255, 0), 0.866, 0.295, 142.5),
        ((0, 0, 255), 0.452, 0.313, 264.1),
        ((255, 255, 0), 0.968, 0.211, 109.8),
    ],
)
def test_oklab(rgb: tuple[int, int, int], light: float, chroma: float, hue: float | None) -> None:
    found = oklab(np.array([rgb], np.uint8))
    assert found[0][0] == pytest.approx(light, abs=2e-3) and found[1][0] == pytest.approx(chroma, abs=2e-3)
    assert hue is None or found[2][0] == pytest.approx(hue, abs=0.3)


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((0, 0, 0), "black"),
        ((45, 45, 48), "black"),
        ((255, 255, 255), "white"),
        ((215, 216, 214), "white"),
        ((128, 128, 128), "grey"),
        ((90, 95, 100), "grey"),
        ((255, 0, 0), "red"),
        ((139, 0, 0), "red"),
        ((220, 20, 60), "red"),
        ((255, 165, 0), "orange"),
        ((230, 95, 40), "orange"),
        ((255, 255, 0), "yellow"),
        ((255, 215, 0), "yellow"),
        ((0, 128, 0), "green"),
        ((107, 142, 35), "green"),
        ((85, 107, 47), "green"),
        ((64, 224, 208), "turquoise"),
        ((0, 128, 128), "turquoise"),
        ((0, 0, 255), "blue"),
        ((0, 0, 128), "blue"),
        ((135, 206, 235), "blue"),
        ((128, 0, 128), "purple"),
        ((75, 0, 130), "purple"),
        ((255, 192, 203), "pink"),
        ((255, 105, 180), "pink"),
        ((139, 69, 19), "brown"),
        ((101, 67, 33), "brown"),
        ((245, 245, 220), "beige"),
        ((222, 184, 135), "beige"),
    ],
)
def test_pixels_have_the_names_that_people_give_them(rgb: tuple[int, int, int], name: str) -> None:
    assert COLOURS[int(named(np.array([rgb], np.uint8))[0][0])] == name


@pytest.mark.parametrize(
    ("pixels", "has", "has_not"),
    [
        ({(232, 205, 170): 7, (80, 75, 70): 2, (150, 150, 150): 1}, ["white"], ["black", "grey"]),  # under a lamp
        ({(235, 235, 235): 3, (185, 185, 185): 4, (140, 140, 140): 3}, ["white", "grey"], ["black"]),  # half in shade
        ({(135, 135, 135): 8, (25, 25, 25): 2}, ["grey"], ["black", "white"]),  # with shadows
        ({(25, 25, 25): 6, (70, 70, 70): 4}, ["black"], ["grey", "white"]),  # with light on it
        ({(70, 70, 70): 10}, ["grey", "dark grey"], ["black", "white", "light grey"]),
        ({(110, 65, 30): 8, (25, 25, 25): 2}, ["brown"], ["black", "grey", "white"]),
    ],
)
def test_black_white_and_grey_by_lamps_and_in_shade(
    pixels: dict[tuple[int, int, int], int], has: list[str], has_not: list[str]
) -> None:
    column = [rgb for rgb, count in pixels.items() for _ in range(count)]
    image = np.repeat(np.array(column, np.uint8)[:, None], 10, axis=1)
    colours = Scene(MaskSet.from_masks(np.ones((1, 10, 10), np.bool_), image=image)).colours
    assert [name for name in (*has, *has_not) if colours.degree(name)[0] >= 0.5] == has


def test_a_scene_is_made_once_for_a_set() -> None:
    found = MaskSet.from_masks(np.ones((1, 4, 4), np.bool_))
    assert Scene.of(found) is Scene.of(found)
    assert Scene.of(found[:1]) is not Scene.of(found)  # a part has its own
    assert Scene.of(replace(found)) is not Scene.of(found)
