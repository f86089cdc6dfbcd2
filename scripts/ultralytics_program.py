"""What is run inside ultralytics, the program that compare_fastsam.py and write_ultralytics_checkpoint.py compare with.

    PYTHONPATH=FOLDER python scripts/ultralytics_program.py write WEIGHTS TO
    PYTHONPATH=FOLDER python scripts/ultralytics_program.py predict CHECKPOINT TO CONF IOU SIZE MAX_DET PHOTO...

FOLDER is where it was installed; both scripts set it, in this process alone. Only what its documentation and the format
of its checkpoints say is used: ultralytics is AGPL-3.0, and no source of this project. It goes nowhere on the net.
"""

import importlib
import os
import sys
import types
from collections.abc import Sequence
from functools import partial
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from anymask import rle  # noqa: E402
from anymask.fastsam.checkpoint import read_weights, variant_of  # noqa: E402
from anymask.nms import nms_boxes  # noqa: E402

TORCHVISION = "torchvision"


class Placeholder(types.ModuleType):
    """A module of torchvision, of which nothing is used: where a name is asked for, there is an empty class."""

    __version__ = "0.15.0"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return importlib.import_module(f"{self.__name__}.{name}") if name.islower() else type(name, (), {})


class PlaceholderFinder(MetaPathFinder, Loader):
    """Finds a `Placeholder` for torchvision and all in it."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(fullname, self, is_package=True) if fullname.partition(".")[0] == TORCHVISION else None

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        return Placeholder(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def greedy_nms(boxes: torch.Tensor, scores: torch.Tensor, iou: float) -> torch.Tensor:
    """`torchvision.ops.nms` by our own: (M,) indices of the (N, 4) boxes that are kept, best score first."""
    return torch.from_numpy(nms_boxes(boxes.numpy(), scores.numpy(), iou, len(boxes)))


def use_our_torchvision() -> None:
    """Replace torchvision where it is missing, or was built for another torch; its NMS alone is needed."""
    try:
        operators = importlib.import_module(f"{TORCHVISION}.ops")
        operators.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
    except (ImportError, RuntimeError):
        for name in [name for name in sys.modules if name.partition(".")[0] == TORCHVISION]:
            del sys.modules[name]
        sys.meta_path.insert(0, PlaceholderFinder())
        operators = importlib.import_module(f"{TORCHVISION}.ops")
        operators.nms = greedy_nms  # type: ignore[attr-defined]
        print("torchvision: does not work here, its NMS is replaced by ours", file=sys.stderr)


def write(weights: Path, to: Path) -> None:
    """The checkpoint that this ultralytics writes of our ``weights``, in its own classes and as float16."""
    ours = read_weights(weights)
    config = variant_of(ours, weights)
    tasks = importlib.import_module("ultralytics.nn.tasks")
    model = tasks.SegmentationModel(f"yolov8{config.size}-seg.yaml", nc=config.classes, verbose=False)
    widen_bins(model.model[-1], config.reg_max)
    model.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in ours.items()}, strict=True)
    model.names = dict.fromkeys(range(config.classes), "object")
    version = importlib.import_module("ultralytics").__version__
    arguments = {"task": "segment", "imgsz": 640}
    try:  # what a training run of 8.0 leaves on a model, by the name it had then
        simple_namespace = importlib.import_module("ultralytics.yolo.utils").IterableSimpleNamespace
    except ImportError:
        simple_namespace = importlib.import_module("ultralytics.utils").IterableSimpleNamespace
    model.args = simple_namespace(**arguments)
    content = {
        **dict.fromkeys(("best_fitness", "ema", "updates", "optimizer", "date")),
        "epoch": -1,
        "model": model.half().eval(),
        "train_args": arguments,
        "version": version,
    }
    torch.save(content, to)
    print(f"{to}: written by ultralytics {version}, size {config.size}, reg_max {config.reg_max}")


def widen_bins(head: Any, reg_max: int) -> None:
    """Give a head of 16 bins, which is all that a model's .yaml can ask for, ``reg_max`` of them."""
    if head.reg_max == reg_max:
        return
    Conv, DFL = type(head.cv2[0][0]), type(head.dfl)
    inputs = [branch[0].conv.in_channels for branch in head.cv2]
    width = max(16, inputs[0] // 4, 4 * reg_max)
    head.cv2 = torch.nn.ModuleList(
        torch.nn.Sequential(Conv(each, width, 3), Conv(width, width, 3), torch.nn.Conv2d(width, 4 * reg_max, 1))
        for each in inputs
    )
    for module in head.cv2.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps, module.momentum = 1e-3, 0.03
    head.dfl = DFL(reg_max)
    head.reg_max, head.no = reg_max, head.nc + 4 * reg_max


def predict(checkpoint: Path, to: Path, conf: float, iou: float, size: int, max_det: int, photos: list[str]) -> None:
    """Write what ultralytics' FastSAM finds as one .npz file.

    For photo i it holds boxes_i (N, 4) float32 xyxy in source pixels, scores_i (N,) float32, masks_i (N,) RLEs, input_i
    (1, 3, H, W) float32, what the network saw, and size_i, the photo's height and width.
    """
    ultralytics = importlib.import_module("ultralytics")
    seen: list[torch.Tensor] = []
    hook = partial(keep_pictures, seen)
    torch.nn.modules.module.register_module_forward_pre_hook(hook)
    model = ultralytics.FastSAM(str(checkpoint))
    found: dict[str, Any] = {"version": np.array(ultralytics.__version__)}
    for number, photo in enumerate(photos):
        seen.clear()
        result = model(
            *(photo,), device="cpu", retina_masks=True, imgsz=size, conf=conf, iou=iou, max_det=max_det, verbose=False
        )[0]
        height, width = result.orig_shape
        masks = [] if result.masks is None else result.masks.data.numpy().astype(bool)
        found |= {
            f"boxes_{number}": result.boxes.xyxy.numpy().astype(np.float32),
            f"scores_{number}": result.boxes.conf.numpy().astype(np.float32),
            f"masks_{number}": np.array([rle.encode_crop(mask, 0, 0, height, width) for mask in masks], np.bytes_),
            f"input_{number}": seen[-1].numpy(),
            f"size_{number}": np.array([height, width]),
        }
    with to.open("wb") as stream:
        np.savez(stream, **found)


def keep_pictures(seen: list[torch.Tensor], module: torch.nn.Module, inputs: tuple[Any, ...]) -> None:
    """A hook before every module: keep what is a batch of pictures, the last of which is what the network saw."""
    match inputs:
        case (torch.Tensor(shape=(1, 3, _, _)) as batch, *_):
            seen.append(batch.detach().clone())


def main() -> None:
    sys.tracebacklimit = 0  # an error tells what it is, and shows none of the source that is not read here
    os.environ |= {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_VERBOSE": "false"}
    use_our_torchvision()
    match sys.argv[1:]:
        case ["write", weights, to]:
            write(Path(weights), Path(to))
        case ["predict", checkpoint, to, conf, iou, size, max_det, *photos]:
            predict(Path(checkpoint), Path(to), float(conf), float(iou), int(size), int(max_det), photos)
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
