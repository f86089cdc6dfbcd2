"""SVG: one path for each mask, whose edges run along the edges of pixels, so that nothing of a mask is lost.

Where paths turn is known without following any outline. In one column a mask begins and ends at certain rows; along
the line between two columns the outline has its ends at the rows that just one of the two has, for where both have one
the outlines go straight on. On every line between columns and on every line between rows such corners follow each
other in pairs, and each pair is one side. What crosses itself, where pixels touch at a corner alone, is right all the
same: by the rule "evenodd" a place is inside if an odd number of sides lies left of it.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from anymask import rle
from anymask.maskset import MaskSet
from anymask.outputs.palette import hex_colours
from anymask.outputs.regions import paint_order

OPACITY = 0.5


def encode(
    found: MaskSet,
    image: NDArray[np.uint8],
    *,
    name: str = "",
    labels: Sequence[str] | None = None,
    colours: Sequence[str | None] | None = None,
) -> bytes:
    """A document of the picture's size with a path for each mask, smaller ones on top. The picture is not read.

    Each path has the id "mask-i" for mask i, a title with its label where it has one, and is filled half transparent.
    """
    height, width = found.size
    fills = hex_colours(len(found), colours)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'fill-rule="evenodd" fill-opacity="{OPACITY}">',
    ]
    if title := as_text(name):
        lines.append(f"<title>{title}</title>")
    for index in paint_order(found).tolist():
        label = as_text(labels[index]) if labels is not None else ""
        inside = f"><title>{label}</title></path>" if label else "/>"
        lines.append(f'<path id="mask-{index}" fill="{fills[index]}" d="{path(found.rles[index], found.size)}"{inside}')
    return "\n".join([*lines, "</svg>", ""]).encode()


def path(counts: bytes, size: tuple[int, int]) -> str:
    """The sides of the mask of an RLE, of a picture of ``size`` (height, width), as an SVG path; "" without pixels."""
    return "".join(f"M{x} {y}{''.join(steps)}z" for x, y, steps in _outlines(corners(counts, size)))


def corners(counts: bytes, size: tuple[int, int]) -> NDArray[np.int64]:
    """(K, 2) corners (x, y) of a mask in source pixels, column by column and each from the top.

    Corners 2 i and 2 i + 1 are the ends of a side that runs down. Takes time in proportion to the runs of the RLE.
    """
    height, width = size
    _, begins, ends = rle.runs([counts], height, width)
    rows = height + 1  # lines between rows, with the picture's own edges
    left, top = np.divmod(begins, height)
    right, bottom = np.divmod(ends - 1, height)
    # A run is its first column from `top` down, its last one to `bottom`, and whole columns between them. What lies
    # between two columns that are inside cancels out
    first, last, below = left * rows, right * rows, bottom + 1
    ends_of_sides = [first + top, first + rows + top, first + height, first + rows]
    ends_of_sides += [last + height, last + rows, last + below, last + rows + below]
    at = np.sort(np.concatenate(ends_of_sides), kind="stable")  # eight sorted lists are merged, in linear time
    places = np.flatnonzero(np.diff(at, prepend=-1))
    odd = np.diff(np.append(places, len(at))) % 2 == 1
    return np.stack(np.divmod(at[places[odd]], rows), axis=1)


def _outlines(turns: NDArray[np.int64]) -> Iterator[tuple[int, int, list[str]]]:
    """Closed outlines through all corners: where each begins, and its steps down or up and right or left in turn.

    The last side of each is left out, as closing the path draws it.
    """
    columns, rows = turns.T
    across = np.argsort(rows.astype(np.uint16) if rows.max(initial=0) < 2**16 else rows, kind="stable")
    beside = np.empty(len(turns), np.int64)  # the corner at the other end of the side that runs across
    beside[across[0::2]], beside[across[1::2]] = across[1::2], across[0::2]
    x, y, partner = columns.tolist(), rows.tolist(), beside.tolist()
    seen = bytearray(len(turns))
    for start in range(0, len(turns), 2):
        if seen[start]:
            continue
        steps, at = list[str](), start
        while True:
            below = at ^ 1
            seen[at] = seen[below] = 1
            steps.append(f"v{y[below] - y[at]}")
            at = partner[below]
            if at == start:
                break
            steps.append(f"h{x[at] - x[below]}")
        yield x[start], y[start], steps


def as_text(text: str) -> str:
    """A text as it stands in XML: escaped, and without characters that control something or are none."""
    kept = (each for each in text if unicodedata.category(each) not in ("Cc", "Cs") and ord(each) & 0xFFFE != 0xFFFE)
    return escape("".join(kept))
