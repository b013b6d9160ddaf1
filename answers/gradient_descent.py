"""Q10: the gradient of a mini-batch, its noise, what one step of it gains, and the floor it stops at."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def minibatch_gradient(per_example_grads: NDArray, indices: NDArray) -> NDArray:
    """Return the mean of the gradients of a batch's examples; an index that stands twice counts twice.

    Raises ValueError if the batch is empty.

    Shapes: per_example_grads (N, *S), indices int (B,) -> (*S)
    """
    if len(indices) == 0:
        raise ValueError("a batch needs an example")
    gradient: NDArray = per_example_grads[indices].mean(axis=0)
    return gradient


def least_squares_loss(w: NDArray, x: NDArray, y: NDArray) -> tuple[float, NDArray]:
    """Return half the mean squared residual of x w against y, and its gradient with respect to w.

    Raises ValueError if there is no example.

    Shapes: w (D,), x (N, D), y (N,) -> float, (D,)
    """
    if len(y) == 0:
        raise ValueError("a mean needs an example")
    residual = x @ w - y
    return float(np.mean(residual**2) / 2), residual @ x / len(y)


def minibatch_variance(per_example_grads: NDArray, *, batch_size: int, replacement: bool = False) -> float:
    """Return the variance of a random batch's mean gradient, summed over its coordinates: E‖g_B − g‖².

    Raises ValueError if batch_size < 1, or if it exceeds N without replacement.

    Shapes: per_example_grads (N, *S) -> float

    Source: Cochran, Sampling Techniques, 3rd edition, 1977.
    """
    n = len(per_example_grads)
    if batch_size < 1 or (batch_size > n and not replacement):
        raise ValueError(f"no batch of {batch_size} from {n} examples")
    variance = float(np.sum(np.var(per_example_grads, axis=0))) / batch_size
    return variance if replacement else variance * (n - batch_size) / max(n - 1, 1)


def expected_next_loss(w: NDArray, x: NDArray, y: NDArray, *, batch_size: int, lr: float) -> float:
    """Return the mean least-squares loss after one step, over all batches of distinct examples.

    Shapes: w (D,), x (N, D), y (N,) -> float
    """
    loss, g = least_squares_loss(w, x, y)
    per_example_grads = (x @ w - y)[:, None] * x
    # gᵀHg and tr(HΣ), where H = xᵀx/N: what x makes of the gradient, and of its noise.
    straight = np.sum((x @ g) ** 2) / len(y)
    noise = minibatch_variance(per_example_grads @ x.T, batch_size=batch_size) / len(y)
    return float(loss - lr * np.sum(g**2) + lr**2 * (straight + noise) / 2)


def stationary_variance(curvature: float, *, lr: float, noise_variance: float) -> float:
    """Return the variance that SGD's weight settles at on ½hw², if each gradient has noise of this variance.

    Raises ValueError if ηh is not strictly between 0 and 2: then it does not settle.

    Shapes: curvature float -> float
    """
    if not 0 < lr * curvature < 2:
        raise ValueError("the weight settles only for 0 < lr * curvature < 2")
    return lr * noise_variance / (curvature * (2 - lr * curvature))


def sgd_excess_loss(curvature: float, *, lr: float, noise_variance: float, steps: int) -> float:
    """Return how far SGD's expected loss on ½hw² lies above that of descent without noise, after equal steps.

    Shapes: curvature float -> float
    """
    left = (1 - lr * curvature) ** (2 * np.arange(steps))  # of each step's noise, squared, at the end
    return float(curvature / 2 * lr**2 * noise_variance * np.sum(left))


def best_constant_lr(curvatures: ArrayLike) -> float:
    """Return 2/(h_min + h_max), the rate at which descent on a quadratic converges fastest.

    Raises ValueError if a curvature is not positive, or if there is none.

    Shapes: curvatures (D,) -> float
    """
    least, most = np.min(curvatures), np.max(curvatures)
    if least <= 0:
        raise ValueError("every curvature must be positive")
    return float(2 / (least + most))


def min_norm_solution(x: NDArray, y: NDArray) -> NDArray:
    """Return the shortest of the w that minimise ‖x w − y‖: where descent from 0 arrives.

    Singular values below max(N, D) ε times the largest count as 0.

    Shapes: x (N, D), y (N,) -> (D,)
    """
    return np.linalg.lstsq(x, y, rcond=None)[0]
