"""A FastSAM checkpoint as an ONNX graph, without torch: its batch norms are folded, its arithmetic is float32.

The inputs and outputs are those of `anymask.runtimes.onnx_runtime`. The layers are those of the published table, as in
`anymask.fastsam.yolov8_seg`, and values have the names of their tensors.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymask.fastsam.archive import Array
from anymask.fastsam.onnx_file import Graph
from anymask.fastsam.yolov8_seg import BACKBONE, HEAD
from anymask.network.config import NetworkConfig
from anymask.runtimes.base import BOX, INPUT, OUTPUTS

BATCH_NORM_EPS = 1e-3  # of the published training; no checkpoint holds it
CELLS = (8, 16, 32)  # network pixels per cell of the three levels


def to_graph(weights: Mapping[str, Array], config: NetworkConfig) -> Graph:
    """The graph of a network.

    weights: by their published names. config: of their network. Both as `anymask.fastsam.checkpoint.read_checkpoint`
        gives them.

    Raises ValueError for batch norms that no training leaves behind, such as one with a negative variance.
    """
    builder = _Builder(weights, config)
    builder.build()
    return builder.graph


class _Builder:
    def __init__(self, weights: Mapping[str, Array], config: NetworkConfig) -> None:
        self.weights, self.config = weights, config
        self.graph = Graph(f"yolov8{config.size}-seg")
        self.flat = self.graph.constant(np.array([0, 0, -1]))  # (B, C, h, w) -> (B, C, h * w)

    def build(self) -> None:
        values: list[str] = [self.graph.input(INPUT, ["batch", 3, "height", "width"])]  # then one for each layer
        for index, (source, repeats, kind, arguments) in enumerate(BACKBONE + HEAD):
            sources = source if isinstance(source, list) else [source]
            # -1 is the layer before, others count from layer 0, which comes behind the picture
            inputs = [values[each] if each < 0 else values[each + 1] for each in sources]
            values.append(self.layer(f"model.{index}", kind, repeats, arguments, inputs))
        rows = BOX + self.config.classes + self.config.coefficients
        self.graph.output(OUTPUTS[0], ["batch", rows, "anchors"])
        self.graph.output(OUTPUTS[1], ["batch", self.config.coefficients, "rows", "columns"])

    def layer(self, name: str, kind: str, repeats: int, arguments: list[Any], inputs: list[str]) -> str:
        """A row of the table over its inputs."""
        match kind:
            case "Conv":
                return self.conv(inputs[0], name, stride=arguments[2])
            case "C2f":
                return self.c2f(inputs[0], name, self.config.repeats(repeats), shortcut=len(arguments) > 1)
            case "SPPF":
                return self.sppf(inputs[0], name)
            case "Concat":
                return self.graph.node("Concat", *inputs, axis=1)
            case "Segment":
                return self.segment(inputs, name)
        scales = self.graph.constant(np.array([1, 1, 2, 2], np.float32))
        how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self.graph.node("Resize", inputs[0], "", scales, **how)

    def conv(self, x: str, name: str, stride: int = 1) -> str:
        """Convolution with its batch norm folded in, then SiLU."""
        weight, bias = self.folded(name)
        x = self.convolution(x, name, weight, bias, stride)
        return self.graph.node("Mul", x, self.graph.node("Sigmoid", x))

    def convolution(
        self, x: str, name: str, weight: NDArray[np.float32], bias: NDArray[np.float32], stride: int = 1
    ) -> str:
        kernel = weight.shape[2]
        tensors = self.graph.constant(weight, f"{name}.weight"), self.graph.constant(bias, f"{name}.bias")
        shape = {"kernel_shape": [kernel, kernel], "strides": [stride, stride], "pads": [kernel // 2] * 4}
        return self.graph.node("Conv", x, *tensors, name=name, **shape)

    def folded(self, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The weight and bias of a convolution that does what it and its batch norm do."""
        norm = {part: self.weights[f"{name}.bn.{part}"].astype(np.float64) for part in NORM}
        if norm["running_var"].min() < 0:
            raise ValueError(f"a batch norm {name}.bn whose variance is negative")
        with np.errstate(over="ignore", invalid="ignore"):
            scale = norm["weight"] / np.sqrt(norm["running_var"] + BATCH_NORM_EPS)
            weight = self.weights[f"{name}.conv.weight"].astype(np.float64) * scale[:, None, None, None]
            bias = norm["bias"] - norm["running_mean"] * scale
            folded = weight.astype(np.float32), bias.astype(np.float32)
        if not all(np.isfinite(values).all() for values in folded):
            raise ValueError(f"a batch norm {name}.bn that float32 cannot hold")
        return folded

    def c2f(self, x: str, name: str, repeats: int, *, shortcut: bool) -> str:
        parts = self.graph.split(self.conv(x, f"{name}.cv1"), 2, axis=1)
        for number in range(repeats):
            inner = self.conv(self.conv(parts[-1], f"{name}.m.{number}.cv1"), f"{name}.m.{number}.cv2")
            parts.append(self.graph.node("Add", parts[-1], inner) if shortcut else inner)
        return self.conv(self.graph.node("Concat", *parts, axis=1), f"{name}.cv2")

    def sppf(self, x: str, name: str) -> str:
        pools = [self.conv(x, f"{name}.cv1")]
        for _ in range(3):
            pools.append(self.graph.node("MaxPool", pools[-1], kernel_shape=[5, 5], strides=[1, 1], pads=[2] * 4))
        return self.conv(self.graph.node("Concat", *pools, axis=1), f"{name}.cv2")

    def branch(self, x: str, name: str) -> str:
        """Two convolutions with batch norms and one without: a branch of the head on one level."""
        x = self.conv(self.conv(x, f"{name}.0"), f"{name}.1")
        weight, bias = (self.weights[f"{name}.2.{part}"].astype(np.float32) for part in ("weight", "bias"))
        return self.convolution(x, f"{name}.2", weight, bias)

    def segment(self, levels: list[str], name: str) -> str:
        """The head: (B, 4 + C + K, A) predictions and (B, K, H / 4, W / 4) prototypes."""
        predictions = []
        for level, (x, cell) in enumerate(zip(levels, CELLS, strict=True)):
            scores = self.graph.node("Sigmoid", self.branch(x, f"{name}.cv3.{level}"))
            coefficients = self.branch(x, f"{name}.cv4.{level}")
            flat = [self.graph.node("Reshape", values, self.flat) for values in (scores, coefficients)]
            boxes = self.boxes(self.branch(x, f"{name}.cv2.{level}"), cell)
            predictions.append(self.graph.node("Concat", boxes, *flat, axis=1))
        self.prototypes(levels[0], f"{name}.proto")
        return self.graph.node("Concat", *predictions, name=OUTPUTS[0], axis=2)

    def prototypes(self, x: str, name: str) -> None:
        tensors = [f"{name}.upsample.{part}" for part in ("weight", "bias")]
        up = [self.graph.constant(self.weights[tensor].astype(np.float32), tensor) for tensor in tensors]
        x = self.graph.node("ConvTranspose", self.conv(x, f"{name}.cv1"), *up, kernel_shape=[2, 2], strides=[2, 2])
        weight, bias = self.folded(f"{name}.cv3")
        x = self.convolution(self.conv(x, f"{name}.cv2"), f"{name}.cv3", weight, bias)
        self.graph.node("Mul", x, self.graph.node("Sigmoid", x), name=OUTPUTS[1])

    def boxes(self, bins: str, cell: int) -> str:
        """(B, 4 * reg_max, h, w) distributions of distances -> (B, 4, h * w) cx, cy, w, h in network pixels."""
        graph, reg_max = self.graph, self.config.reg_max
        sides = graph.constant(np.array([0, BOX, reg_max, -1]))
        apart = graph.node("Transpose", graph.node("Reshape", bins, sides), perm=[0, 1, 3, 2])  # (B, 4, h * w, R)
        numbers = graph.constant(np.arange(reg_max, dtype=np.float32)[:, None])
        expected = graph.node("MatMul", graph.node("Softmax", apart, axis=-1), numbers)  # (B, 4, h * w, 1)
        distances = graph.node("Reshape", expected, self.flat)
        before, after = graph.split(distances, 2, axis=1)  # left and top, right and bottom
        shift = graph.node("Mul", graph.node("Sub", after, before), self.number(0.5))
        centre = graph.node("Add", graph.node("Add", shift, self.centres(bins)), self.number(0.5))
        boxes = graph.node("Concat", centre, graph.node("Add", before, after), axis=1)
        return graph.node("Mul", boxes, self.number(cell))

    def centres(self, x: str) -> str:
        """(2, h * w) column and row of every cell of a (B, C, h, w) map, in cells, row by row."""
        graph = self.graph
        shape = graph.node("Shape", x, start=2)
        first, step = graph.constant(np.array(0)), graph.constant(np.array(1))
        height, width = (graph.node("Gather", shape, each) for each in (first, step))
        rows, columns = (graph.node("Range", first, side, step) for side in (height, width))
        down = graph.node("Unsqueeze", rows, graph.constant(np.array([1])))  # (h, 1)
        grids = [graph.node("Expand", line, shape) for line in (columns, down)]
        line = graph.constant(np.array([1, -1]))
        both = graph.node("Concat", *(graph.node("Reshape", grid, line) for grid in grids), axis=0)
        return graph.node("Cast", both, to=1)

    def number(self, value: float) -> str:
        return self.graph.constant(np.array(value, np.float32))


NORM = ("weight", "bias", "running_mean", "running_var")
