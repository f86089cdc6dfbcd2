"""Laws of postprocessing that hold for whatever the network says."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from anymask.letterbox import Letterbox
from anymask.postprocess import assemble, decode, postprocess, suppress
from anymask.rules import ScoreRule
from anymask.runtimes import RawOutput

LETTERBOX = Letterbox.fit(96, 128, 128)


def noise(seed: int, count: int = 40) -> RawOutput:
    """Candidates of any kind over smooth prototypes."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(size=(1, 6, 6, 8))
    prototypes = np.repeat(np.repeat(coarse, 4, axis=2), 4, axis=3)
    boxes = rng.uniform([-10, -10, -5, -5], [140, 110, 90, 90], (count, 4))
    rows = np.concatenate([boxes, rng.integers(0, 11, (count, 1)) / 10, rng.normal(size=(count, 6))], axis=1)
    return RawOutput(rows.T[None].astype(np.float32), prototypes.astype(np.float32))


seeds = st.integers(0, 2**32 - 1)


@settings(deadline=None)
@given(seeds)
def test_same_input_same_output(seed: int) -> None:
    assert postprocess(noise(seed), LETTERBOX) == postprocess(noise(seed), LETTERBOX)


@settings(deadline=None)
@given(seeds)
def test_boxes_are_those_of_the_masks(seed: int) -> None:
    found = postprocess(noise(seed), LETTERBOX)
    assert (found.areas > 0).all()
    assert (np.diff(found.scores) <= 0).all()
    for mask, box in zip(found.masks, found.boxes, strict=True):
        rows, columns = np.nonzero(mask)
        assert box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


@settings(deadline=None, max_examples=50)
@given(seeds, st.data())
def test_a_score_limit_changes_nothing_above_it(seed: int, data: st.DataObject) -> None:
    rule = data.draw(st.sampled_from([ScoreRule(), ScoreRule(0.5, 2), ScoreRule(0, 1), ScoreRule(2, 0)]))
    every = postprocess(noise(seed), LETTERBOX, score_rule=rule)
    score = data.draw(st.floats(0, 1) | st.sampled_from([0.5, *every.scores.tolist()]))  # also right on a score
    assert postprocess(noise(seed), LETTERBOX, score=score, score_rule=rule) == every[every.scores >= score]


@settings(deadline=None)
@given(seeds)
def test_the_order_of_candidates_matters_only_for_ties(seed: int) -> None:
    raw = noise(seed)
    raw.predictions[0, 4] = np.random.default_rng(seed).permutation(40) / 40  # all different
    backwards = replace(raw, predictions=raw.predictions[:, :, ::-1])
    assert postprocess(backwards, LETTERBOX) == postprocess(raw, LETTERBOX)


@settings(deadline=None)
@given(seeds, st.lists(st.integers(0, 39), unique=True))
def test_a_mask_is_the_same_whichever_others_are_made_with_it(seed: int, chosen: list[int]) -> None:
    raw = noise(seed)
    candidates = suppress(decode(raw, LETTERBOX), (96, 128), 1.0, 40)
    index = np.array([each for each in chosen if each < len(candidates.boxes)], np.int64)
    every, sure = assemble(candidates, raw.prototypes[0], LETTERBOX)
    some, also = assemble(candidates[index], raw.prototypes[0], LETTERBOX)
    assert some == [every[each] for each in index]
    assert np.array_equal(also, sure[index])
