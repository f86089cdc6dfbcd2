"""A picture of a run: losses above, the learning rate below, over steps. Pillow draws it, for a first look."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT, MARGIN = 900, 330, 60  # pixels of one panel
FINE = 2  # drawn larger and scaled down, so that lines are smooth
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf")
NO_LOSS = frozenset({"step", "images_per_s", "learning_rate"})


def draw_curves(rows: Sequence[dict[str, float]]) -> Image.Image:
    """(2 * HEIGHT, WIDTH) RGB picture of at least two rows with ``step``, ``learning_rate`` and losses by name."""
    picture = Image.new("RGB", (FINE * WIDTH, FINE * 2 * HEIGHT), "white")
    draw = ImageDraw.Draw(picture)
    losses = sorted({name for row in rows for name in row} - NO_LOSS)
    draw_panel(draw, 0, rows, losses)
    draw_panel(draw, HEIGHT, rows, ["learning_rate"])
    return picture.resize((WIDTH, 2 * HEIGHT), Image.Resampling.LANCZOS)


def draw_panel(draw: ImageDraw.ImageDraw, top: int, rows: Sequence[dict[str, float]], names: Sequence[str]) -> None:
    """One panel with a line per name, from 0 to the largest value, over the steps of all rows."""
    font = ImageFont.load_default(13 * FINE)
    first, last = rows[0]["step"], rows[-1]["step"]
    highest = max((row[name] for row in rows for name in names if name in row), default=0.0) or 1.0
    left, right, bottom = MARGIN, WIDTH - MARGIN // 3, top + HEIGHT - MARGIN // 2

    def at(step: float, value: float) -> tuple[float, float]:
        x = left + (right - left) * (step - first) / max(1, last - first)
        y = bottom - (HEIGHT - 1.25 * MARGIN) * value / highest
        return FINE * x, FINE * y

    for share in (0, 0.25, 0.5, 0.75, 1):
        value, step = share * highest, first + share * (last - first)
        draw.line([at(first, value), at(last, value)], "#dddddd", FINE)
        x, y = at(first, value)
        draw.text((x - 6 * FINE, y), f"{value:.3g}", "black", font, "rm")
        x, y = at(step, 0)
        draw.text((x, y + 5 * FINE), f"{step:.0f}", "black", font, "rt" if share == 1 else "mt")
    x = left * FINE
    for index, name in enumerate(names):
        colour = COLOURS[index % len(COLOURS)]
        points = [at(row["step"], row[name]) for row in rows if name in row]
        draw.line(points, colour, 2 * FINE, "curve")
        draw.text((x, (top + 12) * FINE), name, colour, font, "lm")
        x += int(draw.textlength(name, font)) + 18 * FINE
