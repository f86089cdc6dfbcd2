"""`Strip`: crops of many masks drawn one behind the other into one piece of memory, and read off it all at once.

What a numpy call costs is much more than what it does to a small mask, so masks share the calls.
"""

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

ROOM = 1 << 19  # pixels that are read at once: half a megabyte, which stays in the processor's cache


class Strip:
    """Where masks of a picture of so many rows, ``height``, are drawn, crop after crop.

    Crops of one mask come from left to right, next to each other, and masks in their order.
    """

    def __init__(self, height: int, room: int = ROOM) -> None:
        self._height = height
        self._pixels = np.zeros(room, np.bool_)
        self._used = 0
        self._crops: list[tuple[int, int, int, int]] = []  # where each begins, its column's length, its place, its mask
        self._read: list[tuple[Integers, Integers]] = []

    def place(self, mask: int, x0: int, y0: int, h: int, w: int) -> NDArray[np.bool_]:
        """(w, h) bool, where the columns of the next crop are to be drawn, all of them, before the next is placed.

        mask: the number of the mask. x0, y0: column and row of the picture that are the crop's first.
        """
        size = w * (h + 1)
        if self._used + size >= len(self._pixels):
            self._read_off()
            if size >= len(self._pixels):
                self._pixels = np.zeros(size + 1, np.bool_)
        self._crops.append((self._used, h + 1, x0 * self._height + y0, mask))
        columns = self._pixels[self._used : self._used + size].reshape(w, h + 1)
        columns[:, 0] = False  # a guard above each column ends every run
        self._used += size
        return columns[:, 1:]

    def changes(self) -> tuple[Integers, Integers]:
        """Where runs begin and end, (2 R,) each: places column * height + row, and the masks they are of.

        They are those of what was drawn since the strip was last asked.

        Entries 0, 2, ... are the first pixels of runs, entries 1, 3, ... the first pixels after them. Runs do not go on
        from one column to the next.
        """
        self._read_off()
        nothing = np.zeros(0, np.int64)
        places, masks = zip((nothing, nothing), *self._read, strict=True)
        self._read = []
        return np.concatenate(places), np.concatenate(masks)

    def _read_off(self) -> None:
        if not self._crops:
            return
        self._pixels[self._used] = False
        at = np.flatnonzero(self._pixels[1 : self._used + 1] != self._pixels[: self._used])
        begin, length, corner, mask = np.array(self._crops, np.int64).T
        number = np.diff(np.searchsorted(at, np.append(begin, self._used)))  # of changes in each crop
        begin, length, corner, mask = (np.repeat(each, number) for each in (begin, length, corner, mask))
        at -= begin
        self._read.append((corner + at + at // length * (self._height - length), mask))
        self._crops, self._used = [], 0
