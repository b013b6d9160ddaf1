"""Q24: the smallest networks that are XOR, how many there are, and one step of learning one."""

from collections import Counter
from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray

_CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
_XOR = np.array([[0.0], [1.0], [1.0], [0.0]])


def xor_network() -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Return a ReLU network that equals XOR on 0 and 1: relu(x₁ − x₂) + relu(x₂ − x₁) = |x₁ − x₂|.

    Shapes: -> (2, H), (H,), (H, 1), (1,)
    """
    W1 = np.array([[1.0, -1.0], [-1.0, 1.0]])
    return W1, np.zeros(2), np.ones((2, 1)), np.zeros(1)


def truth_table(
    W1: NDArray, b1: NDArray, W2: NDArray, b2: NDArray, *, activation: Callable, low: float = 0.0
) -> NDArray:
    """Return the network's outputs: row i and column j for x₁ and x₂, each `low` or 1.

    Shapes: W1 (2, H), b1 (H,), W2 (H, 1), b2 (1,) -> (2, 2)
    """
    x = np.array(list(product((low, 1.0), repeat=2)))
    out: NDArray = activation(x @ W1 + b1) @ W2 + b2
    return out.reshape(2, 2)


def smallest_xor_width(*, monotone: bool = True, skip: bool = False) -> int:
    """Return the fewest hidden units, in one layer, of a network that is XOR.

    The activation is continuous and not affine: with affine ones no width is enough.  `monotone` says that it
    never turns, `skip` that the inputs reach the output directly, too.

    Shapes: -> int
    """
    return 2 if monotone and not skip else 1


def fewest_xor_parameters(*, monotone: bool = True, skip: bool = False) -> int:
    """Return the fewest non-zero weights and biases of a network with one hidden layer that is XOR.

    The best activation of its sort is meant: ReLU among the monotone ones, |z| among the others.

    Shapes: -> int
    """
    if not monotone:
        return 3
    return 5 if skip else 6


def _bend(activation: Callable, a: float, d: float) -> tuple[float, float, float]:
    """Return φ(a), φ(a + 2d), and D = 2φ(a + d) − φ(a) − φ(a + 2d), which must not be 0."""
    low, middle, high = (activation(z) for z in (a, a + d, a + 2 * d))
    bend = 2 * middle - low - high
    if bend == 0:
        raise ValueError(f"φ does not bend at a = {a}, d = {d}: choose others")
    return low, high, bend


def two_unit_xor(activation: Callable, *, a: float, d: float) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Return two hidden units φ(a + d s) and φ(a + 2d − d s), s = x₁ + x₂, whose sum, shifted and scaled, is XOR.

    Raises ValueError if D = 2φ(a + d) − φ(a) − φ(a + 2d) is 0.

    Shapes: activation callable -> (2, 2), (2,), (2, 1), (1,)
    """
    low, high, bend = _bend(activation, a, d)
    W1 = np.array([[d, -d], [d, -d]])
    return W1, np.array([a, a + 2 * d]), np.full((2, 1), 1 / bend), np.array([-(low + high) / bend])


def skip_xor(activation: Callable, *, a: float, d: float) -> tuple[NDArray, NDArray, NDArray, NDArray, NDArray]:
    """Return one hidden unit φ(a + d s), s = x₁ + x₂, its output layer, and weights W_skip from inputs to output.

    The network is φ(x W1 + b1) W2 + x W_skip + b2.  Raises ValueError if D = 2φ(a + d) − φ(a) − φ(a + 2d) is 0.

    Shapes: activation callable -> (2, 1), (1,), (1, 1), (1,), (2, 1)
    """
    low, high, bend = _bend(activation, a, d)
    W_skip = np.full((2, 1), (low - high) / bend)
    return np.array([[d], [d]]), np.array([a]), np.array([[2 / bend]]), np.array([-2 * low / bend]), W_skip


def count_xor_networks(largest: int) -> int:
    """Return how many 2-2-1 ReLU networks are XOR whose nine parameters are whole numbers up to ±`largest`.

    Shapes: largest int -> int
    """
    grid = range(-largest, largest + 1)
    units = Counter(
        tuple(v * max(w1 * x1 + w2 * x2 + b1, 0) for x1, x2 in product((0, 1), repeat=2))
        for w1, w2, b1, v in product(grid, repeat=4)
    )
    return sum(
        number * units[tuple(target - b2 - value for target, value in zip((0, 1, 1, 0), unit, strict=True))]
        for b2 in grid
        for unit, number in units.items()
    )


def xor_descent_step(
    W1: NDArray, b1: NDArray, W2: NDArray, b2: NDArray, *, lr: float
) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Return ReLU networks after one gradient step on the mean squared error at the four corners.

    Shapes: W1 (*S, 2, H), b1 (*S, H), W2 (*S, H, 1), b2 (*S, 1) -> (*S, 2, H), (*S, H), (*S, H, 1), (*S, 1)
    """
    hidden = np.maximum(_CORNERS @ W1 + b1[..., None, :], 0)
    out = hidden @ W2 + b2[..., None, :]
    d_out = (out - _XOR) / 2
    d_hidden = d_out * W2.mT * (hidden > 0)
    return (
        W1 - lr * _CORNERS.T @ d_hidden,
        b1 - lr * d_hidden.sum(axis=-2),
        W2 - lr * hidden.mT @ d_out,
        b2 - lr * d_out.sum(axis=-2),
    )
