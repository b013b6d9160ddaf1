"""Strategies: the inputs that claims are tried on, drawn as one byte string per case.

Drawing an array element by element costs Hypothesis about 35 µs each, and each further draw as
much; one byte string that is read through a table of numbers costs hardly more for five arrays
than for one.  Three details make the counterexamples as small as those of element-wise drawing:

- the string's length does not depend on the shapes in it, so that shrinking a dimension leaves
  everything else in place;
- dimensions and regimes stand in front, where shrinking starts, the numbers behind them;
- each array is read back to front, because shrinking pushes what cannot become zero to the end.

The tables are sorted from simple to complicated, so that a smaller byte is a simpler number.
Byte strings have a further virtue.  Hypothesis mixes constants found in loaded modules into what it
draws, so the same seed would draw other cases in another session; byte strings longer than any that
stands in our code are not affected.
"""

from collections import namedtuple
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from statistics import NormalDist
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from numpy.typing import ArrayLike, NDArray

from claims.toolbox import precision

Table = NDArray[np.float64]
Codes = NDArray[np.uint8]


def _signed(*sizes: float) -> list[float]:
    return list(chain.from_iterable((size, -size) for size in sizes))


def _held(numbers: ArrayLike) -> Table:
    """Return numbers as float64, rounded to what the precision of the run holds."""
    return np.asarray(numbers, dtype=np.float64).astype(precision.dtype).astype(np.float64)


def _table(simple: Sequence[float], scale: float) -> Table:
    """Return 256 numbers: 0, the simple ones, and quantiles of a normal distribution to 3 decimals."""
    missing = 255 - len(simple)
    quantiles = (round(scale * NormalDist().inv_cdf((i + 0.5) / missing), 3) for i in range(missing))
    return _held([0, *simple, *sorted(quantiles, key=lambda value: (abs(value), value < 0))])


def _repeated(rare: Sequence[float], common: Sequence[float]) -> Table:
    """Return 256 numbers: 0, the common ones, the rare ones, and then the common ones again and again."""
    first = [0, *common, *rare]
    return _held([*first, *(common[i % len(common)] for i in range(256 - len(first)))])


# Whole numbers whose sums of products are exact in float64, the small ones most often.
INTEGERS = _repeated(_signed(4, 5, 6, 7, 8, 9, 10, 100, 1000), _signed(1, 2, 3))
SMALL = _repeated([0, 0], _signed(1, 2, 3))
# Multiples of 1/8 up to 4: exact, too, and halves and eighths show what whole numbers hide.
DYADICS = _repeated(_signed(1.5, 4, 0.75, 0.125, 0.625, 2.25, 3.875), _signed(1, 0.5, 2, 0.25, 3))
# Simple numbers, large and tiny ones.
REALS = _table(_signed(1, 2, 3, 0.5, 10, 0.1, 5, 0.25, 20, 40, 100, 700, 1000, 0.01, 1e-4, 1e-9), 1.0)
# Where exponentials go wrong: tanh and the sigmoid round to 1 around 19 and 37, exp leaves the normal
# floats at ±708, overflows at 709.8 and is 0 from −745.2; 1e-300 and 5e-324 are lost in every sum.
LOGITS = _table(
    _signed(1, 2, 3, 0.5, 0.25, 4, 0.1, 5, 6, 8, 10, 15, 18.7, 19.1, 20, 25, 30, 33, 35, 36.7, 37, 37.5, 38, 40)
    + _signed(50, 100, 355, 500, 700, 708, 709.5, 710, 720, 740, 745, 746, 1000)
    + _signed(0.01, 1e-4, 1e-8, 1e-9, 1e-16, 1e-300, 5e-324),
    4.0,
)
PROBABILITIES = (0.5, 0.0, 1.0, 0.25, 0.75, 0.1, 0.9, 0.2, 0.8, 1e-9, 1 - 1e-9, 1 / 3, 0.01, 0.99)

LONGER = 12  # bytes, than any constant of our modules
_LARGEST = 4  # of any dimension, if not said otherwise: such shapes show every transposition, and cases stay small
_CODED = (
    32  # numbers of an array that have a byte each; what lies behind them in a large array is scattered by one more
)
# What a whole array looks like, by its regime's byte: mostly mixed, else constant, zero or half zero.
_MIXED, _CONSTANT, _ZERO, _SPARSE = range(4)
_REGIMES = np.array(([_MIXED] * 5 + [_CONSTANT, _ZERO, _SPARSE]) * 32)
_ALL_EQUAL = 3  # one shape in four has all its dimensions equal, where a transposition is no error of shape


def integer_arrays(*, largest: int = _LARGEST, **shapes: str) -> SearchStrategy[Any]:
    """Draw arrays of whole numbers between −1000 and 1000, mostly below 4, as a named tuple.

    Each shape is a word of dimensions: `W1="DK", W2="KC"` share the size K, `x=""` is a scalar.
    Every size lies between 1 and `largest`.  All sums of products of up to four such matrices of
    the usual sizes are exact in float64.
    """
    return _coded(INTEGERS, shapes, largest)


