"""``anymask export``: weights become a model file."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from anymask.cli.console import progress_bar
from anymask.cli.extras import needs_extra
from anymask.cli.places import SPLIT, SplitOption
from anymask.cli.weights import find
from anymask.datasets import PhotoEntry, read, spread
from anymask.errors import SettingsError, WeightsError
from anymask.fastsam.checkpoint import PT, SUFFIXES, is_published
from anymask.fastsam.weights import NAMES, onnx_file
from anymask.files import replace_file
from anymask.image import load_image
from anymask.letterbox import Letterbox
from anymask.mask_head import MaskHead
from anymask.models import MADE_WITH, default_weights, made_with, resolve
from anymask.rules import ScoreRule
from anymask.runtimes import MODEL_SUFFIXES, OnnxClassifier, OnnxMaskHead, OnnxRefiner, OnnxRuntime, open_runtime
from anymask.runtimes.base import INPUT
from anymask.runtimes.onnx_session import open_session
from anymask.sample import sample_picture
from anymask.segment import IMAGE_SIZE

if TYPE_CHECKING:
    from anymask.export.agreement import Difference
    from anymask.network.yolo import Network

DRAWN_SLACK = 0.01  # of correlation, for scores of drawn masks that are as large as those of the others
ONNX, OPENVINO, TORCHSCRIPT = ".onnx", ".xml", ".torchscript"


def export(
    weights: Annotated[
        Path,
        typer.Argument(
            metavar="WEIGHTS",
            help="What a training run saved, such as last.pt, a FastSAM checkpoint, an exported ONNX file, or "
            f"{' or '.join(map(repr, NAMES))}.",
        ),
    ],
    to: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="The file to write: .onnx, .xml (OpenVINO, with its .bin), .torchscript, or .pt, a checkpoint in "
            "FastSAM's structure.",
        ),
    ] = Path("anymask.onnx"),
    compare_on: Annotated[
        Path | None,
        typer.Option(
            metavar="PICTURE",
            help="The picture on which the file is compared with what it was made from. [default: a drawn one]",
            show_default=False,
        ),
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Labelled photos: fits on their training side how scores follow from masks."),
    ] = None,
    split: SplitOption = SPLIT,
    fit_on: Annotated[
        int, typer.Option(metavar="N", min=1, help="At most so many photos to fit on, evenly spread.")
    ] = 300,
) -> None:
    """Write trained weights for another program and check that they say the same. Needs: pip install
    'anymask[train]', and for .xml 'anymask[train,openvino]'.

    A FastSAM checkpoint becomes ONNX without that extra. A network with YOLOv8's own trunk, such as a fine-tuned
    FastSAM, is also written as a FastSAM checkpoint (.pt).
    """
    suffix = to.suffix.lower()
    if suffix not in (*MODEL_SUFFIXES, PT):
        raise SettingsError(f"--to {to} must end in {', '.join(MODEL_SUFFIXES)} or {PT}")
    source = find(str(weights)) if str(weights) in NAMES else resolve(weights, SUFFIXES, NAMES)
    if to.exists() and source.exists() and to.samefile(source):
        raise SettingsError(f"--to {to} is the file to export itself, which would be lost; name another file")
    if suffix == PT and photos is not None:
        raise SettingsError("--photos fits scores that an exported file keeps; leave it out where --to ends in .pt")
    drawer = source.suffix.lower() == ONNX and not is_detector(source)
    if drawer and (suffix != ONNX or photos is not None):
        raise SettingsError(
            f"{source} is no detector: only copied, to a file ending in {ONNX} and without --photos; "
            "give the checkpoint that it was exported from"
        )
    runs = source.suffix.lower() == ONNX or is_published(source)  # as ONNX, without torch
    if runs and suffix == ONNX and photos is None:
        copy(source, to, compare_on)
        return
    with needs_extra("train"):
        from anymask.export import write_metadata
        from anymask.network import checkpoint as saved
        from anymask.network.published import save_published

    model = saved.DETECTOR if runs else saved.model_of(saved.load_checkpoint(source))
    if model != saved.DETECTOR and suffix != ONNX:
        raise SettingsError(f"--to {to}: a {model} is run by ONNX Runtime alone; name a file ending in {ONNX}")
    if suffix == PT:
        network = load(source)
        save_published(network, to)
        typer.echo(f"{to}: {size_mb(to):.1f} MB, {network.config}")
        return
    labelled = spread(fully_labelled(photos, split), fit_on) if photos is not None else []
    if runs and suffix == ONNX:
        copy(source, to, compare_on)
    elif model != saved.DETECTOR:
        largest = write_drawer(source, to)
        typer.echo(f"{to}: {size_mb(to):.1f} MB, largest difference to torch {largest:.1e} of the output")
    else:
        difference = write(source, to, batch_of(compare_on))
        engine = "ONNX Runtime" if runs else "torch"
        typer.echo(f"{to}: {size_mb(to):.1f} MB, largest differences to {engine}: {difference}")
    if photos is None or model in (saved.REFINER, saved.CLASSIFIER):
        return
    from anymask.evaluate.scores import fit_factor, fit_score_rule, score_photos

    mask_head = MaskHead(OnnxMaskHead(to)) if model == saved.MASK_HEAD else None
    runtime = open_runtime(default_weights() if mask_head is not None else to)
    size = int(runtime.metadata.get("image_size", IMAGE_SIZE))
    with progress_bar() as bar:
        scored = score_photos(runtime, bar.track(labelled, description="fitting scores"), size, mask_head)
        rule = fit_score_rule(scored, slack=0.0 if mask_head is None else DRAWN_SLACK)
        if mask_head is not None:
            plain = score_photos(runtime, bar.track(labelled, description="comparing scores"), size)
            rule = fit_factor(rule, scored, plain, ScoreRule.from_metadata(runtime.metadata))
    made = {MADE_WITH: made_with(default_weights())} if mask_head is not None else {}
    write_metadata(to, {**rule.to_metadata(), **made})
    typer.echo(f"{to}: {rule}, rank correlation with the true IoU {scored.correlation(rule):.3f} on training photos")


def is_detector(path: Path) -> bool:
    """Whether an ONNX file takes pictures. Raises WeightsError if it cannot be read."""
    session = open_session(path, 1, "give a file that anymask exported")
    return [each.name for each in session.get_inputs()] == [INPUT]


def copy(source: Path, to: Path, compare_on: Path | None) -> None:
    """Write an ONNX file, or a FastSAM checkpoint as ONNX, as `Segmenter` would run it, after running it, and say so.

    A converted checkpoint is compared with the network in torch, where that is installed. Raises WeightsError.
    """
    content = onnx_file(source).read_bytes()
    if source.suffix.lower() != ONNX:
        told = compared(source, to, OnnxRuntime(content), batch_of(compare_on))
    elif is_detector(source):
        OnnxRuntime(content).run(batch_of(compare_on))
        told = f"the bytes of {source}, which run"
    else:
        told = f"the bytes of {source}, {drawer_of(source)}"
    replace_file(to, lambda stream: stream.write(content))
    typer.echo(f"{to}: {size_mb(to):.1f} MB, {told}")


def compared(source: Path, to: Path, runtime: OnnxRuntime, batch: NDArray[np.float32]) -> str:
    """What is told of a converted checkpoint: how far it is from torch. Raises WeightsError where that is too far."""
    try:
        from anymask.export.agreement import SAME_WEIGHTS, check
        from anymask.export.deployed import TorchNetwork
        from anymask.network.published import load_published
    except ModuleNotFoundError:
        runtime.run(batch)
        return "which runs; to compare it with torch: pip install 'anymask[train]'"
    found = check(to, TorchNetwork(load_published(source)), runtime, batch, SAME_WEIGHTS)
    return f"largest differences to torch: {found}"


def drawer_of(source: Path) -> str:
    """Which an ONNX file is that takes no pictures. Raises WeightsError where it is none that we know."""
    for opened, told in ((OnnxMaskHead, "a mask head"), (OnnxClassifier, "a classifier")):
        with contextlib.suppress(WeightsError):
            opened(source)
            return told
    OnnxRefiner(source)
    return "a refiner"


def batch_of(compare_on: Path | None) -> NDArray[np.float32]:
    """The picture to compare on, as the network takes it."""
    picture = load_image(compare_on) if compare_on is not None else sample_picture()
    height, width, _ = picture.shape
    return Letterbox.fit(height, width, IMAGE_SIZE)(picture)


def write(source: Path, to: Path, batch: NDArray[np.float32]) -> "Difference":
    """Write a detector in the form that the suffix of ``to`` names; the differences to its source on ``batch``."""
    from anymask.export import export_onnx, export_openvino, export_torchscript
    from anymask.export.deployed import TorchNetwork
    from anymask.export.to_onnx import onnx_bytes

    suffix = to.suffix.lower()
    if source.suffix.lower() != ONNX and not is_published(source):
        network = load(source)
        if suffix == TORCHSCRIPT:
            return export_torchscript(network, to, batch=batch)
        if suffix == OPENVINO:
            return export_openvino(onnx_bytes(network), to, ours=TorchNetwork(network), batch=batch)
        return export_onnx(network, to, batch=batch)
    runs = onnx_file(source)
    if suffix == OPENVINO:
        return export_openvino(runs.read_bytes(), to, batch=batch)
    ours = OnnxRuntime(runs)
    return export_torchscript(load(source), to, metadata=ours.metadata, ours=ours, batch=batch)


def write_drawer(source: Path, to: Path) -> float:
    """Write a mask head, a refiner or a classifier as ONNX; the largest difference to torch, of the output."""
    from anymask.export import export_mask_head, export_refiner
    from anymask.network import checkpoint as saved

    model = saved.model_of(saved.load_checkpoint(source))
    if model == saved.MASK_HEAD:
        return export_mask_head(saved.load_mask_head(source), to)
    if model == saved.CLASSIFIER:
        return write_classifier(source, to)
    return export_refiner(saved.load_refiner(source), to)


def write_classifier(source: Path, to: Path) -> float:
    """The same for a classifier, as sure as is right on the masks that training kept beside it and left out."""
    from anymask.export import export_classifier, write_metadata
    from anymask.network.checkpoint import load_classifier
    from anymask.train.described import DESCRIBED, read_described
    from anymask.train.fit_sureness import fit_sureness

    network = load_classifier(source)
    kept = read_described(source.parent / DESCRIBED)
    if kept is None:
        typer.echo(f"{source}: no {DESCRIBED} beside it, so that it stays as sure as training left it")
        return export_classifier(network, to)
    typer.echo(f"{source}: {fit_sureness(network, kept.described)}")
    difference = export_classifier(network, to)
    write_metadata(to, {MADE_WITH: kept.made_with})
    return difference


def load(source: Path) -> "Network":
    """The network of a checkpoint, FastSAM's or our own, or of an exported ONNX file."""
    from anymask.network.checkpoint import load_network
    from anymask.network.published import load_published
    from anymask.train.exported import load_exported

    if source.suffix.lower() == ONNX:
        return load_exported(source)
    return load_published(source) if is_published(source) else load_network(source)


def size_mb(path: Path) -> float:
    """Of a model's file; of an OpenVINO model with its .bin."""
    files = [path, path.with_suffix(".bin")] if path.suffix.lower() == OPENVINO else [path]
    return sum(file.stat().st_size for file in files) / 1e6


def fully_labelled(photos: Path, split: Path) -> list[PhotoEntry]:
    """The training photos on which everything, or nearly, is labelled. Raises DatasetError."""
    return [photo for photo in read(photos, side="train", split=split) if photo.labelled != "some"]
