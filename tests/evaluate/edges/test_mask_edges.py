"""Edges from network output: of masks made by hand, and of the example photograph."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from anymask import Segmenter, rle
from anymask.datasets import LabelledPhoto
from anymask.evaluate.edges.mask_edges import edge_strength, measure_edges, near_boundary
from anymask.letterbox import Letterbox
from anymask.runtimes.base import RawOutput

BOX = Letterbox.fit(64, 64, 64)  # network pixels are source pixels, a prototype cell is 4 of them


def output(*masks: tuple[list[float], float]) -> RawOutput:
    """Masks by their box (cx, cy, w, h) and score, all of the left half of the picture: their logits are 8 and -8."""
    prototypes = np.full((1, 1, 16, 16), -8, np.float32)
    prototypes[..., :8] = 8
    return RawOutput(
        np.array([[[*box, score, 1.0] for box, score in masks]], np.float32).transpose(0, 2, 1), prototypes
    )


WHOLE = [32.0, 32, 64, 64]


def test_an_edge_where_the_mask_ends_and_nowhere_else() -> None:
    strength = edge_strength(output((WHOLE, 0.5)), BOX)
    assert strength.shape == (64, 64) and strength.max() == 1.0
    assert (strength[:, 31:33] > 0.9).all()
    assert strength[:, :28].max() < 0.02 and strength[:, 36:].max() < 0.02  # the frame of the picture is no edge


@pytest.mark.parametrize("box", [[20.0, 32, 10, 20], [31.5, 32, 21, 20]])
def test_the_border_of_a_box_makes_no_edge(box: list[float]) -> None:
    # were the second mask cut at its box before the filter, it would vote there
    strength = edge_strength(output((WHOLE, 0.5), (box, 0.4)), BOX)
    assert strength[:, :28].max() < 0.02 and strength[:, 36:].max() < 0.02


def test_masks_vote_alike_whatever_their_scores() -> None:
    upper, inside, lower = [32.0, 16, 64, 24], [32.0, 16, 64, 12], [32.0, 48, 64, 24]
    strength = edge_strength(output((upper, 0.8), (inside, 0.1), (lower, 0.4)), BOX)
    assert strength[16, 31] == pytest.approx(1.0, abs=1e-3)  # two votes
    assert strength[48, 31] == pytest.approx(0.5**0.5, abs=1e-3)  # one


def test_near_the_boundary_is_two_steps_to_either_side() -> None:
    mask = np.zeros((1, 12), np.bool_)
    mask[:, 6:] = True  # the boundary is pixel 5, the last one outside
    assert np.flatnonzero(near_boundary(mask)[0]).tolist() == [3, 4, 5, 6, 7]
    assert not near_boundary(np.ones((4, 4), np.bool_)).any()  # the picture's frame is none


def test_no_candidates_make_no_edges() -> None:
    assert not edge_strength(output((WHOLE, 0.0)), BOX).any()
    nothing = replace(output((WHOLE, 0.5)), predictions=np.zeros((1, 6, 0), np.float32))
    assert not edge_strength(nothing, BOX).any()


def test_its_own_masks_as_truth(astronaut: Path) -> None:
    segmenter = Segmenter(threads=1)
    found = segmenter(astronaut, image_size=96)
    photo = LabelledPhoto("bsds", astronaut, 512, 512, "all", ((found.rles[0],),) * 2, ((None,),) * 2)
    square = rle.encode_crop(np.ones((10, 10), np.bool_), 500, 0, 512, 512)  # what is in no mask
    other = replace(photo, layers=((square,),))
    mine, elsewhere = (measure_edges(segmenter, [each], 96, 5) for each in (photo, other))
    assert mine["photos"] == 1 and mine["thresholds"] == 5
    assert mine["ods"]["value"] > 0.4 > elsewhere["ods"]["value"]
    assert mine["ods"]["low"] == mine["ods"]["high"]
