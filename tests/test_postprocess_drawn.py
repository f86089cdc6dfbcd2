"""The likeliest candidates get their masks from a drawer, and are ranked among the others."""

import numpy as np
import pytest
from numpy.typing import NDArray

from anymask import rle
from anymask.postprocess import Candidates, postprocess
from tests.test_postprocess import LEFT, LEFT_BOX, LETTERBOX, RIGHT, RIGHT_BOX, network_says


@pytest.mark.parametrize(
    ("drawn", "scores", "asked", "expected"),
    [  # the right disc is likelier; what is drawn in its place is the upper half of the picture, or nothing
        (0, [], [], [0.8, 0.3]),
        (1, [0.25], [0.8], [0.3, 0.25]),
        (2, [0.25, 0.9], [0.8, 0.3], [0.9, 0.25]),
        (9, [0.25, 0.9], [0.8, 0.3], [0.9, 0.25]),
        (1, [0.0], [0.8], [0.3, 0.0]),
    ],
)
def test_the_likeliest_are_drawn_and_ranked_among_the_others(
    drawn: int, scores: list[float], asked: list[float], expected: list[float]
) -> None:
    raw = network_says(LETTERBOX, (LEFT, LEFT_BOX, 0.3), (RIGHT, RIGHT_BOX, 0.8))
    shapes = [rle.encode_crop(np.ones((10, 128), np.bool_), 0, top, 96, 128) for top in (0, 20)]
    seen: list[float] = []

    def draw(candidates: Candidates) -> tuple[list[bytes], NDArray[np.float64]]:
        seen.extend(np.round(candidates.scores, 5).tolist())
        return shapes[: len(candidates.boxes)], np.array(scores)

    found = postprocess(raw, LETTERBOX, drawn=drawn, draw=draw)
    assert seen == asked
    assert found.scores == pytest.approx(expected, rel=0.1)
    for mask, score in zip(shapes, scores, strict=False):  # each with its own score
        assert found.rles[np.abs(found.scores - score).argmin()] == mask
    above = postprocess(raw, LETTERBOX, drawn=drawn, draw=draw, score=0.28)
    assert above.scores.tolist() == [score for score in found.scores.tolist() if score >= 0.28]


def test_nothing_to_draw_on_a_picture_without_candidates() -> None:
    raw = network_says(LETTERBOX, (LEFT, (-9.0, -9.0, -1.0, -1.0), 0.3))
    found = postprocess(raw, LETTERBOX, drawn=5, draw=lambda candidates: ([], np.zeros(len(candidates.boxes))))
    assert len(found) == 0
