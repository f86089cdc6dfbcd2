"""The masks of a picture as bytes for the database, and back."""

import io

import numpy as np

from anymask.maskset import MaskSet


def pack(found: MaskSet) -> bytes:
    """Boxes, scores and run lengths of N masks as a compressed .npz; neither picture nor features."""
    file = io.BytesIO()
    np.savez_compressed(
        file,
        size=np.array(found.size, np.int64),
        boxes=found.boxes,
        scores=found.scores,
        lengths=np.array([len(each) for each in found.rles], np.int64),
        counts=np.frombuffer(b"".join(found.rles), np.uint8),
    )
    return file.getvalue()


def unpack(packed: bytes) -> MaskSet:
    """What ``pack`` packed."""
    with np.load(io.BytesIO(packed), allow_pickle=False) as held:
        height, width = (int(side) for side in held["size"])
        ends = np.cumsum(held["lengths"]).tolist()
        counts = held["counts"].tobytes()
        rles = tuple(counts[begin:end] for begin, end in zip([0, *ends], ends, strict=False))
        return MaskSet((height, width), held["boxes"], held["scores"], rles)
