"""YOLOv8-seg as a published checkpoint holds it: which modules, with which attributes and tensors.

From the published table of the architecture, and from what the pickle of such a checkpoint names. The tree is both what
a file is held against when it is read, and what is written.
"""

from collections.abc import Iterable, Mapping
from itertools import count
from math import prod
from typing import Any

from anymask.fastsam.pickles import GETATTR, ORDERED_DICT, SET, Call, Instance, Named, Storage, StoredTensor
from anymask.network.config import YOLO_SCALES, NetworkConfig

# One row a layer: from which layer, times repeated, module, arguments; widths are those of size l, before scaling
BACKBONE: list[list[Any]] = [
    [-1, 1, "Conv", [64, 3, 2]],
    [-1, 1, "Conv", [128, 3, 2]],
    [-1, 3, "C2f", [128, True]],
    [-1, 1, "Conv", [256, 3, 2]],
    [-1, 6, "C2f", [256, True]],
    [-1, 1, "Conv", [512, 3, 2]],
    [-1, 6, "C2f", [512, True]],
    [-1, 1, "Conv", [1024, 3, 2]],
    [-1, 3, "C2f", [1024, True]],
    [-1, 1, "SPPF", [1024, 5]],
]
HEAD: list[list[Any]] = [
    [-1, 1, "nn.Upsample", ["None", 2, "nearest"]],
    [[-1, 6], 1, "Concat", [1]],
    [-1, 3, "C2f", [512]],
    [-1, 1, "nn.Upsample", ["None", 2, "nearest"]],
    [[-1, 4], 1, "Concat", [1]],
    [-1, 3, "C2f", [256]],
    [-1, 1, "Conv", [256, 3, 2]],
    [[-1, 12], 1, "Concat", [1]],
    [-1, 3, "C2f", [512]],
    [-1, 1, "Conv", [512, 3, 2]],
    [[-1, 9], 1, "Concat", [1]],
    [-1, 3, "C2f", [1024]],
    [[15, 18, 21], 1, "Segment", ["nc", 32, 256]],
]
STRIDES = "strides"  # the key of the storage that holds those
NOTHING = "nothing"  # the key of an empty one

# Where torch keeps what is hung on a module; all empty
HOOKS = (
    *("_backward_pre_hooks", "_backward_hooks", "_forward_hooks", "_forward_hooks_with_kwargs"),
    *("_forward_hooks_always_called", "_forward_pre_hooks", "_forward_pre_hooks_with_kwargs", "_state_dict_hooks"),
    *("_state_dict_pre_hooks", "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks"),
)
KINDS = {
    **dict.fromkeys(("Conv", "Concat"), "ultralytics.nn.modules.conv"),
    **dict.fromkeys(("C2f", "Bottleneck", "SPPF", "DFL", "Proto"), "ultralytics.nn.modules.block"),
    "Segment": "ultralytics.nn.modules.head",
    "SegmentationModel": "ultralytics.nn.tasks",
    **dict.fromkeys(("Conv2d", "ConvTranspose2d"), "torch.nn.modules.conv"),
    **dict.fromkeys(("Sequential", "ModuleList"), "torch.nn.modules.container"),
    "BatchNorm2d": "torch.nn.modules.batchnorm",
    "SiLU": "torch.nn.modules.activation",
    "MaxPool2d": "torch.nn.modules.pooling",
    "Upsample": "torch.nn.modules.upsampling",
}


def module(
    kind: str,
    modules: Mapping[str, Instance] | Iterable[Instance] = (),
    parameters: Mapping[str, StoredTensor | None] | None = None,
    buffers: Mapping[str, StoredTensor] | None = None,
    **attributes: Any,
) -> Instance:
    """A torch module of the class ``kind``; modules without names are numbered, as in a list."""
    inside = modules if isinstance(modules, Mapping) else {str(number): each for number, each in enumerate(modules)}
    state = {
        "training": False,
        "_parameters": dict(parameters or {}),
        "_buffers": dict(buffers or {}),
        "_non_persistent_buffers_set": Call(SET, ([],)),
        "_is_full_backward_hook": None,
        **{name: Call(ORDERED_DICT) for name in HOOKS},
        "_modules": dict(inside),
        **attributes,
    }
    return Instance(Named(KINDS[kind], kind), state)


