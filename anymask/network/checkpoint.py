"""Checkpoints of training: the network, its average, the optimiser and the settings in one torch file."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from anymask.errors import SettingsError, WeightsError, printable
from anymask.files import replace_file
from anymask.network.classifier import Classifier, ClassifierConfig
from anymask.network.mask_head import MaskHead, MaskHeadConfig
from anymask.network.refiner import Refiner, RefinerConfig
from anymask.network.yolo import Network, NetworkConfig

Config = TypeVar("Config", NetworkConfig, RefinerConfig, MaskHeadConfig, ClassifierConfig)

DETECTOR, REFINER, MASK_HEAD, CLASSIFIER = "detector", "refiner", "mask_head", "classifier"

_EXPECTED = "expected a checkpoint of anymask train"
_CURE = "name another file, or move this one away and train anew"


def save_checkpoint(
    path: Path,
    network: nn.Module,
    ema: nn.Module,
    optimiser: torch.optim.Optimizer,
    step: int,
    settings: dict[str, Any],
    *,
    model: str = DETECTOR,
    run: dict[str, Any] | None = None,
) -> None:
    """Write ``path`` so that it is either the old file or the new one, whenever the machine stops.

    ``model`` says what the network is, `DETECTOR` or another; ``run`` is what the training loop goes on from.

    Raises:
        WeightsError: the file cannot be written; the old one is still there.
    """
    content = {
        "model": model,
        "network": network.state_dict(),
        "ema": ema.state_dict(),
        "optimiser": optimiser.state_dict(),
        "step": step,
        "settings": settings,
        "run": run,
    }
    replace_file(path, lambda stream: torch.save(content, stream))


def load_checkpoint(path: Path) -> dict[str, Any]:
    """The content that ``save_checkpoint`` wrote, on the CPU; runs no code from the file.

    Raises:
        WeightsError: missing, truncated or another kind of file.
    """
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises a dozen kinds for a damaged file
        # torch explains at length how to load a file in spite of the danger; what comes before that is enough
        reason = printable(re.split(r"\n|In PyTorch 2|Re-running|\(1\)", str(error))[0].strip(), 200)
        raise WeightsError(f"{path}: {_EXPECTED}, got {type(error).__name__}: {reason}; {_CURE}") from error
    if not isinstance(content, dict):
        raise WeightsError(f"{path}: {_EXPECTED}, got a file that holds a {type(content).__name__}; {_CURE}")
    missing = {"network", "ema", "optimiser", "step", "settings"} - set(content)
    if missing:
        raise WeightsError(f"{path}: {_EXPECTED}, it lacks {', '.join(sorted(missing))}; {_CURE}")
    content.setdefault("run", None)  # files from before runs had a plan
    return content


def network_config(content: dict[str, Any], path: Path) -> NetworkConfig:
    """What detector the ``content`` of a checkpoint describes.

    Raises:
        WeightsError: none that this version can build; ``path`` is the file it names.
    """
    return _config(NetworkConfig, DETECTOR, content, path)


def refiner_config(content: dict[str, Any], path: Path) -> RefinerConfig:
    """What refiner the ``content`` of a checkpoint describes. Raises WeightsError as ``network_config`` does."""
    return _config(RefinerConfig, REFINER, content, path)


def mask_head_config(content: dict[str, Any], path: Path) -> MaskHeadConfig:
    """What mask head the ``content`` of a checkpoint describes. Raises WeightsError as ``network_config`` does."""
    return _config(MaskHeadConfig, MASK_HEAD, content, path)


def classifier_config(content: dict[str, Any], path: Path) -> ClassifierConfig:
    """What classifier the ``content`` of a checkpoint describes. Raises WeightsError as ``network_config`` does."""
    return _config(ClassifierConfig, CLASSIFIER, content, path)


def _config(kind: Callable[..., Config], model: str, content: dict[str, Any], path: Path) -> Config:
    if model_of(content) != model:
        raise WeightsError(f"{path}: expected the checkpoint of a {model}, got that of a {model_of(content)}; {_CURE}")
    try:
        return kind(**content["settings"]["network"])
    except (KeyError, TypeError, SettingsError) as error:
        raise WeightsError(f"{path}: {_EXPECTED}, its network is of another version ({error!r}); {_CURE}") from error


def check_same(held: Config, wanted: Config, path: Path) -> None:
    """Raise WeightsError where the network of the checkpoint ``path`` is not the one that the settings want."""
    if held != wanted:
        raise WeightsError(
            f"{path}: cannot go on from it, its network is {held} and that of the settings is {wanted}; "
            "give the same network, or another folder to begin anew"
        )


def model_of(content: dict[str, Any]) -> str:
    """Of what model the ``content`` of a checkpoint is, "detector", "refiner", "mask_head" or "classifier"."""
    return str(content.get("model", DETECTOR))


def fill(network: nn.Module, state: dict[str, Any], path: Path) -> None:
    """Put the weights ``state`` of a checkpoint into ``network``.

    Raises:
        WeightsError: they are not those of such a network; ``path`` is the file it names.
    """
    try:
        network.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(
            f"{path}: expected the weights of {getattr(network, 'config', network)}, got others ({reason}); {_CURE}"
        ) from error


def load_network(path: Path) -> Network:
    """The averaged network of a checkpoint, in eval mode.

    Raises:
        WeightsError: see ``load_checkpoint``, ``network_config`` and ``fill``.
    """
    content = load_checkpoint(path)
    network = Network(network_config(content, path))
    fill(network, content["ema"], path)
    return network.eval()


def load_refiner(path: Path) -> Refiner:
    """The averaged refiner of a checkpoint, in eval mode. Raises WeightsError as ``load_network`` does."""
    content = load_checkpoint(path)
    network = Refiner(refiner_config(content, path))
    fill(network, content["ema"], path)
    return network.eval()


def load_mask_head(path: Path) -> MaskHead:
    """The averaged mask head of a checkpoint, in eval mode. Raises WeightsError as ``load_network`` does."""
    content = load_checkpoint(path)
    network = MaskHead(mask_head_config(content, path))
    fill(network, content["ema"], path)
    return network.eval()


def load_classifier(path: Path) -> Classifier:
    """The averaged classifier of a checkpoint, in eval mode. Raises WeightsError as ``load_network`` does."""
    content = load_checkpoint(path)
    network = Classifier(classifier_config(content, path))
    fill(network, content["ema"], path)
    return network.eval()
