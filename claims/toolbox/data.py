"""Real data for measured claims: what scikit-learn and the standard library bring along, nothing fetched."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Table(NamedTuple):
    """Examples and their labels: x (N, D) of float64, y (N,) of whole numbers from 0. Both are read-only."""

    x: NDArray[np.float64]
    y: NDArray[np.int64]


@cache
def digits() -> Table:
    """Return 1797 handwritten digits, 8 × 8 pixels scaled to [0, 1], with their labels 0 to 9.

    Three pixels are the same in all images: who divides by their standard deviation divides by 0.
    Needs scikit-learn.

    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI repository, 1998.
    """
    x, y = _bundled("digits")
    return _frozen(x / 16.0, y)


@cache
def wine() -> Table:
    """Return 178 wines, 13 measurements in their own units, of 3 growers. Needs scikit-learn.

    Source: Aeberhard and Forina, Wine, UCI repository, 1992.
    """
    return _frozen(*_bundled("wine"))


@cache
def breast_cancer() -> Table:
    """Return 569 tumours, 30 measurements in their own units, malignant (0) or benign (1). Needs scikit-learn.

    Source: Wolberg, Mangasarian, Street and Street, Breast Cancer Wisconsin (Diagnostic), UCI repository, 1993.
    """
    return _frozen(*_bundled("breast_cancer"))


@cache
def english(symbols: int = 48) -> NDArray[np.int64]:
    """Return about 460,000 characters of English prose as numbers below `symbols`: Python's own help topics.

    The most frequent character is 0, and so on; the last number stands for all rarer ones.  The
    wording changes with Python's version, so a margin must not depend on it.
    """
    from pydoc_data.topics import topics  # noqa: PLC0415 - a large module, needed only here

    codes = np.frombuffer("\n\n".join(topics[name] for name in sorted(topics)).encode("utf-32-le"), np.uint32)
    found, inverse, counts = np.unique(codes, return_inverse=True, return_counts=True)
    rank = np.empty(len(found), np.int64)
    rank[np.lexsort((found, -counts))] = np.arange(len(found))
    text = np.minimum(rank[inverse], symbols - 1)
    text.setflags(write=False)
    return text


def standardised(x: NDArray[np.float64], *others: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return x and the others, shifted and scaled so that the columns of x have mean 0 and standard deviation 1.

    A constant column is shifted and not scaled.  The others are measured by x alone: they may be
    validation data, of which training must know nothing.
    """
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0)
    return tuple((each - mean) / scale for each in (x, *others))


def _bundled(name: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    from sklearn import datasets  # noqa: PLC0415 - an optional library, needed only here

    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return np.ascontiguousarray(x, np.float64), y.astype(np.int64)


def _frozen(x: NDArray[np.float64], y: NDArray[np.int64]) -> Table:
    for array in (x, y):
        array.setflags(write=False)
    return Table(x, y)
