"""Strategies: the inputs that claims are tried on, drawn as one byte string per case.

Drawing an array element by element costs Hypothesis about 35 µs each, and each further draw as
much; one byte string that is read through a table of numbers costs no more for five arrays than
for one.  Three details make the counterexamples as small as those of element-wise drawing:

- the string's length does not depend on the shapes in it, so that shrinking a dimension leaves
  everything else in place;
- dimensions and regimes stand in front, where shrinking starts, the numbers behind them;
- each array is read back to front, because shrinking pushes what cannot become zero to the end.

The tables are sorted from simple to complicated, so that a smaller byte is a simpler number.
Byte strings have a further virtue: Hypothesis mixes constants found in loaded modules into the
integers and floats that it draws, so the same seed would draw other cases in another session.
"""

from collections import namedtuple
from collections.abc import Mapping, Sequence
from functools import cache
from statistics import NormalDist
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from numpy.typing import ArrayLike, NDArray

Table = NDArray[np.float64]

_SIMPLE = [0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6, 7, -7, 8, -8, 9, -9]
_RARE = [10, -10, 100, -100, 1000, -1000]


def _integers() -> Table:
    """Return 256 whole numbers, the small ones most often: sums of products of them are exact in float64."""
    rest = [_SIMPLE[1 + i % 6] for i in range(256 - len(_SIMPLE) - len(_RARE))]
    return np.array([*_SIMPLE, *_RARE, *rest], dtype=np.float64)


def _reals() -> Table:
    """Return 256 numbers: simple ones, very large and very small ones, and rounded normal quantiles."""
    simple = [
        0,
        1,
        -1,
        2,
        -2,
        3,
        -3,
        0.5,
        -0.5,
        10,
        -10,
        0.1,
        -0.1,
        5,
        -5,
        0.25,
        -0.25,
        20,
        -20,
        40,
        -40,
        100,
        -100,
        700,
        -700,
        1000,
        -1000,
        0.01,
        -0.01,
        1e-4,
        -1e-4,
        1e-9,
        -1e-9,
    ]
    missing = 256 - len(simple)
    normal = sorted(
        (round(NormalDist().inv_cdf((i + 0.5) / missing), 3) for i in range(missing)), key=lambda v: (abs(v), v < 0)
    )
    return np.array([*simple, *normal], dtype=np.float64)


INTEGERS = _integers()
SMALL = np.array([0, 1, -1, 2, -2, 3, -3, 0] * 32, dtype=np.float64)
REALS = _reals()
_LARGEST = 4  # of any dimension: products of shapes still show every transposition, and cases stay small
# What a whole array looks like, by its regime's byte: mostly mixed, else constant, zero or half zero.
_MIXED, _CONSTANT, _ZERO, _SPARSE = range(4)
_REGIMES = np.array(([_MIXED] * 5 + [_CONSTANT, _ZERO, _SPARSE]) * 32)
_ALL_EQUAL = 3  # one shape in four has all its dimensions equal, where a transposition is no error of shape


def integer_arrays(**shapes: str) -> SearchStrategy[Any]:
    """Draw arrays of whole numbers between −1000 and 1000, mostly below 10, as a named tuple.

    Each shape is a word of dimensions: `W1="DK", W2="KC"` share the size K.  Every size lies
    between 1 and 4.  All sums of products of up to four such matrices are exact in float64.
    """
    return _coded(INTEGERS, shapes)


def small_integer_arrays(**shapes: str) -> SearchStrategy[Any]:
    """Draw arrays of whole numbers between −3 and 3 as a named tuple, for products of many matrices."""
    return _coded(SMALL, shapes)


def real_arrays(**shapes: str) -> SearchStrategy[Any]:
    """Draw arrays of floats as a named tuple: simple ones, ±1000, ±1e-9, and about normal ones to 3 decimals."""
    return _coded(REALS, shapes)


def _coded(table: Table, shapes: Mapping[str, str]) -> SearchStrategy[Any]:
    dimensions = sorted({axis for shape in shapes.values() for axis in shape})
    record = _record(tuple(shapes))
    pools = [_LARGEST ** len(shape) for shape in shapes.values()]
    head = 1 + len(dimensions) + len(shapes)
    length = head + sum(pools)

    def decoded(code: bytes) -> Any:
        codes = np.frombuffer(code, np.uint8)
        sizes = _sizes(dimensions, codes[: 1 + len(dimensions)])
        regimes = _REGIMES[codes[1 + len(dimensions) : head]]
        payload, at, arrays = table[codes[: head - 1 : -1]], 0, []
        for shape, regime, pool in zip(shapes.values(), regimes, pools, strict=True):
            extent = tuple([sizes[axis] for axis in shape])
            arrays.append(_shaped(payload[at : at + pool], extent, regime))
            at += pool
        return record(*arrays)

    return st.binary(min_size=length, max_size=length).map(decoded)


@cache
def _record(fields: tuple[str, ...]) -> Any:
    return namedtuple("Case", fields)  # noqa: PYI024 - the fields are only known here


def case(**arrays: ArrayLike) -> Any:
    """Return one case as the strategies draw it, for a witness or the counterexample of a myth."""
    return _record(tuple(arrays))(*(np.asarray(array, dtype=np.float64) for array in arrays.values()))


def _sizes(dimensions: Sequence[str], codes: NDArray[np.uint8]) -> dict[str, int]:
    sizes = (codes[1:] % _LARGEST + 1).tolist()
    if codes[0] % 4 == _ALL_EQUAL:
        sizes = [sizes[0]] * len(sizes)
    return dict(zip(dimensions, sizes, strict=True))


def _shaped(numbers: Table, extent: tuple[int, ...], regime: int) -> Table:
    array = numbers[: int(np.prod(extent, dtype=int))].reshape(extent)
    if regime == _CONSTANT:
        return np.full(extent, array.flat[0])
    if regime == _ZERO:
        return np.zeros(extent)
    return np.where(np.arange(array.size).reshape(extent) % 2, 0.0, array) if regime == _SPARSE else array.copy()


def choices(*options: Any) -> SearchStrategy[Any]:
    """Draw one of the options, the first when in doubt; like everything here, from bytes alone."""
    return st.binary(min_size=1, max_size=1).map(lambda code: options[code[0] % len(options)])
