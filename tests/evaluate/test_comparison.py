"""Two runs compared: documents of known figures, and pairs of photos whose interval is known."""

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymask import SettingsError
from anymask.evaluate.comparison import by_figure, comparison_report, differences, notes, paired_interval, read
from anymask.evaluate.recall import AREAS, THRESHOLDS, TOP, Recalled
from anymask.evaluate.run import Measured, per_photo, summarise

ROOT = Path(__file__).parent.parent.parent
EVALUATION = json.loads((ROOT / "docs" / "evaluation.json").read_text("utf-8"))


def measured(name: str, boxes: list[float], clicks: list[float], collection: str = "cells") -> Measured:
    """A photo with small objects, none of which a mask fits."""
    objects = np.array([len(boxes), len(boxes), 0, 0])
    none = Recalled(np.zeros((len(AREAS), len(TOP), len(THRESHOLDS)), np.int64), objects)
    areas = np.full(len(boxes), 100)
    return Measured(collection, none, none, areas, np.array(clicks), np.array(boxes), name=name)


def document(photos: list[Measured], details: bool = True, **settings: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"asked": None, "groups": summarise(photos), **settings}
    made |= {"per photo": per_photo(photos)} if details else {}
    loaded: dict[str, Any] = json.loads(json.dumps(made, allow_nan=False))
    return loaded


def run(shift: float, wiggle: float = 0.0, names: str = "abcdefgh", **settings: Any) -> dict[str, Any]:
    """Photos that differ much from one another, and by little from those of another run."""
    spread = {name: 0.1 + 0.08 * "abcdefghxyz".index(name) for name in "abcdefghxyz"}
    return document([measured(n, [spread[n] + shift + wiggle * (-1) ** ord(n)], [0.5]) for n in names], **settings)


def verdicts(a: dict[str, Any], b: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    """By group and keys, the verdict and whether it is paired."""
    return {" ".join((d.group, *d.keys)): (d.verdict, d.interval is not None) for d in differences(a, b)}


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (run(0), run(0.02), ("better", True)),  # each photo gains a little, far less than photos differ
        (run(0.02), run(0), ("worse", True)),
        (run(0), run(0, wiggle=0.05), ("chance", True)),  # some gain, some lose
        (run(0), run(0, names="hgfedcba"), ("chance", True)),  # the same photos in another order
        (run(0), run(0.02, details=False), ("chance", False)),  # not paired: lost in the spread of photos
        (run(0, details=False), run(0.5, details=False), ("better", False)),
        (run(0), run(0.02, names="abcdefgx"), ("chance", False)),  # other photos: no pairs
    ],
)
def test_beyond_chance(a: dict[str, Any], b: dict[str, Any], expected: tuple[str, bool]) -> None:
    found = verdicts(a, b)
    assert found["cells box all"] == found["all box small"] == expected
    assert "cells box large" not in found  # there is none


def test_differences_are_of_b_less_a() -> None:
    (found,) = [d for d in differences(run(0), run(0.02)) if (d.group, d.keys) == ("cells", ("box", "all"))]
    assert found.difference == pytest.approx(0.02, abs=1e-4)
    assert found.interval == pytest.approx((0.02, 0.02), abs=1e-6)  # each photo gains the same


def test_the_interval_of_a_pair() -> None:
    """Two photos gain .1 and .3: drawn anew, the mean gain is anything between."""
    ones = np.ones(2)
    assert paired_interval((np.array([0.5, 0.1]), ones), (np.array([0.6, 0.4]), ones)) == pytest.approx((0.1, 0.3))


def test_figures_without_an_interval_have_no_verdict() -> None:
    a, b = (copy.deepcopy(run(0)) for _ in range(2))
    a["groups"]["cells"]["ap"], b["groups"]["cells"]["ap"] = {"AP": {"value": 0.3}}, {"AP": {"value": 0.4}}
    for each in (a, b):
        each["rank_correlation_with_iou"] = {"class_score": 0.3, "score": None, "candidates": 9}
        each["edges"] = {"ods": {"value": 0.5, "low": 0.4, "high": 0.6}}
    found = verdicts(a, b)
    assert found["cells ap AP"] == found[" rank correlation class_score"] == ("unknown", False)
    assert found[" edges ods"] == ("chance", False)
    assert " rank correlation score" not in found
    assert ["cells ap AP", "0.300", "0.400", "+0.100", "", "no interval"] in by_figure(differences(a, b)).rows


def test_what_was_not_done_alike_is_said() -> None:
    a = run(0, image_size=640, weights_sha256="1")
    b = run(0, image_size=1024, weights_sha256="2", names="abc", boxes="truth")
    b["groups"]["coco"] = b["groups"]["all"]
    assert notes(a, b) == [
        "image_size: 640 in A, 1024 in B.",
        "boxes: unsaid in A, truth in B.",
        "Only B has photos of coco.",
        *(
            f"{group}: photos 8 in A and 3 in B, objects 8 in A and 3 in B, "
            "objects asked about 8 in A and 3 in B; not the same objects."
            for group in ("cells", "all")
        ),
    ]
    assert notes(a, a) == ["Both runs are of the same weights."]


def test_the_published_document_is_compared_with_itself() -> None:
    found = differences(EVALUATION, EVALUATION)
    assert len(found) > 200
    assert {(each.difference, each.verdict) for each in found if "low" in each.a} == {(0.0, "chance")}
    text = comparison_report(EVALUATION, EVALUATION, found, ("a.json", "b.json"))
    assert all(f"\n## {group}\n" in text for group in EVALUATION["groups"])
    assert text.count("\n| ") >= len(found)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"groups": {}}', '{"groups": {"all": {"photos": 1}}}'])
def test_other_files_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(SettingsError, match=r"x\.json: expected what `anymask evaluate --to FILE`"):
        read(tmp_path / "x.json")
    with pytest.raises(SettingsError, match=r"none\.json"):
        read(tmp_path / "none.json")
