"""Real data for measured claims: what scikit-learn brings along, nothing fetched."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Table(NamedTuple):
    """Examples and their labels: x (N, D) of float64, y (N,) of whole numbers from 0."""

    x: NDArray[np.float64]
    y: NDArray[np.int64]


@cache
def digits() -> Table:
    """Return 1797 handwritten digits, 8 × 8 pixels scaled to [0, 1], with their labels 0 to 9.

    The arrays are shared and cannot be written to.  Needs scikit-learn.

    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI repository, 1998.
    """
    from sklearn.datasets import load_digits  # noqa: PLC0415 - an optional library, needed only here

    loaded = load_digits()
    table = Table(loaded.data / 16.0, loaded.target.astype(np.int64))
    for array in table:
        array.setflags(write=False)
    return table
