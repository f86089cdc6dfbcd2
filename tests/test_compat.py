"""segment-anything's interface: its names and shapes, and that the answers are those of `Segmenter.select`."""

import inspect
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco

from anymask import (
    Box,
    ImageError,
    MaskSet,
    Point,
    PromptError,
    Segmenter,
    SettingsError,
    ShapeError,
    WeightsError,
    rle,
)
from anymask.compat import PredictorError, SamAutomaticMaskGenerator, SamPredictor, logits, sam_model_registry
from anymask.compat.modeling import Sam
from anymask.compat.quality import least_score, predicted_iou, stability
from anymask.compat.small_regions import regions
from anymask.compat.transforms import ResizeLongestSide

SIZE = 160  # network pixels: quick, and enough to find something
POINT = [(220.0, 150.0)]


@pytest.fixture(scope="module")
def model() -> Sam:
    return Sam(Segmenter(threads=1), image_size=SIZE)


@pytest.fixture(scope="module")
def photo(astronaut: Path) -> NDArray[np.uint8]:
    return np.asarray(Image.open(astronaut).convert("RGB").crop((0, 0, 500, 300)))


@pytest.fixture
def predictor(model: Sam, photo: NDArray[np.uint8]) -> SamPredictor:
    predictor = SamPredictor(model)
    predictor.set_image(photo)
    return predictor


def found(predictor: SamPredictor) -> MaskSet:
    assert predictor.found is not None
    return predictor.found


# Names, order and defaults of segment-anything 1.0
PREDICT = "point_coords=None point_labels=None box=None mask_input=None multimask_output=True return_logits=False"
GENERATOR = (
    "model points_per_side=32 points_per_batch=64 pred_iou_thresh=0.88 stability_score_thresh=0.95 "
    "stability_score_offset=1.0 box_nms_thresh=0.7 crop_n_layers=0 crop_nms_thresh=0.7 "
    "crop_overlap_ratio=0.3413333333333333 crop_n_points_downscale_factor=1 point_grids=None "
    "min_mask_region_area=0 output_mode=binary_mask"
)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (SamPredictor, "sam_model"),
        (SamPredictor.set_image, "self image image_format=RGB"),
        (SamPredictor.set_torch_image, "self transformed_image original_image_size"),
        (SamPredictor.predict, f"self {PREDICT}"),
        (
            SamPredictor.predict_torch,
            "self point_coords point_labels boxes=None mask_input=None multimask_output=True return_logits=False",
        ),
        (SamAutomaticMaskGenerator, GENERATOR),
        (SamAutomaticMaskGenerator.generate, "self image"),
        *((build, "checkpoint=None") for build in sam_model_registry.values()),
    ],
)
def test_arguments_are_those_of_segment_anything(function: Any, expected: str) -> None:
    arguments = inspect.signature(function).parameters.values()
    shown = [each.name if each.default is each.empty else f"{each.name}={each.default}" for each in arguments]
    assert " ".join(shown) == expected


