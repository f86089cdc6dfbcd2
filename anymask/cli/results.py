"""What one picture gave, as files and as a line of JSON."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anymask.errors import ImageError
from anymask.maskset import MaskSet
from anymask.outputs import OUTPUTS
from anymask.recipe import Recipe

STDIN = "-"
RECIPE = "recipe"  # the format that holds how the masks were made, and not only the masks
FORMATS = (*OUTPUTS, RECIPE)


Said = dict[str, Any]  # of one text: its prompt and text, the reason why nothing answers it, nearest and notes


@dataclass(frozen=True)
class Result:
    """What is said of a picture.

    name: of its file. found: the masks. recipe: makes the recipe of them.
    labels, colours, ious: of each mask, where a recipe was replayed; an IoU is that with the recorded mask.
    texts: what the answer to each text has to say.
    """

    name: str
    found: MaskSet
    recipe: Callable[[], Recipe]
    labels: Sequence[str] | None = None
    colours: Sequence[str | None] | None = None
    ious: Sequence[float | None] | None = None
    texts: Sequence[Said] = ()


def file_name(name: str) -> str:
    """What the file of a picture is called."""
    return "stdin" if name == STDIN else Path(name).name


def write(out: Path, formats: Sequence[str], result: Result, taken: set[str]) -> Iterator[Path]:
    """Write every chosen format; yields the files. Two pictures of one name do not overwrite each other."""
    found = result.found
    if found.image is None:
        raise ImageError(f"{result.name}: there is no picture to draw on", name=result.name)
    stem = base = Path(file_name(result.name)).stem
    number = 1
    while stem.casefold() in taken:  # many file systems take Photo and photo for one name
        number += 1
        stem = f"{base}-{number}"
    taken.add(stem.casefold())
    for chosen in formats:
        if chosen == RECIPE:
            path, content = out / f"{stem}.recipe.json", result.recipe().to_text().encode("ascii")
        else:
            output = OUTPUTS[chosen]
            path = out / (stem + output.suffix)
            content = output.encode(
                found, found.image, name=file_name(result.name), labels=result.labels, colours=result.colours
            )
        path.write_bytes(content)
        yield path


def describe(result: Result) -> dict[str, Any]:
    """The masks of a picture as plain data, the shape the HTTP API has; of a recipe with label and IoU."""
    found = result.found
    height, width = found.size
    answers = {"prompt": found.prompt, "rank": found.rank}
    replayed = {"label": result.labels, "iou": result.ious}
    return {
        "photo": result.name,
        "width": width,
        "height": height,
        "masks": [
            {
                "id": index,
                "box": [float(side) for side in found.boxes[index]],
                "score": round(float(found.scores[index]), 6),
                "parent": int(found.parents[index]),
                **{key: int(values[index]) for key, values in answers.items() if values is not None},
                **{key: given[index] for key, given in replayed.items() if given is not None},
                "rle": {"size": [height, width], "counts": found.rles[index].decode("ascii")},
            }
            for index in range(len(found))
        ],
        **({"texts": list(result.texts)} if result.texts else {}),
    }
