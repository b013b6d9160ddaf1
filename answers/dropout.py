"""Q3.2: dropout, forward and backward, as it was published (vanilla) and as it is used (inverted)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def vanilla_dropout_forward(
    x: NDArray, *, p: float, rng: np.random.Generator, training: bool = True
) -> tuple[NDArray, Any]:
    """Return x with each entry set to 0 with probability p, in training; (1 − p) x at test; and the factors used.

    Shapes: x (*S) -> (*S), cache

    Source: Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting, JMLR 15(56), 2014.
    """
    mask = rng.random(x.shape) >= p if training else 1 - p
    return x * mask, mask


def vanilla_dropout_backward(d_out: NDArray, cache: Any) -> NDArray:
    """Return the gradient with respect to x: d_out times the factors of the forward pass.

    Shapes: d_out (*S), cache cache -> (*S)
    """
    return d_out * cache


def dropout_forward(x: NDArray, *, p: float, rng: np.random.Generator, training: bool = True) -> tuple[NDArray, Any]:
    """Return x with each entry 0 with probability p, else divided by 1 − p, in training; x at test; and the factors.

    Whole numbers become float64, float32 stays float32.  Raises ValueError if p is not between 0 and 1.

    Shapes: x (*S) -> (*S) or x, cache
    """
    if not 0 <= p <= 1:
        raise ValueError(f"p is a probability, not {p}")
    mask: Any
    if not training:
        mask = 1.0
    elif p == 1:
        mask = 0.0
    else:
        mask = ((rng.random(x.shape) >= p) / (1 - p)).astype(np.result_type(x, 1.0))
    return x * mask, mask


def dropout_backward(d_out: NDArray, cache: Any) -> NDArray:
    """Return the gradient with respect to x: d_out times the factors of the forward pass.

    Shapes: d_out (*S), cache cache -> (*S) or d_out
    """
    return d_out * cache


def dropout_variance(x: NDArray, *, p: float) -> NDArray:
    """Return the variance of each entry of inverted dropout's output in training, for p < 1.

    Shapes: x (*S) -> (*S)
    """
    return x**2 * p / (1 - p)


def dropout_penalty(w: NDArray, x: NDArray, *, p: float) -> float:
    """Return what inverted dropout on x adds to the expected mean of (x w − y)², for p < 1.

    Shapes: w (D,), x (N, D) -> float

    Source: Wager, Wang and Liang, Dropout Training as Adaptive Regularization, NIPS 2013, arXiv 1307.1493.
    """
    return float(p / (1 - p) * np.mean(x**2, axis=0) @ w**2)


def vanilla_dropout_lr(lr: float, *, p: float) -> float:
    """Return the rate at which weights behind vanilla dropout follow those behind inverted dropout at lr, for p < 1.

    Shapes: lr float -> float
    """
    return lr / (1 - p) ** 2
