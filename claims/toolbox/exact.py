"""Exact arithmetic for claims: what float64 can only estimate, on whole numbers and fractions."""

from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def fractions(values: ArrayLike) -> Any:
    """Return the same numbers as an array of `Fraction`: sums and products of those are exact."""
    array = np.asarray(values)
    flat = np.array([Fraction(value) for value in array.ravel().tolist()], dtype=object)
    return flat.reshape(array.shape)


def rank(matrix: ArrayLike) -> int:
    """Return the rank of a matrix (m, n) of finite floats, exactly, by elimination on fractions.

    A rank that is estimated from floating-point singular values depends on a threshold.
    """
    rows: list[list[Fraction]] = [list(row) for row in fractions(matrix)]
    found = 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((i for i in range(found, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        top = rows[found]
        for row in rows[found + 1 :]:
            if factor := row[column] / top[column]:
                row[column:] = [a - factor * b for a, b in zip(row[column:], top[column:], strict=True)]
        found += 1
    return found


def nearest(function: Callable[..., Decimal], *arrays: ArrayLike) -> NDArray[np.float64]:
    """Return a function of real numbers entry by entry, worked out with 50 digits and rounded to float64 once.

    `function` takes and returns `Decimal`, whose exponents know no overflow.  What it cancels, it
    loses of the 50 digits: e^(−x) near x = 0 is known to 50 digits, 1 − e^(−x) to fewer.
    """
    given = np.broadcast_arrays(*arrays)
    with localcontext(prec=50):
        values = [
            float(function(*map(Decimal, entry)))
            for entry in zip(*(each.ravel().tolist() for each in given), strict=True)
        ]
    return np.array(values, dtype=np.float64).reshape(given[0].shape)
