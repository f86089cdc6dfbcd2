"""Draw docs/words.png: what descriptions find in four photographs, and what they do not.

    python scripts/draw_words.py

The photographs are those of scikit-image (`skimage.data`) that are in the public domain or under CC0.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data

import anymask

ROOT = Path(__file__).resolve().parent.parent
ASKED = {
    "astronaut": ("person", "the flag on the left", "woman in the middle", "dog"),
    "chelsea": ("cat", "the pet", "a red cup", "the ear"),
    "coffee": ("cup", "the spoon on the right", "coffee", "three cups"),
    "rocket": ("rocket", "the tallest thing", "tower", "airplane"),
}
SIDE = 320  # pixels a panel is wide
CAPTION = 44  # and its caption high
GAP = 8
COLOUR = np.array([255, 60, 0])


def main() -> None:
    segmenter = anymask.Segmenter()
    rows = []
    for name, texts in ASKED.items():
        found = segmenter(getattr(data, name)())
        rows.append([panel(segmenter, found, text) for text in texts])
    width = max(map(len, rows)) * (SIDE + GAP) - GAP
    sheet = Image.new("RGB", (width, sum(row[0].height + GAP for row in rows) - GAP), "white")
    top = 0
    for row in rows:
        for column, each in enumerate(row):
            sheet.paste(each, (column * (SIDE + GAP), top))
        top += row[0].height + GAP
    sheet.quantize(256, dither=Image.Dither.NONE).save(ROOT / "docs" / "words.png", optimize=True)


def panel(segmenter: anymask.Segmenter, found: anymask.MaskSet, text: str) -> Image.Image:
    """The picture, grey but for what the text finds, over the text and what was answered."""
    asked = anymask.Text(text)
    picked = segmenter.select(found, asked)
    image = np.asarray(found.image, np.float64)
    shown = np.repeat(image.mean(axis=2, keepdims=True) * 0.5 + 100, 3, axis=2)
    outside = np.zeros(found.size, np.bool_)
    for mask in picked.masks:
        shown[mask] = image[mask]
        outside |= mask != np.roll(mask, 2, 0)
        outside |= mask != np.roll(mask, 2, 1)
    shown[outside] = COLOUR
    picture = Image.fromarray(shown.clip(0, 255).astype(np.uint8))
    picture = picture.resize((SIDE, round(picture.height * SIDE / picture.width)))
    drawn = Image.new("RGB", (SIDE, picture.height + CAPTION), "white")
    drawn.paste(picture)
    told = ", ".join(f"{score:.2f}" for score in picked.scores[:4]) or asked.answer(segmenter.label(found)).reason
    pen = ImageDraw.Draw(drawn)
    pen.text((4, picture.height + 3), f'"{text}"', fill="black", font=ImageFont.load_default(15))
    pen.text(
        (4, picture.height + 24),
        told[:56],
        fill="#b02000" if not len(picked) else "#006020",
        font=ImageFont.load_default(12),
    )
    return drawn


if __name__ == "__main__":
    main()
