"""Put a trained network into a larger one, which finds the same: a stand-in for a large one that nobody trained.

    python scripts/widen_checkpoint.py WEIGHTS.pt --size x --bins 26 --to LARGER.pt [--mix .02]

Both files are in FastSAM's structure. The channels of the small network are the first ones of the large network's; its
other channels have random weights and compute, but none of the first ones reads them. With --mix the first ones do, by
random weights of that share of a usual size, so that every weight tells in the output, and what is found is a little
another. Further bins of the box distances are never likely.
"""

import argparse
import sys
from collections.abc import Mapping
from itertools import accumulate
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from anymask.fastsam.archive import Array  # noqa: E402
from anymask.fastsam.checkpoint import BINS, our_weights, read_weights, variant_of, write_weights  # noqa: E402
from anymask.fastsam.modules import named_tensors  # noqa: E402
from anymask.fastsam.yolov8_seg import BACKBONE, HEAD, published_model  # noqa: E402
from anymask.files import replace_file  # noqa: E402
from anymask.network.config import YOLO_SCALES, NetworkConfig  # noqa: E402

Places = NDArray[np.int64]  # of the small network's channels among the large network's
NEVER = -1e4  # the logit of a bin

LAYERS = BACKBONE + HEAD


def side_by_side(parts: list[tuple[int, int]]) -> Places:
    """Places of concatenated parts of (small, large) channels, each of which begins with the small one's."""
    starts = accumulate((large for _, large in parts), initial=0)
    return np.concatenate([np.arange(small) + start for (small, _), start in zip(parts, starts, strict=False)])


class Widening:
    """The places of the channels that each weight reads and writes."""

    def __init__(self, small: NetworkConfig, large: NetworkConfig) -> None:
        self.small, self.large = small, large
        self.outputs: list[list[tuple[int, int]]] = []  # of each layer: its parts' (small, large) channels
        for source, _, kind, arguments in LAYERS:
            sources = source if isinstance(source, list) else [source]
            if kind in ("Conv", "C2f", "SPPF"):
                self.outputs.append([(small.width(arguments[0]), large.width(arguments[0]))])
            else:  # what goes in comes out
                self.outputs.append([part for each in sources for part in self.outputs[each]])

    def inputs(self, layer: int) -> list[tuple[int, int]]:
        """Of a layer: the parts of what it reads."""
        return self.outputs[layer - 1] if layer else [(3, 3)]

    def places(self, name: str, weights: Mapping[str, Array]) -> tuple[Places, Places | None]:
        """Where the output channels of a weight go, and its input channels; None for a weight that has none."""
        _, number, *inner = name.split(".")
        layer, shape = int(number), weights[name].shape
        first = [np.arange(side) for side in shape[:2]]
        out, into = first[0], first[1] if len(shape) > 1 else None
        kind, arguments = LAYERS[layer][2:]
        if kind == "Conv":
            into = side_by_side(self.inputs(layer))
        elif kind == "C2f":
            half = self.small.width(arguments[0]) // 2, self.large.width(arguments[0]) // 2
            if inner[0] == "cv1":
                out, into = side_by_side([half, half]), side_by_side(self.inputs(layer))
            elif inner[0] == "cv2":
                into = side_by_side([half] * (shape[1] // half[0] if len(shape) > 1 else 1))
        elif kind == "SPPF":
            (narrow, wide), *_ = self.inputs(layer)
            into = side_by_side([(narrow // 2, wide // 2)] * 4) if inner[0] == "cv2" else np.arange(narrow)
        elif inner[0] == "cv2" and inner[2] == "2":
            out = side_by_side([(self.small.reg_max, self.large.reg_max)] * 4)
        return out, into if len(shape) > 1 else None


def widen(weights: Mapping[str, Array], small: NetworkConfig, large: NetworkConfig, mix: float) -> dict[str, Array]:
    """The weights of a network ``large`` that does what ``weights``, of a network ``small``, do."""
    rng = np.random.default_rng(0)
    widening = Widening(small, large)
    widened: dict[str, Array] = {}
    for name, tensor in named_tensors(published_model(large)).items():
        shape = tensor.shape
        if name == BINS:
            widened[name] = np.arange(large.reg_max, dtype=np.float16).reshape(shape)
            continue
        if name.endswith("num_batches_tracked"):
            widened[name] = np.array(1)
            continue
        usual = rng.standard_normal(shape, np.float32) / max(1, prod(shape[1:])) ** 0.5
        if len(shape) == 1:  # a new channel is neither scaled nor shifted
            usual = np.full(shape, float(name.endswith(("running_var", "bn.weight"))), np.float32)
        is_bins = name.startswith("model.22.cv2.") and name.split(".")[4] == "2"
        if is_bins:
            usual = np.zeros(shape, np.float32) if len(shape) > 1 else np.full(shape, NEVER, np.float32)
        if name in weights:
            out, into = widening.places(name, weights)
            if into is None:
                usual[out] = weights[name]
            elif name.endswith("upsample.weight"):  # the one whose first axis is what it reads
                usual[:, into] *= mix
                usual[np.ix_(out, into)] = weights[name]
            else:
                usual[out] *= mix
                usual[np.ix_(out, into)] = weights[name]
        widened[name] = usual.astype(np.float16)
    return widened


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--size", required=True, choices=tuple(YOLO_SCALES))
    parser.add_argument("--bins", type=int, default=26, metavar="N")
    parser.add_argument("--mix", type=float, default=0.0, metavar="SHARE")
    parser.add_argument("--to", type=Path, required=True, metavar="FILE")
    given = parser.parse_args()
    weights = read_weights(given.weights)
    small = variant_of(weights, given.weights)
    large = NetworkConfig(given.size, "yolo", small.classes, given.bins, small.coefficients, detail=False)
    if given.bins < small.reg_max or any(large.width(each) < small.width(each) for each in (64, 512, 1024)):
        parser.error(f"{given.weights}: is larger than that, of size {small.size} with {small.reg_max} bins")
    widened = our_weights(widen(weights, small, large, given.mix))
    replace_file(given.to, lambda stream: write_weights(stream, large, widened))


if __name__ == "__main__":
    main()
