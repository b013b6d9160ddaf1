"""Q14: batch norm and layer norm, forward and backward, and batch norm's statistics at inference."""

import math

import numpy as np
from numpy.typing import NDArray


def _standardise(x: NDArray, axis: int, eps: float) -> tuple[NDArray, NDArray]:
    """Return (x − mean)/√(variance + eps) along an axis, and the root; the variance is the biased one."""
    centred = x - x.mean(axis=axis, keepdims=True)
    deviation = np.sqrt((centred**2).mean(axis=axis, keepdims=True) + eps)
    return centred / deviation, deviation


def _standardise_backward(d_normal: NDArray, normal: NDArray, deviation: NDArray, axis: int) -> NDArray:
    """Return the gradient with respect to x: mean and variance depend on x, too, and take two terms away."""
    shift = d_normal.mean(axis=axis, keepdims=True)
    scale = (d_normal * normal).mean(axis=axis, keepdims=True)
    return (d_normal - shift - normal * scale) / deviation


def batch_norm_forward(x: NDArray, gamma: NDArray, beta: NDArray, *, eps: float = 1e-5) -> tuple[NDArray, tuple]:
    """Return gamma · x̂ + beta in training, each feature standardised over the batch, and a cache.

    A feature that is the same in all examples gives beta.  Raises ValueError if there is no example.

    Shapes: x (N, D), gamma (D,), beta (D,) -> (N, D), cache

    Source: Ioffe and Szegedy, Batch Normalization, ICML 2015, arXiv 1502.03167.
    """
    if len(x) == 0:
        raise ValueError("an empty batch has no mean")
    normal, deviation = _standardise(x, 0, eps)
    return gamma * normal + beta, (normal, deviation, gamma)


def batch_norm_backward(d_out: NDArray, cache: tuple) -> tuple[NDArray, NDArray, NDArray]:
    """Return the gradients with respect to x, gamma and beta.

    Shapes: d_out (N, D), cache cache -> (N, D), (D,), (D,)
    """
    normal, deviation, gamma = cache
    dx = _standardise_backward(d_out * gamma, normal, deviation, 0)
    return dx, (d_out * normal).sum(axis=0), d_out.sum(axis=0)


def layer_norm_forward(x: NDArray, gamma: NDArray, beta: NDArray, *, eps: float = 1e-5) -> tuple[NDArray, tuple]:
    """Return gamma · x̂ + beta, each example standardised over its own features, and a cache.

    Shapes: x (N, D), gamma (D,), beta (D,) -> (N, D), cache

    Source: Ba, Kiros and Hinton, Layer Normalization, 2016, arXiv 1607.06450.
    """
    normal, deviation = _standardise(x, 1, eps)
    return gamma * normal + beta, (normal, deviation, gamma)


def layer_norm_backward(d_out: NDArray, cache: tuple) -> tuple[NDArray, NDArray, NDArray]:
    """Return the gradients with respect to x, gamma and beta.

    Shapes: d_out (N, D), cache cache -> (N, D), (D,), (D,)
    """
    normal, deviation, gamma = cache
    dx = _standardise_backward(d_out * gamma, normal, deviation, 1)
    return dx, (d_out * normal).sum(axis=0), d_out.sum(axis=0)


def update_running_stats(
    running_mean: NDArray, running_var: NDArray, x: NDArray, *, momentum: float = 0.1
) -> tuple[NDArray, NDArray]:
    """Return the running mean and variance after one more batch, in which the batch has the weight `momentum`.

    The variance stored is the unbiased one.  Raises ValueError for fewer than two examples.

    Shapes: running_mean (D,), running_var (D,), x (N, D) -> (D,), (D,)
    """
    if len(x) < 2:
        raise ValueError("one example has no unbiased variance")
    mean = (1 - momentum) * running_mean + momentum * x.mean(axis=0)
    return mean, (1 - momentum) * running_var + momentum * x.var(axis=0, ddof=1)


def batch_norm_eval(
    x: NDArray, gamma: NDArray, beta: NDArray, running_mean: NDArray, running_var: NDArray, *, eps: float = 1e-5
) -> NDArray:
    """Return batch norm's output at inference: the stored statistics take the place of the batch's.

    Shapes: x (N, D), gamma (D,), beta (D,), running_mean (D,), running_var (D,) -> (N, D)
    """
    return gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta


def fold_batch_norm(
    W: NDArray,
    b: NDArray,
    gamma: NDArray,
    beta: NDArray,
    running_mean: NDArray,
    running_var: NDArray,
    *,
    eps: float = 1e-5,
) -> tuple[NDArray, NDArray]:
    """Return the one layer (W, b) that does what x W + b and batch norm at inference do in a row.

    Shapes: W (D, C), b (C,), gamma (C,), beta (C,), running_mean (C,), running_var (C,) -> (D, C), (C,)
    """
    scale = gamma / np.sqrt(running_var + eps)
    return W * scale, (b - running_mean) * scale + beta


def standardized_bound(n: int) -> float:
    """Return how many standard deviations from the mean one of n values can be.

    Shapes: n int -> float

    Source: Samuelson, How Deviant Can You Be?, J. Amer. Statist. Assoc. 63(324), 1968.
    """
    return math.sqrt(n - 1)
