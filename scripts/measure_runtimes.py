"""Time the runtimes' passes side by side, and say how far they agree.

    python scripts/measure_runtimes.py [PHOTO] [--weights FILE] [--image-size N] [--threads N] [--repeats N]

Every runtime that is installed runs the same weights: ONNX Runtime and OpenVINO open the ONNX file itself; for PyTorch,
and for OpenVINO's own .xml, it is exported first (which needs the extra `train`). Runs are interleaved, one of each by
turns, so that what else the machine does meets all alike. A line gives the median time of a whole pass and of the trunk
alone, their share of ONNX Runtime's (below 1 is faster) with the spread over the turns, and the largest difference to
ONNX Runtime. Figures are worth something on an idle machine only.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from anymask.doctor import ENGINES, version_of
from anymask.image import load_image
from anymask.letterbox import Letterbox
from anymask.machine import cores, cpu_features, cpu_name
from anymask.models import DEFAULT, resolve
from anymask.runtimes import Runtime, open_runtime
from anymask.runtimes.base import TRUNK

ROOT = Path(__file__).resolve().parent.parent
WARM_UP = 3


def opened(weights: Path, folder: Path, threads: int | None) -> dict[str, Runtime]:
    """Every runtime that can be had, by what it is called in the table; ONNX Runtime is the first."""
    runtimes = {"onnx": open_runtime(weights, threads)}
    if version_of("openvino"):
        runtimes["openvino, .onnx"] = open_runtime(weights, threads, "openvino")
    if not (version_of("torch") and version_of("onnx")):
        return runtimes
    from anymask.export import export_openvino, export_torchscript
    from anymask.train.exported import load_exported

    if version_of("openvino"):
        export_openvino(weights.read_bytes(), folder / "own.xml")
        runtimes["openvino, .xml"] = open_runtime(folder / "own.xml", threads)
    ours = runtimes["onnx"]
    script = folder / "own.torchscript"
    export_torchscript(load_exported(weights), script, metadata=ours.metadata, ours=ours)
    runtimes["torch"] = open_runtime(script, threads)
    return runtimes


def interleaved(calls: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each call, one after the other by turns; the order is another in every turn."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for turn in range(WARM_UP + repeats):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            began = time.perf_counter()
            calls[name]()
            if turn >= WARM_UP:
                taken[name].append(time.perf_counter() - began)
    return taken


def shares(taken: list[float], reference: list[float]) -> tuple[float, float, float]:
    """The median of the times as a share of the reference's in the same turn, and its quartiles."""
    ratios = [a / b for a, b in zip(taken, reference, strict=True)]
    low, median, high = statistics.quantiles(ratios, n=4)
    return median, low, high


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", nargs="?", type=Path, default=ROOT / "examples" / "astronaut.jpg")
    parser.add_argument("--weights", default=DEFAULT, metavar="FILE")
    parser.add_argument("--image-size", type=int, default=640, metavar="N")
    parser.add_argument("--threads", type=int, default=None, metavar="N")
    parser.add_argument("--repeats", type=int, default=15, metavar="N")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE", help="also write the figures there")
    given = parser.parse_args()
    if given.repeats < 2:
        parser.error("--repeats must be 2 or more: a spread needs two")
    picture = load_image(given.photo)
    height, width, _ = picture.shape
    batch = Letterbox.fit(height, width, given.image_size)(picture)
    with tempfile.TemporaryDirectory() as folder:
        runtimes = opened(resolve(given.weights), Path(folder), given.threads)
        passes = interleaved({name: partial(each.run, batch) for name, each in runtimes.items()}, given.repeats)
        tell = {name: each for name, each in runtimes.items() if TRUNK in each.metadata}
        trunks = interleaved({name: partial(each.features, batch) for name, each in tell.items()}, given.repeats)
        expected = runtimes["onnx"].run(batch)
        apart = {}
        for name, each in runtimes.items():
            got = each.run(batch)
            scores = np.abs(expected.predictions[:, 4] - got.predictions[:, 4]).max()
            boxes = np.abs(expected.predictions[:, :4] - got.predictions[:, :4]).max()
            apart[name] = {"scores": float(scores), "boxes": float(boxes)}
    versions = {name: version_of(package) for name, package in ENGINES.items()}
    print(
        f"{given.weights}, {given.photo.name} at {batch.shape[3]} x {batch.shape[2]} network pixels, "
        f"threads {given.threads or 'chosen by each'}, {given.repeats} turns"
    )
    print(f"{cpu_name()}, {cores()} cores, {' '.join(cpu_features())}; {versions}")
    rows = []
    for kind, taken in (("pass", passes), ("trunk", trunks)):
        for name, times in taken.items():
            median, low, high = shares(times, taken["onnx"])
            rows.append(
                {"runtime": name, "of": kind, "seconds": statistics.median(times), "share": median}
                | {"quartiles": [low, high], "difference": apart[name]}
            )
            print(
                f"{name:16s} | {kind:5s} | {1e3 * statistics.median(times):8.1f} ms | {median:5.2f} "
                f"({low:.2f} to {high:.2f}) | scores {apart[name]['scores']:.1e}, boxes {apart[name]['boxes']:.1e} px"
            )
    if given.json is not None:
        about = {"cpu": cpu_name(), "cores": cores(), "threads": given.threads, "versions": versions}
        given.json.write_text(json.dumps({**about, "image_size": given.image_size, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
