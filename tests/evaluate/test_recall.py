"""Recall is what pycocotools says it is."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from anymask import rle
from anymask.boxes import iou, xyxy_to_xywh
from anymask.evaluate.recall import AREAS, THRESHOLDS, TOP, Recalled, match, of_size, recall_on_photo, recall_sums

SIDE = 128  # of the pictures: room for a large object
NONE = np.iinfo(np.int64).max

# (true masks, masks found with the best first, their scores), each mask as its run lengths
Photo = tuple[list[bytes], list[bytes], list[float]]


def rectangle(rng: np.random.Generator, longest: int) -> bytes:
    height, width = rng.integers(1, longest + 1, 2).tolist()
    y, x = int(rng.integers(0, SIDE - height + 1)), int(rng.integers(0, SIDE - width + 1))
    crop = rng.random((height, width)) < rng.choice([0.7, 1.0])
    crop[0, 0] = True
    return rle.encode_crop(crop, x, y, SIDE, SIDE)


def square(side: int, x: int = 0, y: int = 0) -> bytes:
    return rle.encode_crop(np.ones((side, side), np.bool_), x, y, SIDE, SIDE)


def shifted(rng: np.random.Generator, mask: bytes, reach: int) -> bytes:
    """A copy that is off by at most so many pixels, more often by fewer."""
    off = (rng.integers(-reach, reach + 1, 2) * rng.integers(0, 2, 2)).tolist()
    moved = np.roll(rle.decode(mask, SIDE, SIDE), off, axis=(0, 1))
    return rle.encode_crop(moved, 0, 0, SIDE, SIDE)


def photo(rng: np.random.Generator, objects: int, detections: int, longest: int, scores: list[float]) -> Photo:
    truth = [rectangle(rng, longest) for _ in range(objects)]
    found = [
        shifted(rng, truth[int(rng.integers(objects))], max(1, longest // 10))
        if objects and rng.random() < 0.8
        else rectangle(rng, longest)
        for _ in range(detections)
    ]
    return truth, found, sorted(rng.choice(scores, detections).tolist(), reverse=True)


def by_coco(photos: list[Photo], of: str) -> NDArray[np.float64]:
    """(areas, top) average recall of masks or boxes by pycocotools, -1 where there is no object."""
    truth: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    for image, (true_masks, masks, scores) in enumerate(photos, start=1):
        # of two categories, which must not count; one for each, since pycocotools orders equal scores by category
        for kind, rles, category in ((truth, true_masks, 2), (found, masks, 1)):
            corners = rle.boxes(rles, SIDE, SIDE)
            boxes = xyxy_to_xywh(corners).tolist()
            for index, (counts, area, box) in enumerate(zip(rles, rle.areas(rles).tolist(), boxes, strict=True)):
                annotation = {"id": len(kind) + 1, "image_id": image, "category_id": category, "iscrowd": 0}
                kind.append(
                    {**annotation, "area": area, "bbox": box, "segmentation": {"size": [SIDE, SIDE], "counts": counts}}
                )
                if kind is found:
                    kind[-1]["score"] = scores[index]
    evaluation = COCOeval(coco(truth, len(photos)), coco(found, len(photos)), of)
    evaluation.params.useCats = 0
    evaluation.params.maxDets = list(TOP)
    evaluation.evaluate()
    evaluation.accumulate()
    recall: NDArray[np.float64] = evaluation.eval["recall"]  # (T, 1, A, M)
    return np.asarray(recall[:, 0].mean(axis=0))


def coco(annotations: list[dict[str, Any]], images: int) -> COCO:
    made = COCO()
    made.dataset = {
        "images": [{"id": image, "height": SIDE, "width": SIDE} for image in range(1, images + 1)],
        "categories": [{"id": 1}, {"id": 2}],
        "annotations": annotations,
    }
    made.createIndex()
    return made


def average_recall(photos: list[Recalled]) -> NDArray[np.float64]:
    """(areas, top) quotient of the sums over photos, NaN where there is no object."""
    found, objects = (each.sum(axis=0) for each in recall_sums(photos))
    with np.errstate(invalid="ignore"):
        return np.asarray(found / objects[:, None])


def by_us(photos: list[Photo], of: str) -> NDArray[np.float64]:
    def overlap(found: list[bytes], truth: list[bytes]) -> NDArray[np.floating[Any]]:
        if of == "segm":
            return rle.iou(found, truth, SIDE, SIDE)
        return iou(*(rle.boxes(each, SIDE, SIDE).astype(np.float64) for each in (found, truth)))

    return average_recall([recall_on_photo(overlap(found, truth), rle.areas(truth)) for truth, found, _ in photos])


FINE, COARSE = np.linspace(0, 1, 1000).tolist(), [0.2, 0.5]  # hardly a tie, and mostly ties

CASES: dict[str, Callable[[np.random.Generator], list[Photo]]] = {
    "sparse": lambda rng: [photo(rng, 3, 5, 60, FINE) for _ in range(3)],
    "crowded": lambda rng: [photo(rng, 40, 30, 16, FINE)],
    "more than ten": lambda rng: [photo(rng, 8, 40, 40, FINE)],
    "more than a hundred": lambda rng: [photo(rng, 12, 130, 30, FINE)],
    "every size": lambda rng: [photo(rng, 12, 20, SIDE, FINE) for _ in range(2)],
    "equal scores": lambda rng: [photo(rng, 6, 15, 40, COARSE)],
    "one photo without objects, one without masks": lambda rng: [
        photo(rng, 0, 5, 40, FINE),
        photo(rng, 4, 0, 40, FINE),
        photo(rng, 4, 20, 40, FINE),
    ],
    "tiny": lambda rng: [photo(rng, 6, 12, 3, COARSE)],  # overlaps of 1/2, 2/3, ... tie and hit thresholds exactly
}


@pytest.mark.parametrize("of", ["segm", "bbox"])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("case", CASES)
def test_equal_to_pycocotools(case: str, seed: int, of: str) -> None:
    photos = CASES[case](np.random.default_rng(seed))
    expected = by_coco(photos, of)
    np.testing.assert_allclose(np.nan_to_num(by_us(photos, of), nan=-1), expected, rtol=0, atol=1e-6)
    assert (expected > 0).any()  # something was found


@pytest.mark.parametrize("of", ["segm", "bbox"])
@pytest.mark.parametrize(
    "photos",
    [
        [([square(32), square(96)], [square(32), square(96)], [0.9, 0.8])],  # areas on the border of two sizes
        [([square(40), square(40)], [square(40)] * 3, [0.5] * 3)],  # twice the same object
        [([square(40), square(40, x=1), square(40, x=2)], [square(40, x=1)] * 2, [0.5] * 2)],  # equal overlaps
        [([square(40)], [square(20), square(40, x=60), square(39), square(40)], [0.9, 0.8, 0.7, 0.6])],  # best last
        [([square(40), square(100)], [square(99), square(39)], [0.9, 0.1])],
        [([square(2)], [square(1)], [0.9]), ([square(8)], [], []), ([], [square(8)], [0.3])],
    ],
)
def test_equal_to_pycocotools_where_it_is_delicate(photos: list[Photo], of: str) -> None:
    np.testing.assert_allclose(np.nan_to_num(by_us(photos, of), nan=-1), by_coco(photos, of), rtol=0, atol=1e-6)


def test_no_objects_at_all_have_no_recall() -> None:
    assert np.isnan(by_us([([], [square(5)], [0.5])], "segm")).all()


@pytest.mark.parametrize(
    ("overlaps", "at_half", "at_most"),
    [
        ([[1.0]], [0], [0]),
        ([[0.5]], [0], [NONE]),  # exactly the threshold counts
        ([[0.49999]], [NONE], [NONE]),
        ([[0.95]], [0], [0]),
        ([[0.6], [0.97]], [0], [1]),  # the better score takes it, where it is good enough
        ([[0.6, 0.8]], [NONE, 0], [NONE, NONE]),  # one mask finds one object, the one that it fits best
        ([[0.8, 0.8]], [NONE, 0], [NONE, NONE]),  # of equal ones the last
        ([[0.6, 0.8], [0.0, 0.9]], [NONE, 0], [NONE, NONE]),  # greedy: the second mask is left over
        ([[0.6, 0.8], [0.7, 0.9]], [1, 0], [NONE, NONE]),  # or takes what is free
        ([[0.0, 0.0]], [NONE, NONE], [NONE, NONE]),
    ],
)
def test_matching_is_greedy_by_score(overlaps: list[list[float]], at_half: list[int], at_most: list[int]) -> None:
    rank = match(np.array(overlaps))
    assert rank.shape == (len(THRESHOLDS), len(overlaps[0]))
    assert (rank[0].tolist(), rank[-1].tolist()) == (at_half, at_most)


@pytest.mark.parametrize(("detections", "objects"), [(0, 0), (0, 3), (3, 0)])
def test_nothing_to_match(detections: int, objects: int) -> None:
    rank = match(np.zeros((detections, objects)))
    assert rank.shape == (len(THRESHOLDS), objects) and (rank == NONE).all()


@pytest.mark.parametrize(
    ("area", "sizes"),
    [
        (1, {"all", "small"}),
        (1023, {"all", "small"}),
        (1024, {"all", "small", "medium"}),  # 32 x 32 is both, as pycocotools has it
        (1025, {"all", "medium"}),
        (9216, {"all", "medium", "large"}),
        (9217, {"all", "large"}),
    ],
)
def test_sizes(area: int, sizes: set[str]) -> None:
    assert {size for size in AREAS if of_size(np.array([area]), size)[0]} == sizes


def test_counts_of_a_photo() -> None:
    # objects of 10 and of 5,000 pixels; eleven masks, of which the last finds the small one at every threshold
    overlaps = np.zeros((11, 2))
    overlaps[10, 0], overlaps[0, 1] = 1.0, 0.7
    recalled = recall_on_photo(overlaps, np.array([10, 5000]))
    assert recalled.objects.tolist() == [2, 1, 1, 0]
    assert recalled.found.shape == (len(AREAS), len(TOP), len(THRESHOLDS))
    by_threshold = [1] * 5 + [0] * 5  # .50 to .70
    assert recalled.found[0].tolist() == [by_threshold, [n + 1 for n in by_threshold], [n + 1 for n in by_threshold]]
    assert recalled.found[1].tolist() == [[0] * 10, [1] * 10, [1] * 10]
    assert recalled.found[2].tolist() == [by_threshold] * 3
    assert recalled.found[3].tolist() == [[0] * 10] * 3
    average = average_recall([recalled])
    assert average[:3] == pytest.approx(np.array([[0.25, 0.75, 0.75], [0, 1, 1], [0.5, 0.5, 0.5]]))
    assert np.isnan(average[3]).all()
