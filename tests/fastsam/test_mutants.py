"""A whole checkpoint, spoilt in its pickle in a thousand ways: read or refused, never anything else.

`pytest -m soak tests/fastsam/test_mutants.py --log-cli-level=INFO` tells how many of the thousand were which.
"""

import io
import logging
import pickletools
import random
import sys
import time
import zipfile
from pathlib import Path

import pytest

from anymask.errors import WeightsError
from anymask.fastsam.weights import convert

logger = logging.getLogger(__name__)

SECONDS = 60  # for one; it takes a fifth of a second, and a pickle can be made to take for ever
GROWTH = 1 << 30  # bytes of memory beyond what there is; a conversion takes 60 MB

OTHERS = b"(.0NIJKMRQXc]}tbaesuqrhj)\x81\x85\x86\x87\x88\x89\x8a"  # instructions
NUMBERS = (b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\0\0\0\0", b"\1\0\0\0")


def mutant(pickled: bytes, instructions: list[tuple[str, int]], rng: random.Random) -> bytes:
    """The pickle with one to five instructions, arguments or bytes replaced."""
    data = bytearray(pickled)
    for _ in range(rng.choice((1, 1, 2, 5))):
        name, place = rng.choice(instructions)
        kind = rng.randrange(4)
        if kind == 0:
            data[place] = rng.choice(OTHERS)
        elif kind == 1 and place + 1 < len(data):
            data[place + 1] = rng.randrange(256)
        elif kind == 2 and name == "BININT":
            data[place + 1 : place + 5] = rng.choice(NUMBERS)
        else:
            data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


@pytest.mark.parametrize("count", [100, pytest.param(1000, marks=pytest.mark.soak)])
@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory")
def test_a_spoilt_checkpoint_is_converted_or_refused(checkpoint: Path, tmp_path: Path, count: int) -> None:
    import resource

    rng, path = random.Random(count), tmp_path / "x.pt"
    with zipfile.ZipFile(checkpoint) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    pickled = files["archive/data.pkl"]
    instructions = [(code.name, place or 0) for code, _, place in pickletools.genops(pickled)]
    ends, longest = {"converted": 0, "refused": 0}, 0.0
    before = resource.getrlimit(resource.RLIMIT_AS)
    there = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (there + GROWTH, before[1]))
    try:
        for _ in range(count):
            stream = io.BytesIO()
            with zipfile.ZipFile(stream, "w") as file:
                for name, content in {**files, "archive/data.pkl": mutant(pickled, instructions, rng)}.items():
                    file.writestr(name, content)
            path.write_bytes(stream.getvalue())
            began = time.monotonic()
            try:
                convert(path)
                ends["converted"] += 1
            except WeightsError as error:
                ends["refused"] += 1
                assert str(error).isprintable() and "does not fit in memory" not in str(error)
            longest = max(longest, time.monotonic() - began)
            assert longest < SECONDS
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    logger.info("%d spoilt checkpoints: %s, none took more than %.1f s", count, ends, longest)
    assert min(ends.values()) > count / 20, ends
