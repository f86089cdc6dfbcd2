"""How much memory 300 masks on a 4000 x 3000 picture cost above the loaded model. Linux only (reads /proc).

    python scripts/measure_memory.py [photo]

The picture is the photo repeated in tiles, so that there is something to find everywhere. ``.masks`` is not asked for:
that would be 300 arrays of 12 megabytes, and only those.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import anymask

WIDTH, HEIGHT, MASKS = 4000, 3000, 300
LIMIT_MB = 400.0


def memory_mb(field: str) -> float:
    """VmRSS (now) or VmHWM (the peak since the last reset) of this process, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1000
    raise RuntimeError(f"/proc/self/status has no {field}")


def main(photo: Path) -> int:
    segmenter = anymask.Segmenter()
    with Image.open(photo) as opened:
        tile = np.asarray(opened.convert("RGB"))
    repeats = (-(-HEIGHT // tile.shape[0]), -(-WIDTH // tile.shape[1]), 1)
    picture = np.ascontiguousarray(np.tile(tile, repeats)[:HEIGHT, :WIDTH])
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    before = memory_mb("VmRSS")
    found = segmenter(picture, max_masks=MASKS)
    cost = memory_mb("VmHWM") - before
    kept = sum(len(counts) for counts in found.rles) / 1e6
    print(f"{len(found)} masks of {WIDTH} x {HEIGHT}: {cost:.0f} MB at the peak above the loaded model;")
    print(f"the masks themselves: {kept:.2f} MB as run lengths, {len(found) * WIDTH * HEIGHT / 1e6:.0f} MB if drawn")
    return 0 if cost < LIMIT_MB else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "examples/astronaut.jpg")))
