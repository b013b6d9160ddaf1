"""One training step of a two-layer network: what it is made of, as the answers write it, and its products alone.

A step is forward, softmax cross-entropy, backward and update, by plain SGD on the mean over the batch.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from answers.gradient_update import sgd_step
from answers.two_layer_network import softmax_cross_entropy, two_layer_backward, two_layer_forward

Array: TypeAlias = NDArray[Any]
Parameters: TypeAlias = list[Array]  # W1 (D, H), b1 (H,), W2 (H, C), b2 (C,)
Sizes: TypeAlias = tuple[int, int, int]  # D, H, C


class Trainer(NamedTuple):
    """A network that learns: what is done with data once, a step on a prepared batch, and the parameters by now."""

    prepare: Callable[[Array, NDArray[np.int64]], tuple[Any, Any]]  # x (B, D) of float64, y (B,) -> what `step` takes
    step: Callable[[Any, Any], Any]
    parameters: Callable[[], Parameters]


Maker: TypeAlias = Callable[..., Trainer]  # of the parameters, the batch size and, by name, the rate lr


def draw(sizes: Sizes, rng: np.random.Generator) -> Parameters:
    """Return the parameters of a fresh network: weights from N(0, 2/fan-in), biases 0, in float64."""
    D, H, C = sizes
    W1, W2 = rng.standard_normal((D, H)) * np.sqrt(2 / D), rng.standard_normal((H, C)) * np.sqrt(2 / H)
    return [W1, np.zeros(H), W2, np.zeros(C)]


def flops(sizes: Sizes, batch_size: int) -> int:
    """Return the additions and multiplications of a step's five matrix products; the gradient of x is not needed."""
    D, H, C = sizes
    return 2 * batch_size * (2 * D * H + 3 * H * C)


def idiomatic(parameters: Parameters, batch_size: int, *, lr: float) -> Trainer:
    """Return the step made of the answers' functions, in float64; it computes the gradient of x, too."""
    current = list(parameters)

    def step(x: Array, y: Array) -> None:
        logits, cache = two_layer_forward(x, *current)
        _, *gradients = two_layer_backward(softmax_cross_entropy(logits, y)[1], cache)
        current[:] = [sgd_step(w, g, lr=lr) for w, g in zip(current, gradients, strict=True)]

    return Trainer(lambda x, y: (x, y), step, lambda: list(current))


def floor(parameters: Parameters, batch_size: int, *, lr: float) -> Trainer:
    """Return the five matrix products of a step alone, in float32, into memory taken once; nothing is learned."""
    W1, b1, W2, b2 = (each.astype(np.float32) for each in parameters)
    a, dz = np.ones((batch_size, len(b1)), np.float32), np.ones((batch_size, len(b1)), np.float32)
    delta, dW1, dW2 = np.ones((batch_size, len(b2)), np.float32), np.empty_like(W1), np.empty_like(W2)

    def step(x: Array, _: Array) -> None:
        np.dot(x, W1, a)
        np.dot(a, W2, delta)
        np.dot(a.T, delta, dW2)
        np.dot(delta, W2.T, dz)
        np.dot(x.T, dz, dW1)

    return Trainer(lambda x, y: (x.astype(np.float32), y), step, lambda: list(parameters))
