"""The weights that an option names, with a bar while they are fetched."""

from pathlib import Path

from anymask.cli.console import progress_bar
from anymask.fastsam.weights import NAMES, find_weights
from anymask.runtimes import MODEL_SUFFIXES

WEIGHTS_HELP = (
    f"{', '.join(map(repr, NAMES))}, or the path of a FastSAM checkpoint (.pt, .safetensors) or of an exported file "
    f"({', '.join(MODEL_SUFFIXES)})."
)


def find(weights: str, *, hidden: bool = False) -> Path:
    """The file that ``weights`` names, see `find_weights`. Raises WeightsError."""
    with progress_bar(hidden=hidden) as bar:
        task = bar.add_task(f"fetching {weights}", total=None, visible=False)
        return find_weights(weights, lambda done, total: bar.update(task, completed=done, total=total, visible=True))
