"""Q19: Adagrad, its lazy form for sparse gradients, its regret bound, and RMSProp, which forgets."""

import numpy as np
from numpy.typing import NDArray


def _ratio(g: NDArray, root: NDArray) -> NDArray:
    """Return g / root, and 0 where root is 0."""
    return np.divide(g, root, out=np.zeros_like(root), where=root > 0)


def adagrad_step(
    w: NDArray, g: NDArray, sum_squares: NDArray, *, lr: float, eps: float = 1e-10
) -> tuple[NDArray, NDArray]:
    """Return the weights after one step of Adagrad, and the sum of each weight's squared gradients so far.

    The sum starts as zeros; whole numbers become floats.  With eps = 0 a weight whose squared
    gradients are all 0, or too small for a float, stays.

    Shapes: w (*S), g (*S), sum_squares (*S) -> (*S), (*S)

    Source: Duchi, Hazan and Singer, Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization, JMLR 12, 2011.
    """
    sum_squares = sum_squares + g**2.0
    return w - lr * _ratio(g, np.sqrt(sum_squares) + eps), sum_squares


def sparse_adagrad_step(
    w: NDArray, values: NDArray, sum_squares: NDArray, *, indices: NDArray, lr: float, eps: float = 1e-10
) -> tuple[NDArray, NDArray]:
    """Return what the dense step returns for a gradient that is `values` at the distinct `indices`, and 0 elsewhere.

    Shapes: w (D,), values (K,), sum_squares (D,) -> (D,), (D,)
    """
    moved, grown = adagrad_step(w[indices], values, sum_squares[indices], lr=lr, eps=eps)
    w, sum_squares = w.astype(moved.dtype), sum_squares.astype(grown.dtype)
    w[indices], sum_squares[indices] = moved, grown
    return w, sum_squares


def adagrad_regret_bound(gradients: NDArray, *, diameter: float) -> float:
    """Return √2 D Σ ‖g₁,…,g_T of weight i‖: Adagrad's regret at most, on a box of side D with lr = D/√2.

    Shapes: gradients (T, D) -> float

    Source: Duchi, Hazan and Singer, Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization, JMLR 12, 2011.
    """
    return float(np.sqrt(2) * diameter * np.sum(np.linalg.norm(gradients, axis=0)))


def rmsprop_step(
    w: NDArray, g: NDArray, v: NDArray, *, lr: float, alpha: float = 0.99, eps: float = 1e-8
) -> tuple[NDArray, NDArray]:
    """Return the weights after one step of RMSProp, and the moving average of each weight's squared gradient.

    The average starts as zeros.  With eps = 0 a weight whose average is 0 stays.

    Shapes: w (*S), g (*S), v (*S) -> (*S), (*S)
    """
    v = alpha * v + (1 - alpha) * g**2
    return w - lr * _ratio(g, np.sqrt(v) + eps), v
