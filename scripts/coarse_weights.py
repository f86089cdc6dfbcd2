"""Keep a trained network in little room, its weights rounded to four bits; and make a checkpoint of what was kept.

    python scripts/coarse_weights.py pack WEIGHTS.pt data/fastsam_n.xz
    python scripts/coarse_weights.py unpack data/fastsam_n.xz WEIGHTS.pt

WEIGHTS is in FastSAM's structure. What comes back is another network than the one that was trained, but one that still
finds things, which is what comparing two programs on it takes (`scripts/make.py compare`).
"""

import io
import lzma
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from anymask.fastsam.archive import Array  # noqa: E402
from anymask.fastsam.checkpoint import BINS, our_weights, read_weights, variant_of, write_weights  # noqa: E402
from anymask.files import replace_file  # noqa: E402

LEVELS = 7  # on each side of 0
STEP = ":step"  # after the name of rounded weights: what one level is, for each output channel


def pack(weights: Mapping[str, Array]) -> bytes:
    """The kept form of weights by their published names: .npz, compressed as .xz."""
    kept: dict[str, Array] = {}
    for name, value in weights.items():
        if value.ndim < 2 or name == BINS:
            kept[name] = value if value.dtype.kind == "i" else value.astype(np.float16)
            continue
        exact = value.astype(np.float32)
        step = (np.abs(exact).max(axis=tuple(range(1, exact.ndim)), keepdims=True) / LEVELS).astype(np.float16)
        step[step == 0] = 1
        kept[name] = np.rint(exact / step.astype(np.float32)).clip(-LEVELS, LEVELS).astype(np.int8)
        kept[name + STEP] = step
    stream = io.BytesIO()
    np.savez(stream, **kept)  # type: ignore[arg-type]
    return lzma.compress(stream.getvalue())


def unpack(packed: bytes) -> dict[str, Array]:
    """The rounded weights, numbers as float16."""
    with np.load(io.BytesIO(lzma.decompress(packed))) as kept:
        weights: dict[str, Array] = {}
        for name in kept.files:
            if name.endswith(STEP):
                continue
            value = kept[name]
            if name + STEP in kept.files:
                value = (value * kept[name + STEP].astype(np.float32)).astype(np.float16)
            weights[name] = value
    return weights


def main() -> None:
    match sys.argv[1:]:
        case ["pack", source, to]:
            packed = pack(read_weights(Path(source)))
            replace_file(Path(to), lambda stream: stream.write(packed))
        case ["unpack", source, to]:
            weights = unpack(Path(source).read_bytes())
            config = variant_of(weights, Path(source))
            replace_file(Path(to), lambda stream: write_weights(stream, config, our_weights(weights)))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
