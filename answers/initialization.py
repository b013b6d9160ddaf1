"""Q25: what zero weights do to a network, and what to start from instead."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Params = list[tuple[NDArray, NDArray]]  # (W, b) of every layer, first layer first


def _sigmoid(z: NDArray) -> NDArray:
    probability: NDArray = np.exp(-np.logaddexp(0.0, -z))
    return probability


def _softmax_minus_onehot(out: NDArray, y: NDArray) -> NDArray:
    e = np.exp(out - out.max(axis=1, keepdims=True))
    gradient: NDArray = e / e.sum(axis=1, keepdims=True) - np.eye(out.shape[1])[y]
    return gradient


# Each activation and its slope; at a kink, the slope from the left.
_ACTIVATIONS: dict[str, tuple[Callable[[NDArray], NDArray], Callable[[NDArray], NDArray]]] = {
    "linear": (lambda z: z, np.ones_like),
    "relu": (lambda z: np.maximum(z, 0.0), lambda z: np.where(z > 0, 1.0, 0.0)),
    "leaky_relu": (lambda z: np.maximum(z, 0.01 * z), lambda z: np.where(z > 0, 1.0, 0.01)),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "sigmoid": (_sigmoid, lambda z: _sigmoid(z) * _sigmoid(-z)),
    "silu": (lambda z: z * _sigmoid(z), lambda z: _sigmoid(z) * (1 + z * _sigmoid(-z))),
    "softplus": (lambda z: np.logaddexp(0.0, z), _sigmoid),
}

# The gradient of each loss of one example with respect to the output.
_LOSSES: dict[str, Callable[[NDArray, NDArray], NDArray]] = {
    "cross_entropy": _softmax_minus_onehot,
    "mse": lambda out, y: out - y,
    "mae": lambda out, y: np.sign(out - y),
}


def mlp_gradients(
    params: Params, x: NDArray, y: NDArray, *, activation: str = "relu", loss: str = "cross_entropy"
) -> Params:
    """Return the gradients (dW, db) of every layer, first layer first, of a loss averaged over the batch.

    `activation` stands behind every layer but the last: relu, leaky_relu (slope 0.01), tanh, sigmoid,
    silu, softplus or linear.  At a kink the slope is that from the left, so relu′(0) = 0.  `loss` is
    cross_entropy (softmax, y (N,) whole numbers), mse (half the squared distance, y (N, C)), or mae
    (the sum of absolute differences, y (N, C); sign 0 = 0).

    Shapes: params list, x (N, D), y value -> list
    """
    function, slope = _ACTIVATIONS[activation]
    inputs, slopes = [x], []
    for W, b in params[:-1]:
        z = inputs[-1] @ W + b
        inputs.append(function(z))
        slopes.append(slope(z))
    W, b = params[-1]
    delta = _LOSSES[loss](inputs[-1] @ W + b, y) / len(x)
    grads = [(inputs.pop().T @ delta, delta.sum(axis=0))]
    for W, _ in params[:0:-1]:
        delta = delta @ W.T * slopes.pop()
        grads.insert(0, (inputs.pop().T @ delta, delta.sum(axis=0)))
    return grads


def he_std(fan_in: int, *, negative_slope: float = 0.0) -> float:
    """Return the standard deviation of weights that keeps the mean square through a (leaky) ReLU layer.

    Raises ValueError for fewer than one input.

    Shapes: fan_in int -> float

    Source: He, Zhang, Ren and Sun, Delving Deep into Rectifiers, ICCV 2015, arXiv 1502.01852.
    """
    if fan_in < 1:
        raise ValueError(f"a layer has at least one input, not {fan_in}")
    return float(np.sqrt(2 / ((1 + negative_slope**2) * fan_in)))


def init_mlp(sizes: Sequence[int], *, rng: np.random.Generator, negative_slope: float = 0.0) -> Params:
    """Return layers (W, b) of the given sizes, inputs first: W from N(0, he_std²), biases zero.

    Shapes: sizes list -> list
    """
    return [
        (rng.normal(0.0, he_std(fan_in, negative_slope=negative_slope), (fan_in, fan_out)), np.zeros(fan_out))
        for fan_in, fan_out in pairwise(sizes)
    ]


def symmetric_width_rates(width: int, *, lr: float) -> tuple[float, float]:
    """Return the rates (incoming, outgoing) at which one unit trains like `width` equal units at rate `lr`.

    The one unit has their incoming weights and bias, and the sum of their outgoing weights.

    Shapes: width int -> float, float
    """
    return lr / width, lr * width