def test_models_go_by_the_names_of_sam(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    assert set(sam_model_registry) == {"default", "vit_h", "vit_l", "vit_b"}
    model = sam_model_registry["vit_b"]()
    assert model.to(device="cuda") is model.to("cpu") is model.eval() is model
    assert model.image_encoder.img_size == 1024 and model.mask_threshold == 0.0
    assert caplog.records == []
    with caplog.at_level(logging.WARNING):  # weights of SAM need not even exist
        other = sam_model_registry["vit_h"](checkpoint=tmp_path / "sam_vit_h_4b8939.pth")
    assert other.segmenter.weights_hash() == model.segmenter.weights_hash()
    assert "weights of SAM are not read" in caplog.text
    with pytest.raises(WeightsError, match=r"missing\.onnx"):
        sam_model_registry["default"](checkpoint="missing.onnx")


def test_set_image_and_reset_image(model: Sam, photo: NDArray[np.uint8]) -> None:
    assert not SamPredictor(model).is_image_set
    predictor = SamPredictor(model)
    predictor.set_image(photo)
    assert predictor.is_image_set
    assert predictor.original_size == (300, 500)
    assert predictor.input_size == (614, 1024)
    masks = found(predictor)
    predictor.set_image(np.ascontiguousarray(photo[..., ::-1]), image_format="BGR")
    assert predictor.found == masks
    predictor.reset_image()
    assert [predictor.is_image_set, predictor.original_size, predictor.found] == [False, None, None]
    with pytest.raises(RuntimeError, match="set_image"):  # what SAM raises
        predictor.predict(np.array(POINT), np.array([1]))
    with pytest.raises(SettingsError, match="image_format must be RGB or BGR, but got 'HSV'"):
        predictor.set_image(photo, "HSV")
    with pytest.raises(ImageError):
        predictor.set_image(np.zeros((4, 4, 4), np.uint8))


def test_a_segmenter_is_a_model_too(photo: NDArray[np.uint8]) -> None:
    segmenter, small = Segmenter(threads=1), photo[:90, :150]
    predictor = SamPredictor(segmenter)
    predictor.set_image(small)
    assert predictor.found == segmenter(small)


@pytest.mark.parametrize(("multimask", "count"), [(True, 3), (False, 1)])
@pytest.mark.parametrize(
    "prompt",
    [
        {"point_coords": np.array(POINT), "point_labels": np.array([1])},
        {"point_coords": np.array([(220, 150), (5, 5)]), "point_labels": np.array([1, 0])},
        {"box": np.array([150, 60, 300, 260])},
        {"box": np.array([[150, 60, 300, 260]])},
        {"point_coords": np.array(POINT), "point_labels": np.array([1]), "box": np.array([150, 60, 300, 260])},
        {"mask_input": np.pad(np.full((1, 60, 60), 3.0), ((0, 0), (40, 156), (60, 136)), constant_values=-3)},
    ],
)
def test_shapes_of_an_answer(predictor: SamPredictor, prompt: dict[str, Any], multimask: bool, count: int) -> None:
    masks, scores, low = predictor.predict(**prompt, multimask_output=multimask)
    assert (masks.shape, scores.shape, low.shape) == ((count, 300, 500), (count,), (count, 256, 256))
    assert [each.dtype.name for each in (masks, scores, low)] == ["bool", "float32", "float32"]
    assert masks.any(axis=(1, 2)).all() and (scores > 0).all() and (scores <= 1).all()
    full, same, _ = predictor.predict(**prompt, multimask_output=multimask, return_logits=True)
    assert full.dtype == np.float32 and np.array_equal(full > predictor.model.mask_threshold, masks)
    assert np.array_equal(same, scores)


def test_a_click_gets_the_first_three_candidates(predictor: SamPredictor) -> None:
    picked = predictor.model.segmenter.select(found(predictor), Point(POINT))
    masks, scores, _ = predictor.predict(np.array(POINT), np.array([1]))
    assert np.array_equal(masks, picked[:3].masks)
    assert np.array_equal(scores, np.minimum.accumulate(picked.scores[:3]))
    (mask,), (score,), _ = predictor.predict(np.array(POINT), np.array([1]), multimask_output=False)
    assert score == scores.max() and np.array_equal(mask, masks[scores.argmax()])


def test_several_positives_are_one_object(predictor: SamPredictor) -> None:
    points = [(220.0, 150.0), (230.0, 170.0)]
    picked = predictor.model.segmenter.select(found(predictor), Point(points))
    assert len(picked) > 0
    masks, _, _ = predictor.predict(np.array(points), np.array([1, 1]))
    assert np.array_equal(masks[0], picked.mask(0))


def test_the_best_answer_to_a_box_scores_best(predictor: SamPredictor) -> None:
    for box in [(150, 60, 300, 260), (0, 0, 500, 300), (400, 20, 480, 120)]:
        picked = predictor.model.segmenter.select(found(predictor), Box(box))
        masks, scores, _ = predictor.predict(box=np.array(box))
        assert np.array_equal(masks, picked[:3].masks)
        assert (np.diff(scores) <= 0).all()


@pytest.mark.parametrize("label", [1, 0])
def test_points_with_a_box_leave_out_masks(predictor: SamPredictor, label: int) -> None:
    masks = found(predictor)
    hit = np.array([mask[150, 220] for mask in masks.masks])
    assert 0 < hit.sum() < len(masks)
    picked = predictor.model.segmenter.select(masks[hit == label], Box((150, 60, 300, 260)))
    answer, _, _ = predictor.predict(np.array(POINT), np.array([label]), box=np.array([150, 60, 300, 260]))
    assert np.array_equal(answer, picked[:3].masks)


def test_a_former_answer_is_found_again(predictor: SamPredictor) -> None:
    point, label = np.array(POINT), np.array([1])
    masks, _, low = predictor.predict(point, label)
    assert len(np.unique(masks.sum(axis=(1, 2)))) == 3
    for mask, former in zip(masks, low, strict=True):
        (again,), _, _ = predictor.predict(point, label, mask_input=former[None], multimask_output=False)
        assert np.array_equal(again, mask)
    with pytest.raises(ShapeError, match=r"mask_input must have shape \(1, 256, 256\)"):
        predictor.predict(mask_input=masks[:1])


def test_few_masks_are_repeated(predictor: SamPredictor) -> None:
    predictor.found = found(predictor)[:0]  # what the detector missed is drawn all the same
    for prompt in ({"box": [150, 60, 300, 260]}, {"point_coords": POINT, "point_labels": [1]}):
        for multimask, count in ((True, 3), (False, 1)):
            answer, scores, _ = predictor.predict(**prompt, multimask_output=multimask)
            assert answer.shape == (count, 300, 500) and answer.any(axis=(1, 2)).all()
            assert (scores > 0).all() and (np.diff(scores) <= 0).all()


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ({}, "expected points, a box or a mask_input, got none"),
        ({"point_coords": POINT}, "point_labels: expected one label for each point"),
        ({"point_coords": POINT, "point_labels": [1, 1]}, r"\(N, 2\) with \(N,\) labels, got \(1, 2\) with \(2,\)"),
        ({"point_coords": POINT, "point_labels": [0]}, "at least one point inside"),
        ({"point_coords": POINT, "point_labels": [2], "box": [0, 0, 9, 9]}, "labels: expected"),
        ({"point_coords": [(500, 0)], "point_labels": [1]}, "outside the picture"),
        ({"box": [1, 2, 3]}, "expected 4 numbers x1, y1, x2, y2, got 3"),
        ({"box": [9, 9, 9, 20]}, "x1 < x2"),
    ],
)
def test_prompts_that_make_no_sense(predictor: SamPredictor, prompt: dict[str, Any], said: str) -> None:
    with pytest.raises(PromptError, match=said):
        predictor.predict(**prompt)


