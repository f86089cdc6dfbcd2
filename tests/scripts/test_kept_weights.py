"""The scripts that keep trained weights in little room, and put them into a larger network."""

from pathlib import Path

import numpy as np
import pytest

from anymask.fastsam.archive import Array
from anymask.fastsam.checkpoint import our_weights, variant_of, write_weights
from anymask.network.config import NetworkConfig
from anymask.runtimes.base import RawOutput
from anymask.segment import Segmenter
from scripts.coarse_weights import LEVELS, pack, unpack
from scripts.widen_checkpoint import widen
from tests.published_weights import CONFIG, random_weights

ROOT = Path(__file__).parent.parent.parent


def test_rounded_weights_come_back_as_the_same_network() -> None:
    weights = random_weights(CONFIG)
    back = unpack(pack(weights))
    assert variant_of(back, Path("back")) == CONFIG
    for name, value in weights.items():
        exact, found = value.astype(np.float64), back[name].astype(np.float64)
        if value.ndim < 2:
            np.testing.assert_array_equal(found, exact)
        else:  # half of a level, and what float16 rounds
            assert np.abs(found - exact).max() <= np.abs(exact).max() * (0.5 / LEVELS + 0.002)


def test_the_kept_network_is_an_n_of_26_bins() -> None:
    kept = ROOT / "data" / "fastsam_n.xz"
    assert kept.stat().st_size < 2.5e6
    assert variant_of(unpack(kept.read_bytes()), kept) == NetworkConfig("n", "yolo", reg_max=26, detail=False)


@pytest.mark.parametrize("size", ["n", "s"])
def test_a_larger_network_does_what_the_small_one_does(size: str, tmp_path: Path) -> None:
    weights = random_weights(CONFIG)
    large = NetworkConfig(size, "yolo", reg_max=9, coefficients=CONFIG.coefficients, detail=False)
    outputs = [
        output(tmp_path / "small.pt", CONFIG, weights),
        output(tmp_path / "large.pt", large, widen(weights, CONFIG, large, mix=0)),
        output(tmp_path / "mixed.pt", large, widen(weights, CONFIG, large, mix=0.1)),
    ]
    small, same, mixed = (np.concatenate([each.predictions.ravel(), each.prototypes.ravel()]) for each in outputs)
    np.testing.assert_allclose(same, small, atol=1e-5 * np.abs(small).max())
    assert np.abs(mixed - small).max() > 1e-4 * np.abs(small).max()


def output(path: Path, config: NetworkConfig, weights: dict[str, Array]) -> RawOutput:
    with path.open("wb") as stream:
        write_weights(stream, config, our_weights(weights))
    picture = np.random.default_rng(0).random((1, 3, 64, 96), np.float32)
    return Segmenter(path, threads=1).runtime.run(picture)