def small_integer_arrays(*, largest: int = _LARGEST, **shapes: str) -> SearchStrategy[Any]:
    """Draw arrays of whole numbers between −3 and 3 as a named tuple, for products of many matrices."""
    return _coded(SMALL, shapes, largest)


def dyadic_arrays(*, largest: int = _LARGEST, **shapes: str) -> SearchStrategy[Any]:
    """Draw arrays of multiples of 1/8 between −4 and 4 as a named tuple: exact in sums and products, but not whole."""
    return _coded(DYADICS, shapes, largest)


def real_arrays(*, largest: int = _LARGEST, **shapes: str) -> SearchStrategy[Any]:
    """Draw arrays of floats as a named tuple: simple ones, ±1000, ±1e-9, and about normal ones to 3 decimals."""
    return _coded(REALS, shapes, largest)


def logit_arrays(*, largest: int = _LARGEST, **shapes: str) -> SearchStrategy[Any]:
    """Draw arrays of floats as a named tuple: those at which exponentials overflow, underflow or round to 1 or 0."""
    return _coded(LOGITS, shapes, largest)


def choices(*options: Any) -> SearchStrategy[Any]:
    """Draw one of the options, the first when in doubt; like everything here, from bytes alone."""
    return _bytes(1).map(lambda code: options[code[0] % len(options)])


def probabilities() -> SearchStrategy[float]:
    """Draw a probability: one half when in doubt, 0 and 1 among them."""
    return choices(*PROBABILITIES)


def generators() -> SearchStrategy[np.random.Generator]:
    """Draw a fresh random generator; which, does not matter, so it shrinks to the one with seed 0."""
    return _bytes(2).map(lambda code: np.random.default_rng(int.from_bytes(code[:2])))


def case(**arrays: ArrayLike) -> Any:
    """Return one case as the strategies draw it, for a witness or the counterexample of a myth."""
    return _record(tuple(arrays))(*map(_held, arrays.values()))


def _bytes(used: int) -> SearchStrategy[bytes]:
    """Draw a byte string with so many bytes at least; those that nobody reads shrink to zeros."""
    length = max(used, LONGER)
    return st.binary(min_size=length, max_size=length)


def _coded(table: Table, shapes: Mapping[str, str], largest: int) -> SearchStrategy[Any]:
    dimensions = sorted({axis for shape in shapes.values() for axis in shape})
    record = _record(tuple(shapes))
    full = [largest ** len(shape) for shape in shapes.values()]
    pools = [min(size, _CODED) + (size > _CODED) for size in full]
    head = 1 + len(dimensions) + len(shapes)
    length = head + sum(pools)

    def decoded(code: bytes) -> Any:
        codes = np.frombuffer(code, np.uint8)
        sizes = _sizes(dimensions, codes[: 1 + len(dimensions)], largest)
        regimes = _REGIMES[codes[1 + len(dimensions) : head]]
        payload, at, arrays = codes[: head - 1 : -1], 0, []
        for shape, regime, pool in zip(shapes.values(), regimes, pools, strict=True):
            extent = tuple([sizes[axis] for axis in shape])
            arrays.append(_shaped(table, payload[at : at + pool], extent, regime))
            at += pool
        return record(*arrays)

    return _bytes(length).map(decoded)


@cache
def _record(fields: tuple[str, ...]) -> Any:
    return namedtuple("Case", fields)  # noqa: PYI024 - the fields are only known here


def _sizes(dimensions: Sequence[str], codes: Codes, largest: int) -> dict[str, int]:
    sizes = (codes[1:] % largest + 1).tolist()
    if sizes and codes[0] % 4 == _ALL_EQUAL:
        sizes = [sizes[0]] * len(sizes)
    return dict(zip(dimensions, sizes, strict=True))


def _shaped(table: Table, codes: Codes, extent: tuple[int, ...], regime: int) -> Table:
    size = int(np.prod(extent, dtype=int))
    if regime == _CONSTANT:
        return np.full(extent, table[codes[0]])
    if regime == _ZERO:
        return np.zeros(extent)
    if size > _CODED:
        codes = np.concatenate([codes[:_CODED], _scattered(int(codes[_CODED]), size - _CODED)])
    array = table[codes[:size]].reshape(extent)
    return np.where(np.arange(size).reshape(extent) % 2, 0.0, array) if regime == _SPARSE else array


def _scattered(seed: int, size: int) -> Codes:
    """Return codes that look random and follow from one byte; those of the byte 0 are all 0, the simplest."""
    mixed = (
        np.arange(1, size + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed << 32)
    ) * np.uint64(seed)
    return (mixed >> np.uint64(40)).astype(np.uint8)