def test_padding_points_are_passed_over(predictor: SamPredictor) -> None:
    alone = predictor.predict(np.array(POINT), np.array([1]))
    padded = predictor.predict(np.array([*POINT, (0, 0)]), np.array([1, -1]))
    assert all(np.array_equal(a, b) for a, b in zip(alone, padded, strict=True))


def test_what_sam_has_and_anymask_has_not_says_why(predictor: SamPredictor) -> None:
    with pytest.raises(PredictorError, match="keeps masks and no embedding"):
        predictor.get_image_embedding()
    with pytest.raises(PredictorError, match="give the picture to set_image"):
        predictor.set_torch_image(np.zeros((1, 3, 614, 1024)), (300, 500))


def test_tensors_in_the_input_frame(predictor: SamPredictor) -> None:
    torch = pytest.importorskip("torch")
    assert predictor.device == torch.device("cpu")
    boxes = [[150.0, 60.0, 300.0, 260.0], [0.0, 0.0, 500.0, 300.0]]
    framed = predictor.transform.apply_boxes_torch(torch.tensor(boxes, device=predictor.device), (300, 500))
    masks, scores, low = predictor.predict_torch(None, None, boxes=framed, multimask_output=False)
    assert (masks.shape, masks.dtype) == ((2, 1, 300, 500), torch.bool)
    assert (scores.shape, scores.dtype) == ((2, 1), torch.float32)
    assert (low.shape, low.dtype) == ((2, 1, 256, 256), torch.float32)
    for box, mask in zip(boxes, masks, strict=True):
        assert np.array_equal(mask, predictor.predict(box=np.array(box), multimask_output=False)[0])
    points = predictor.transform.apply_coords_torch(torch.tensor([POINT, POINT]), (300, 500))
    masks, _, low = predictor.predict_torch(points, torch.ones(2, 1, dtype=torch.int), return_logits=True)
    assert masks.shape == (2, 3, 300, 500) and masks.dtype == torch.float32
    assert np.array_equal(masks[1] > 0, predictor.predict(np.array(POINT), np.array([1]))[0])
    again, _, _ = predictor.predict_torch(None, None, mask_input=low[:, :1], multimask_output=False)
    assert again.shape == (2, 1, 300, 500)
    with pytest.raises(PromptError, match="expected tensors of PyTorch"):
        predictor.predict_torch(None, None, boxes=np.array(boxes))


