"""The laboratory: what measured claims train and compare with, owned by no answer.

Everything is float64 NumPy, batch first, weights (in, out), and draws only from generators that
are passed in, so that a seed decides a run on one machine whatever the number of workers.
"""

import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Result = TypeVar("Result")
Array: TypeAlias = NDArray[np.float64]
Layers: TypeAlias = tuple[list[Array], list[Array]]  # weights and biases, first layer first
Forward: TypeAlias = Callable[[Array, list[Array], list[Array]], tuple[Array, Any]]
Backward: TypeAlias = Callable[[Array, Any], tuple[Array, list[Array], list[Array]]]


def streams(seed: int, *names: str) -> dict[str, np.random.Generator]:
    """Return a generator of its own for each purpose: drawing more for one changes nothing for another.

    A stream depends on the seed and on its name, not on which others there are or in what order.
    """
    return {name: np.random.default_rng([seed, zlib.crc32(name.encode())]) for name in names}


def repeat(experiment: Callable[[int], Result], seeds: Sequence[int], *, workers: int = 1) -> list[Result]:
    """Return the results of an experiment for each seed, in their order, whatever the number of processes.

    With more than one worker the experiment must be a function at the top of a module.
    """
    if workers == 1:
        return [experiment(seed) for seed in seeds]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(experiment, seeds, chunksize=max(1, len(seeds) // (4 * workers))))


def draw_layers(sizes: Sequence[int], rng: np.random.Generator, *, gain: float = 1.0) -> Layers:
    """Return layers of the given sizes: weights from N(0, gain / fan-in), biases 0."""
    weights = [rng.standard_normal((i, o)) * np.sqrt(gain / i) for i, o in pairwise(sizes)]
    return weights, [np.zeros(size) for size in sizes[1:]]


def relu_forward(x: Array, weights: list[Array], biases: list[Array]) -> tuple[Array, Any]:
    """Return the output of a network with a ReLU behind every layer but the last, and what its gradient needs."""
    inputs = [x]
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        inputs.append(np.maximum(inputs[-1] @ W + b, 0.0))
    return inputs[-1] @ weights[-1] + biases[-1], (inputs, weights)


def relu_backward(d_out: Array, cache: Any) -> tuple[Array, list[Array], list[Array]]:
    """Return the gradients of `relu_forward` with respect to x, the weights and the biases."""
    inputs, weights = cache
    d_weights: list[Array] = []
    d_biases: list[Array] = []
    for layer_input, W in zip(reversed(inputs), reversed(weights), strict=True):
        d_weights.insert(0, layer_input.T @ d_out)
        d_biases.insert(0, d_out.sum(axis=0))
        d_out = d_out @ W.T
        if layer_input is not inputs[0]:
            d_out = d_out * (layer_input > 0)
    return d_out, d_weights, d_biases


def cross_entropy_gradient(logits: Array, y: NDArray[np.int64]) -> Array:
    """Return the gradient of the mean softmax cross-entropy: (softmax − onehot) / N, for logits (N, C)."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    gradient: Array = e / e.sum(axis=1, keepdims=True)
    gradient[np.arange(len(y)), y] -= 1.0
    return gradient / len(y)


def train(
    layers: Layers,
    x: Array,
    y: NDArray[np.int64],
    forward: Forward,
    backward: Backward,
    rng: np.random.Generator,
    *,
    epochs: int,
    batch_size: int,
    lr: float,
    momentum: float,
) -> Layers:
    """Return the layers after SGD with momentum on softmax cross-entropy; incomplete batches are dropped."""
    weights, biases = layers
    parameters = [*weights, *biases]
    buffers = [np.zeros_like(parameter) for parameter in parameters]
    whole = len(x) // batch_size * batch_size
    for _ in range(epochs):
        for batch in rng.permutation(len(x))[:whole].reshape(-1, batch_size):
            logits, cache = forward(x[batch], parameters[: len(weights)], parameters[len(weights) :])
            _, d_weights, d_biases = backward(cross_entropy_gradient(logits, y[batch]), cache)
            buffers = [momentum * buffer + g for buffer, g in zip(buffers, [*d_weights, *d_biases], strict=True)]
            parameters = [p - lr * buffer for p, buffer in zip(parameters, buffers, strict=True)]
    return parameters[: len(weights)], parameters[len(weights) :]


def accuracy(logits: Array, y: NDArray[np.int64]) -> float:
    """Return the share of examples whose largest logit is their label's."""
    return float(np.mean(logits.argmax(axis=1) == y))


def logistic_optimum(x: Array, y: NDArray[np.int64], *, ridge: float = 1e-6, steps: int = 12) -> float:
    """Return the accuracy, on its own training data, of the affine layer that minimises the logistic loss.

    x (N, D), y (N,) of 0 and 1.  By Newton's method, so that no seed and no learning rate matter;
    `ridge` keeps the Hessian invertible where a pixel is always 0.
    """
    a = np.column_stack([x, np.ones(len(x))])
    w = np.zeros(a.shape[1])
    for _ in range(steps):
        p = 1.0 / (1.0 + np.exp(-(a @ w)))
        hessian = (a.T * (p * (1 - p))) @ a / len(y) + ridge * np.eye(len(w))
        w = w - np.linalg.solve(hessian, a.T @ (p - y) / len(y) + ridge * w)
    return float(np.mean((a @ w > 0) == y))
