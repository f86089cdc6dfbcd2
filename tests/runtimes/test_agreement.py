"""Every runtime says the same about a photograph, in one thread and in eight."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from anymask import Box, MaskSet, Point, Segmenter
from anymask.errors import ShapeError
from anymask.image import load_image
from anymask.letterbox import Letterbox
from anymask.models import DEFAULT
from anymask.runtimes import RUNTIMES, OnnxRuntime, Runtime, open_runtime
from tests.published_weights import write_checkpoint
from tests.runtimes.conftest import WAYS

SIZE = 320
Way = tuple[str, Path]

# Float32 sums in another order, through a hundred layers. By how much each may differ from ONNX Runtime:
SCORES = 1e-4
BOXES = 0.05  # network pixels
OTHERS = 1e-4  # of the largest magnitude
IOU = 0.99  # of masks


@pytest.fixture(scope="module")
def photo(astronaut: Path) -> NDArray[np.uint8]:
    return load_image(astronaut)[:400, 30:]


@pytest.fixture(scope="module")
def batch(photo: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The photograph and its mirror image."""
    height, width, _ = photo.shape
    one = Letterbox.fit(height, width, SIZE)(photo)
    return np.concatenate([one, one[..., ::-1]])


@pytest.fixture(scope="module")
def onnx() -> Runtime:
    return OnnxRuntime(Segmenter(DEFAULT).weights, threads=1)


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(threads=1)


def close(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and bool(np.abs(a - b).max() < OTHERS * np.abs(a).max())


def test_every_runtime_is_tried_with_every_kind_of_file() -> None:
    assert {(name, suffix) for name, suffix, _ in WAYS.values()} == {
        (name, suffix) for name, each in RUNTIMES.items() for suffix in each.suffixes
    }


def test_outputs_and_features_agree(way: Way, onnx: Runtime, batch: NDArray[np.float32]) -> None:
    name, path = way
    runtime = open_runtime(path, 1, name)
    for pictures in (batch, batch[:1, :, :64, :96]):  # of any size and number
        expected, got = onnx.run(pictures), runtime.run(pictures)
        boxes, scores, others = np.split(np.abs(expected.predictions - got.predictions), [4, 5], axis=1)
        assert boxes.max() < BOXES
        assert scores.max() < SCORES
        assert others.max() < OTHERS * np.abs(expected.predictions[:, 5:]).max()
        assert close(expected.prototypes, got.prototypes)
        features = list(zip(onnx.features(pictures), runtime.features(pictures), strict=True))
        assert len(features) == 4 and all(close(a, b) for a, b in features)
        output, together = runtime.run_with_features(pictures)
        assert close(output.predictions, got.predictions) and close(output.prototypes, got.prototypes)
        assert all(close(a, b) for (a, _), b in zip(features, together, strict=True))
    assert {key: runtime.metadata.get(key) for key in onnx.metadata} == onnx.metadata


def test_masks_and_answers_agree(way: Way, segmenter: Segmenter, photo: NDArray[np.uint8]) -> None:
    name, path = way
    other = Segmenter(path, runtime=name, threads=1)
    assert other.score_rule == segmenter.score_rule
    prompts = [Point([(370, 380)]), Box((120, 40, 330, 300))]
    expected, got = (each(photo, image_size=SIZE, score=0.05) for each in (segmenter, other))
    assert len(expected) > 3
    same(expected, got)
    for refine in ("off", "auto"):
        answers = [each.select(found, prompts, refine=refine) for each, found in ((segmenter, expected), (other, got))]  # type: ignore[arg-type]
        same(*(answer[answer.rank == 0] for answer in answers))
    assert other.refiner.trunk is other.runtime  # the refiner read the features of the runtime itself


def same(expected: MaskSet, got: MaskSet) -> None:
    """The same masks in the same order, but for a few pixels."""
    assert len(expected) == len(got) > 1
    assert np.abs(expected.scores - got.scores).max() < 0.01
    both = (expected.masks & got.masks).sum((1, 2))
    either = (expected.masks | got.masks).sum((1, 2))
    assert (both / either).min() > IOU


# A quarter of a minute each: the fast tests have ONNX Runtime and OpenVINO with files of their own
LONG = {"torch", "openvino on onnx"}
IN_THREADS = [pytest.param(each, marks=pytest.mark.soak) if each in LONG else each for each in WAYS]


@pytest.mark.parametrize("way", IN_THREADS, indirect=True)
def test_eight_threads_find_what_one_finds(way: Way, photo: NDArray[np.uint8]) -> None:
    name, path = way
    segmenter = Segmenter(path, runtime=name, threads=1)

    def work(picture: NDArray[np.uint8]) -> list[object]:
        """Masks, a click that is drawn anew and one that chooses, and what the runtime itself gives."""
        height, width, _ = picture.shape
        batch = Letterbox.fit(height, width, 96)(picture)
        output, together = segmenter.runtime.run_with_features(batch)
        arrays = [*segmenter.runtime.features(batch), output.predictions, output.prototypes, *together]
        found = segmenter(picture, image_size=96, max_masks=20)
        prompt = Point([(width / 2, height / 2)])
        answers = [segmenter.select(found, prompt, refine="auto"), segmenter.select(found, prompt, refine="off")]
        return [found, *answers, *(each.tobytes() for each in arrays)]

    agree_in_threads(work, photo)


@pytest.mark.soak  # half a minute; the packaged weights do the same above
def test_eight_threads_find_what_one_finds_with_fastsam(tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    segmenter = Segmenter(write_checkpoint(tmp_path / "mine.pt"), threads=1)

    def work(picture: NDArray[np.uint8]) -> list[object]:
        height, width, _ = picture.shape
        found = segmenter(picture, image_size=96, max_masks=20)
        prompt = Point([(width / 2, height / 2)])
        return [found, segmenter.select(found, prompt), segmenter.select(found, prompt, refine="all")]

    agree_in_threads(work, photo)


def agree_in_threads(work: Callable[[NDArray[np.uint8]], list[object]], photo: NDArray[np.uint8]) -> None:
    """Eight threads over three pictures, each thrice, against one thread."""
    pictures = [np.roll(photo, 40 * shift, axis=1)[: 300 - 32 * shift] for shift in range(3)]
    serial = [work(picture) for picture in pictures]
    assert work(pictures[0]) == serial[0]  # the same input twice
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, pictures * 3)) == serial * 3
    assert all(one != other for one, other in combinations(serial, 2))  # they differ, so a mix-up would show


@pytest.mark.parametrize("shape", [(1, 3, 32, 33), (1, 3, 0, 32), (0, 3, 32, 32), (1, 1, 32, 32), (3, 32, 32)])
def test_other_batches_are_refused(way: Way, shape: tuple[int, ...]) -> None:
    name, path = way
    runtime = open_runtime(path, 1, name)
    for call in (runtime.run, runtime.features):
        with pytest.raises(ShapeError, match="batch"):
            call(np.zeros(shape, np.float32))