def published_model(config: NetworkConfig) -> Instance:
    """The module tree of the network ``config``, whose trunk must be "yolo".

    Its tensors' storages are numbered in the order of the tensors' names; two more, `STRIDES` and `NOTHING`, hold what
    the head has beside its weights.
    """
    return _Builder(config).model()


class _Builder:
    def __init__(self, config: NetworkConfig) -> None:
        self.config = config
        self.keys = count()

    def tensor(self, *shape: int, kind: str = "HalfStorage", trained: bool = True) -> StoredTensor:
        strides = tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))
        return StoredTensor(Storage(kind, str(next(self.keys)), prod(shape)), 0, shape, strides, trained)

    def conv2d(self, c_in: int, c_out: int, kernel: int, stride: int = 1, *, bias: bool = False) -> Instance:
        parameters = {"weight": self.tensor(c_out, c_in, kernel, kernel), "bias": self.tensor(c_out) if bias else None}
        return self.convolution("Conv2d", parameters, c_in, c_out, kernel, stride, kernel // 2)

    def convolution(
        self, kind: str, parameters: dict[str, StoredTensor | None], c_in: int, c_out: int, k: int, s: int, p: int
    ) -> Instance:
        return module(
            kind,
            parameters=parameters,
            in_channels=c_in,
            out_channels=c_out,
            kernel_size=(k, k),
            stride=(s, s),
            padding=(p, p),
            dilation=(1, 1),
            transposed=kind == "ConvTranspose2d",
            output_padding=(0, 0),
            groups=1,
            padding_mode="zeros",
            _reversed_padding_repeated_twice=[p, p, p, p],
        )

    def batch_norm(self, channels: int) -> Instance:
        parameters = {name: self.tensor(channels) for name in ("weight", "bias")}
        buffers = {name: self.tensor(channels, trained=False) for name in ("running_mean", "running_var")}
        buffers["num_batches_tracked"] = self.tensor(kind="LongStorage", trained=False)
        return module(
            "BatchNorm2d",
            parameters=parameters,
            buffers=buffers,
            num_features=channels,
            eps=1e-3,
            momentum=0.03,
            affine=True,
            track_running_stats=True,
        )

    def conv(self, c_in: int, c_out: int, kernel: int = 1, stride: int = 1) -> Instance:
        conv, bn = self.conv2d(c_in, c_out, kernel, stride), self.batch_norm(c_out)
        return module("Conv", {"conv": conv, "bn": bn, "act": module("SiLU", inplace=True)})

    def c2f(self, c_in: int, c_out: int, repeats: int, shortcut: bool) -> Instance:
        half = c_out // 2
        cv1, cv2 = self.conv(c_in, 2 * half), self.conv((2 + repeats) * half, c_out)
        blocks = [
            module("Bottleneck", {"cv1": self.conv(half, half, 3), "cv2": self.conv(half, half, 3)}, add=shortcut)
            for _ in range(repeats)
        ]
        return module("C2f", {"cv1": cv1, "cv2": cv2, "m": module("ModuleList", blocks)}, c=half)

    def sppf(self, c_in: int, c_out: int) -> Instance:
        cv1, cv2 = self.conv(c_in, c_in // 2), self.conv(c_in // 2 * 4, c_out)
        pool = module(
            "MaxPool2d", kernel_size=5, stride=1, padding=2, dilation=1, return_indices=False, ceil_mode=False
        )
        return module("SPPF", {"cv1": cv1, "cv2": cv2, "m": pool}, n=3, add=False)

    def branches(self, channels: list[int], c_mid: int, c_out: int) -> Instance:
        levels = [
            module("Sequential", [self.conv(c, c_mid, 3), self.conv(c_mid, c_mid, 3), self.last(c_mid, c_out)])
            for c in channels
        ]
        return module("ModuleList", levels)

    def last(self, c_in: int, c_out: int) -> Instance:
        return self.conv2d(c_in, c_out, 1, bias=True)

    def proto(self, c_in: int, c_mid: int) -> Instance:
        cv1 = self.conv(c_in, c_mid, 3)
        weights = {"weight": self.tensor(c_mid, c_mid, 2, 2), "bias": self.tensor(c_mid)}
        upsample = self.convolution("ConvTranspose2d", {**weights}, c_mid, c_mid, 2, 2, 0)
        cv2, cv3 = self.conv(c_mid, c_mid, 3), self.conv(c_mid, self.config.coefficients)
        return module("Proto", {"cv1": cv1, "upsample": upsample, "cv2": cv2, "cv3": cv3})

    def segment(self, channels: list[int]) -> Instance:
        classes, reg_max, coefficients = self.config.classes, self.config.reg_max, self.config.coefficients
        quarter = channels[0] // 4
        protos = self.config.width(256)
        boxes = self.branches(channels, max(16, quarter, 4 * reg_max), 4 * reg_max)
        scores = self.branches(channels, max(channels[0], classes), classes)
        dfl = module("DFL", {"conv": self.conv2d(reg_max, 1, 1)}, c1=reg_max)
        proto = self.proto(channels[0], protos)
        masks = self.branches(channels, max(quarter, coefficients), coefficients)
        nothing = StoredTensor(Storage("HalfStorage", NOTHING, 0), 0, (0,), (1,))
        return module(
            "Segment",
            {"cv2": boxes, "cv3": scores, "dfl": dfl, "proto": proto, "cv4": masks},
            nc=classes,
            nl=3,
            reg_max=reg_max,
            no=classes + 4 * reg_max,
            nm=coefficients,
            npr=protos,
            inplace=True,
            stride=strides(),
            anchors=nothing,
            strides=nothing,
            detect=Call(GETATTR, (Named(KINDS["Segment"], "Detect"), "forward")),  # which 8.0 calls for the boxes
        )

    def layer(self, kind: str, repeats: int, arguments: list[Any], inputs: list[int]) -> tuple[Instance, int]:
        """A layer over inputs of some channels, and how many channels it has."""
        c_in = inputs[0]
        match kind:
            case "Conv":
                c_out = self.config.width(arguments[0])
                return self.conv(c_in, c_out, *arguments[1:]), c_out
            case "C2f":
                c_out = self.config.width(arguments[0])
                return self.c2f(c_in, c_out, self.config.repeats(repeats), len(arguments) > 1), c_out
            case "SPPF":
                c_out = self.config.width(arguments[0])
                return self.sppf(c_in, c_out), c_out
            case "Concat":
                return module("Concat", d=1), sum(inputs)
            case "Segment":
                return self.segment(inputs), 0
        upsample = module(
            "Upsample",
            name="Upsample",
            size=None,
            scale_factor=2.0,
            mode="nearest",
            align_corners=None,
            recompute_scale_factor=None,
        )
        return upsample, c_in

    def model(self) -> Instance:
        layers: list[Instance] = []
        widths: list[int] = []
        for index, (source, repeats, kind, arguments) in enumerate(BACKBONE + HEAD):
            sources = source if isinstance(source, list) else [source]
            inputs = [widths[each] if widths else 3 for each in sources]
            built, width = self.layer(kind, repeats, arguments, inputs)
            built.state |= {"i": index, "f": source, "type": str(built.kind)}
            layers.append(built)
            widths.append(width)
        return module(
            "SegmentationModel",
            {"model": module("Sequential", layers)},
            yaml=self.table(),
            save=[4, 6, 9, 12, 15, 18, 21],  # the layers that others than the next one read
            names={0: "object"} if self.config.classes == 1 else {n: str(n) for n in range(self.config.classes)},
            inplace=True,
            stride=strides(),
            args={},
            task="segment",
        )

    def table(self) -> dict[str, Any]:
        """The table of the architecture, from which programs build the network anew."""
        return {
            "nc": self.config.classes,
            "scales": {size: [round(depth, 2), width, most] for size, (depth, width, most) in YOLO_SCALES.items()},
            "backbone": BACKBONE,
            "head": HEAD,
            "scale": self.config.size,
            "yaml_file": f"yolov8{self.config.size}-seg.yaml",
            "ch": 3,
            "channels": 3,
        }


def strides() -> StoredTensor:
    """Network pixels per cell of the three levels."""
    return StoredTensor(Storage("FloatStorage", STRIDES, 3), 0, (3,), (1,))
