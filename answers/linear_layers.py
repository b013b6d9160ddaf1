"""Q22: two linear layers in a row, the one layer that they are, and how they differ in training."""

import numpy as np
from numpy.typing import NDArray


def collapse_linear(W1: NDArray, b1: NDArray, W2: NDArray, b2: NDArray) -> tuple[NDArray, NDArray]:
    """Return the one layer (W, b) with (x W1 + b1) W2 + b2 = x W + b for every x.

    Shapes: W1 (D, K), b1 (K,), W2 (K, C), b2 (C,) -> (D, C), (C,)
    """
    return W1 @ W2, b1 @ W2 + b2


def linear_stack_forward(x: NDArray, weights: list[NDArray], biases: list[NDArray]) -> tuple[NDArray, tuple]:
    """Return the output of linear layers in a row, with nothing between them, and a cache for the backward pass.

    Shapes: x (N, D), weights list, biases list -> (N, C), cache
    """
    inputs = []
    for W, b in zip(weights, biases, strict=True):
        inputs.append(x)
        x = x @ W + b
    return x, (inputs, weights)


def linear_stack_backward(d_out: NDArray, cache: tuple) -> tuple[NDArray, list[NDArray], list[NDArray]]:
    """Return the gradients with respect to x, every weight matrix and every bias, first layer first.

    Shapes: d_out (N, C), cache cache -> (N, D), list, list
    """
    inputs, weights = cache
    d_weights: list[NDArray] = []
    d_biases: list[NDArray] = []
    for x, W in zip(reversed(inputs), reversed(weights), strict=True):
        d_weights.insert(0, x.T @ d_out)
        d_biases.insert(0, d_out.sum(axis=0))
        d_out = d_out @ W.T
    return d_out, d_weights, d_biases


def factored_sgd_step(W1: NDArray, W2: NDArray, g: NDArray, *, lr: float) -> tuple[NDArray, NDArray]:
    """Return both factors after one gradient step, where g is the gradient with respect to their product W1 W2.

    Shapes: W1 (D, K), W2 (K, C), g (D, C) -> (D, K), (K, C)
    """
    return W1 - lr * g @ W2.T, W2 - lr * W1.T @ g


def low_rank_error(W: NDArray, *, rank: int) -> float:
    """Return the least Frobenius distance from W to a product of two layers with inner width `rank` ≥ 0.

    Shapes: W (D, C) -> float

    Source: Eckart and Young, The approximation of one matrix by another of lower rank, Psychometrika 1(3), 1936.
    """
    return float(np.linalg.norm(np.linalg.svd(W, compute_uv=False)[rank:]))


def balanced_factors(W: NDArray) -> tuple[NDArray, NDArray]:
    """Return W1, W2 with W1 W2 = W and the least weight decay ½(‖W1‖² + ‖W2‖²) of all such factors.

    Shapes: W (D, C) -> (D, R), (R, C)

    Source: Srebro, Rennie and Jaakkola, Maximum-Margin Matrix Factorization, NIPS 17, 2004.
    """
    U, singular_values, Vt = np.linalg.svd(W, full_matrices=False)
    root = np.sqrt(singular_values)
    return U * root, root[:, None] * Vt


def factored_curvature(w: float) -> float:
    """Return the curvature of ½(w1 w2 − 1)² across its valley of minima, at (w, 1/w) with w ≠ 0.

    Along the valley the curvature is 0; a single weight has ½(w − 1)², whose curvature is 1.

    Shapes: w float -> float
    """
    return w**2 + 1 / w**2


def largest_saving_width(inputs: int, outputs: int) -> int:
    """Return the largest inner width at which two layers have fewer weights than one, 0 if there is none.

    Width K costs K (D + C) weights where one layer has D C; biases are left aside.

    Shapes: inputs int, outputs int -> int
    """
    return (inputs * outputs - 1) // (inputs + outputs)