@given(st.integers(1, 3000), st.integers(1, 3000), st.floats(0, 1), st.floats(0, 1))
def test_the_input_frame_and_back(height: int, width: int, x: float, y: float) -> None:
    transform, point = ResizeLongestSide(1024), np.array([x * width, y * height])
    framed = transform.apply_coords(point, (height, width))
    assert (framed <= 1024 + 1e-6).all()
    np.testing.assert_allclose(transform.revert_coords(framed, (height, width)), point, atol=1e-6)


@pytest.mark.parametrize("shape", [(300, 500), (500, 300), (40, 90), (1, 700), (256, 256)])
def test_logits_hold_the_mask(shape: tuple[int, int]) -> None:
    mask = np.zeros(shape, np.bool_)
    mask[: -(-shape[0] // 2), : shape[1] // 2] = True
    low = logits.from_mask(mask)
    assert low.shape == (256, 256) and low.min() == -10 and low.max() == 10
    back = rle.decode(logits.to_rle(low[None], shape), *shape)
    assert (back & mask).sum() / (back | mask).sum() > 0.97


@pytest.mark.parametrize("mode", ["binary_mask", "uncompressed_rle", "coco_rle"])
def test_records(model: Sam, photo: NDArray[np.uint8], mode: str) -> None:
    records = SamAutomaticMaskGenerator(model, output_mode=mode).generate(photo)
    expected = model.segmenter(photo, image_size=SIZE, score=0.05)
    assert len(records) == len(expected) > 2
    for record, mask, score in zip(records, expected.masks, expected.scores, strict=True):
        assert list(record) == [
            *("segmentation", "area", "bbox", "predicted_iou", "point_coords", "stability_score", "crop_box")
        ]
        drawn = record["segmentation"]
        if mode != "binary_mask":
            assert isinstance(drawn["counts"], str if mode == "coco_rle" else list)
            height, width = drawn["size"]
            if mode == "uncompressed_rle":
                drawn = coco.frPyObjects(drawn, height, width)
            drawn = rle.decode(drawn["counts"].encode() if mode == "coco_rle" else drawn["counts"], height, width)
        assert drawn.dtype == np.bool_ and np.array_equal(drawn, mask)
        assert record["area"] == mask.sum()
        assert record["bbox"] == coco.toBbox(coco.encode(np.asfortranarray(mask.astype(np.uint8)))).tolist()
        ((px, py),) = record["point_coords"]
        assert mask[int(py), int(px)]
        assert (
            record["predicted_iou"] == pytest.approx(float(predicted_iou(score))) and record["predicted_iou"] > 0.8799
        )
        assert (
            record["stability_score"] == pytest.approx(float(stability(score))) and record["stability_score"] > 0.9499
        )
        assert record["crop_box"] == [0, 0, 500, 300]


def test_thresholds_of_sam_keep_their_meaning() -> None:
    assert least_score(0.88, 0.95) == pytest.approx(0.05)  # SAM's defaults are our own
    assert least_score(0, 0) == 0 and least_score(1, 0) == least_score(0, 1) == 1
    assert least_score(0.86, 0.92) < 0.05 < least_score(0.92, 0.92)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_mask_that_is_kept_passes_both_thresholds(score: float, iou: float, stable: float) -> None:
    if score >= least_score(iou, stable):
        assert predicted_iou(np.array(score)) >= iou - 1e-6
        assert stability(np.array(score)) >= stable - 1e-6


def test_higher_thresholds_keep_fewer(model: Sam, photo: NDArray[np.uint8]) -> None:
    counts = [len(SamAutomaticMaskGenerator(model, pred_iou_thresh=t).generate(photo)) for t in (0.88, 0.92, 1.0)]
    assert counts[0] > counts[1] > counts[2] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"points_per_side": None}, "exactly one of points_per_side and point_grids"),
        ({"point_grids": [np.zeros((1, 2))]}, "exactly one of points_per_side and point_grids"),
        ({"output_mode": "polygon"}, "output_mode must be one of .* got 'polygon'"),
        ({"pred_iou_thresh": 1.1}, r"pred_iou_thresh must be in \[0, 1\], but got 1.1"),
        ({"stability_score_thresh": -0.1}, "stability_score_thresh must be"),
    ],
)
def test_arguments_out_of_range(model: Sam, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        SamAutomaticMaskGenerator(model, **arguments)


def test_crops_are_not_run_and_it_is_said(model: Sam, caplog: pytest.LogCaptureFixture) -> None:
    SamAutomaticMaskGenerator(model, crop_n_layers=1)
    assert "crop_n_layers has no effect" in caplog.text


def test_small_regions_of_records_are_removed(model: Sam, photo: NDArray[np.uint8]) -> None:
    records = SamAutomaticMaskGenerator(model, min_mask_region_area=200).generate(photo)
    assert len(records) > 2
    for record in records:
        _, sizes = regions(record["segmentation"])
        assert len(sizes) == 1 or sizes.min() >= 200


PROGRAM = """
import sys, anymask.compat
anymask.compat.replace_segment_anything()
anymask.compat.replace_segment_anything()  # twice does no harm
from segment_anything import SamAutomaticMaskGenerator, SamPredictor, build_sam, sam_model_registry
from segment_anything.automatic_mask_generator import SamAutomaticMaskGenerator as second
from segment_anything.build_sam import build_sam as third
from segment_anything.modeling import Sam
from segment_anything.predictor import SamPredictor as fourth
from segment_anything.utils.transforms import ResizeLongestSide
assert SamAutomaticMaskGenerator is second and build_sam is third and SamPredictor is fourth
assert SamPredictor is anymask.compat.SamPredictor and callable(build_sam)
assert not {"torch", "onnxruntime", "segment_anything.utils.amg"} & set(sys.modules)
"""


def test_a_program_may_import_segment_anything(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, check=True)
    (tmp_path / "segment_anything.py").write_text("")  # the real one, to be told from ours
    late = "import segment_anything, anymask.compat; anymask.compat.replace_segment_anything()"
    done = subprocess.run([sys.executable, "-c", late], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and "segment_anything is imported already" in done.stderr
