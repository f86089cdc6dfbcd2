"""Draw docs/demo.png: the example photograph, every mask found in it, and the object under one click.

python scripts/draw_demo.py
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import anymask
from anymask.outputs import OUTPUTS
from anymask.segment import SHOWN

ROOT = Path(__file__).resolve().parent.parent
CLICK = (400, 420)  # on the helmet
GAP = 8  # white pixels between the panels


def main() -> None:
    segmenter = anymask.Segmenter()
    found = segmenter(ROOT / "examples" / "astronaut.jpg")
    picked = segmenter.select(found, anymask.Point([CLICK]))[:1]
    image = found.image
    if image is None:
        raise SystemExit("a MaskSet of the Segmenter carries its picture")
    overlay = Image.open(io.BytesIO(OUTPUTS["overlay"].encode(found[found.scores >= SHOWN], image)))
    cut = np.where(picked.mask(0)[..., None], image, np.uint8(255))
    panels = [Image.fromarray(image), overlay.convert("RGB"), Image.fromarray(cut)]
    ImageDraw.Draw(panels[0]).circle(CLICK, 6, fill="yellow", outline="black")
    width, height = panels[0].size
    sheet = Image.new("RGB", (3 * width + 2 * GAP, height), "white")
    for index, panel in enumerate(panels):
        sheet.paste(panel, (index * (width + GAP), 0))
    sheet.quantize(256, dither=Image.Dither.NONE).save(ROOT / "docs" / "demo.png", optimize=True)


if __name__ == "__main__":
    main()
