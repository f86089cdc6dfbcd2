"""Stretches of whole numbers, one behind the other in one array: how loops over many small ranges are left to numpy."""

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


def stretches(begin: Integers, number: Integers) -> tuple[Integers, Integers]:
    """The numbers of N stretches, one behind the other, and which stretch each is of, (sum of ``number``,) each.

    begin, number: (N,) the first of each stretch, and how many it has, 0 or more: begin, begin + 1, ...
    """
    owner = np.repeat(np.arange(len(begin)), number)
    values = np.arange(len(owner)) + (begin - np.cumsum(number) + number)[owner]
    return values, owner
