"""Comparisons that state their bound, and name the worst entry when it is exceeded.

Exact comparison comes first: on small integers and dyadic rationals float64 computes sums and
products without rounding, and `equal` is then a legal tolerance.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from claims.toolbox import precision

Float = NDArray[np.floating[Any]]

# The gap between 1 and the next float, in float64 2⁻⁵²; rounding errs by at most eps/2.
eps = float(np.finfo(precision.dtype).eps)


class Off:
    """The falsy answer of a comparison: it prints as the worst entry, under a failed `assert`."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return self.text


def within(actual: ArrayLike, expected: ArrayLike, bound: ArrayLike) -> "bool | Off":
    """Return True if |actual − expected| ≤ bound in every entry, else an Off that names the worst.

    `actual` must have the shape of `expected`; `bound` may be any shape that broadcasts to it.
    Equal infinities are within any bound, NaN is within none.  Never warns.
    """
    came, should, allowed = np.asarray(actual), np.asarray(expected), np.asarray(bound)
    if came.shape != should.shape:
        return Off(f"shape {came.shape} should be {should.shape}")
    with np.errstate(all="ignore"):
        error = np.abs(np.subtract(came, should, dtype=np.result_type(came, should, np.int8)))  # also between booleans
        if bool(np.all((error <= allowed) | (came == should))):
            return True
        allowed = np.broadcast_to(allowed, came.shape)
        excess = np.where(came == should, 0.0, error / allowed)  # 0/0 and NaN count as the worst there is
        at = np.unravel_index(int(np.argmax(np.where(np.isnan(excess), np.inf, excess))), came.shape)
    place = f"at [{', '.join(map(str, at))}]: " if at else ""
    margin = f", off by {error[at]:.3g} where {allowed[at]:.3g} is allowed" if np.any(allowed) else ""
    return Off(f"{place}{_number(came[at])} should be {_number(should[at])}{margin}")


def equal(actual: ArrayLike, expected: ArrayLike) -> "bool | Off":
    """Return True if shapes and all entries are equal exactly (0.0 and −0.0 are), else an Off that names the worst."""
    return within(actual, expected, 0.0)


def at_most(actual: ArrayLike, limit: ArrayLike) -> "bool | Off":
    """Return True if actual ≤ limit in every entry, else an Off that names the one furthest above; NaN is above."""
    came, top = np.broadcast_arrays(np.asarray(actual), np.asarray(limit))
    with np.errstate(all="ignore"):
        if bool(np.all(came <= top)):
            return True
        excess = np.where(came <= top, -np.inf, np.subtract(came, top, dtype=np.result_type(came, top, np.int8)))
        at = np.unravel_index(int(np.argmax(np.where(np.isnan(excess), np.inf, excess))), came.shape)
    place = f"at [{', '.join(map(str, at))}]: " if at else ""
    return Off(f"{place}{_number(came[at])} should be at most {_number(top[at])}")


def raises(kind: type[Exception], call: Any, *arguments: Any, **options: Any) -> "bool | Off":
    """Return True if the call raises an exception of this kind, else an Off; any other exception passes on."""
    try:
        result = call(*arguments, **options)
    except kind:
        return True
    return Off(f"{result} came where {kind.__name__} should be raised")


def unit_roundoff(dtype: DTypeLike = np.float64) -> float:
    """Return u, the largest relative error of one rounding: 2⁻⁵³ in float64, 2⁻²⁴ in float32.

    In a run in a coarser precision it is the one of that.
    """
    return max(float(np.finfo(dtype).eps), eps) / 2


def gamma(n: int, dtype: DTypeLike = np.float64) -> float:
    """Return γₙ = nu/(1 − nu), which bounds the relative error of n roundings in a row.

    A sum of products |fl(Σ aᵢbᵢ) − Σ aᵢbᵢ| errs by at most γₙ Σ|aᵢbᵢ| over n terms, in any order
    of summation and with or without fused multiply-add.

    Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, 2002, section 3.1.
    """
    u = unit_roundoff(dtype)
    return n * u / (1 - n * u)


def product_bound(a: Float, b: Float) -> Float:
    """Return γₙ |a||b|, entry by entry: how far the computed matrix product a @ b can be from the exact one.

    The precision is that of the factors, n their inner size; two implementations differ by twice as much.

    Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, 2002, section 3.5.
    """
    bound: Float = gamma(a.shape[-1], np.result_type(a, b)) * (np.abs(a).astype(np.float64) @ np.abs(b))
    return bound


def conditioned(slope: ArrayLike, error: ArrayLike, value: ArrayLike, roundings: int = 1) -> Float:
    """Return how far g(x) can be from its exact value if x is known to `error` and |g′| ≤ `slope` around it.

    To |g′| · error come the roundings of g itself, relative to `value`, what g gives.
    """
    bound: Float = np.abs(slope) * np.abs(error) + gamma(roundings) * np.abs(value)
    return bound


def _number(value: Any) -> str:
    return repr(value.item()) if isinstance(value, np.generic) else repr(value)
