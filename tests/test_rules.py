"""The rules by which the network's output is read: their numbers, their words, and what the metadata hold of them."""

import numpy as np
import pytest

from anymask.errors import SettingsError
from anymask.rules import CropRule, CutRule, MaskRule, ScoreRule


@pytest.mark.parametrize(("cells", "level"), [(0, -0.6), (100, -0.2), (300, 0.0), (10**9, 0.2)])
def test_the_level_goes_with_the_size(cells: int, level: float) -> None:
    assert CutRule(-0.6, 0.2, scale=100).level(cells) == pytest.approx(level)
    assert CutRule().level(cells) == 0


@pytest.mark.parametrize("arguments", [(np.nan, 0, 1), (0, -np.inf, 1), (0, 0, 0), (0, 0, np.inf)])
def test_cut_rules_out_of_range(arguments: tuple[float, float, float]) -> None:
    with pytest.raises(SettingsError, match=r"of a CutRule must be a (finite number|number above 0), but got"):
        CutRule(*arguments)


@pytest.mark.parametrize("value", [-0.5, np.inf, np.nan])
def test_rules_out_of_range(value: float) -> None:
    for rule in (ScoreRule, CropRule):
        for arguments in ((value, 1.0), (1.0, value)):
            with pytest.raises(SettingsError, match="must be a number from 0 up"):
                rule(*arguments)


@pytest.mark.parametrize(
    "rule",
    [ScoreRule(0.5, 1.75, 0.25), CropRule(0.0, 0.125, 2.0), MaskRule("linear", "corners", "after", "kept")],
)
def test_a_rule_travels_with_the_weights(rule: ScoreRule | CropRule | MaskRule) -> None:
    metadata = rule.to_metadata()
    assert type(rule).from_metadata({**metadata, "author": "somebody"}) == rule
    assert type(rule).from_metadata({}) == type(rule)()
    for key in metadata:  # each alone makes a difference
        assert type(rule).from_metadata({key: metadata[key]}) not in (rule, type(rule)())
    assert {type(key) for key in metadata} == {type(word) for word in metadata.values()} == {str}


@pytest.mark.parametrize(
    "words",
    [{"interpolation": "Cubic"}, {"crop_pixels": "centres"}, {"clipping": ""}, {"repeats": "after"}],
)
def test_words_that_a_rule_does_not_know(words: dict[str, str]) -> None:
    ((name, word),) = words.items()
    with pytest.raises(SettingsError, match=f"{name} of a MaskRule must be '.+' or '.+', but got '{word}'"):
        MaskRule.from_metadata(words)


@pytest.mark.parametrize(
    ("box", "touched", "corners"),
    [
        ([2, 3, 6, 7], [2, 3, 6, 7], [2, 3, 6, 7]),  # on whole pixels
        (
            [2.1, 3.9, 6.1, 6.9],
            [2, 3, 7, 7],
            [3, 4, 7, 7],
        ),  # column 2 and row 3 are touched, their corners are not in it
        ([2.5, 3, 2.9, 7], [2, 3, 3, 7], [3, 3, 3, 7]),  # between two columns: no corner at all
        ([-3.5, -0.5, 4.5, 30], [0, 0, 5, 10], [0, 0, 5, 10]),  # beyond a picture of 20 x 10 pixels
        ([25, 3, 30, 7], [20, 3, 20, 7], [20, 3, 20, 7]),  # right of it
    ],
)
def test_the_pixels_of_a_crop(box: list[float], touched: list[int], corners: list[int]) -> None:
    boxes = np.array([box], np.float64)
    assert MaskRule().windows(boxes, (10, 20)).tolist() == [touched]
    assert MaskRule(crop_pixels="corners").windows(boxes, (10, 20)).tolist() == [corners]
