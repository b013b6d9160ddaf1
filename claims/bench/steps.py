"""One training step of a two-layer network: as the answers write it, and as fast as NumPy can."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Parameters: TypeAlias = list[NDArray[np.floating]]  # W1 (D, H), b1 (H,), W2 (H, C), b2 (C,)
Labels: TypeAlias = NDArray[np.int64]

_CHUNK = 512  # rows


def draw(sizes: tuple[int, int, int], rng: np.random.Generator) -> Parameters:
    """Return the parameters of a fresh network of D, H and C units: weights from N(0, 2/fan-in), biases 0."""
    D, H, C = sizes
    return [
        rng.standard_normal((D, H)) * np.sqrt(2 / D),
        np.zeros(H),
        rng.standard_normal((H, C)) * np.sqrt(2 / H),
        np.zeros(C),
    ]


class TunedStep:
    """SGD on the mean softmax cross-entropy, in float32, in place, into memory taken once."""

    def __init__(self, parameters: Parameters, batch_size: int, *, lr: float) -> None:
        """Copy the parameters, and take the memory of a step on `batch_size` examples."""
        sizes = [parameter.size for parameter in parameters]
        shapes = [parameter.shape for parameter in parameters]
        self.flat = np.concatenate([parameter.ravel() for parameter in parameters]).astype(np.float32)
        self.step = np.empty_like(self.flat)
        cuts = np.cumsum(sizes)[:-1]
        self.parameters = [part.reshape(shape) for part, shape in zip(np.split(self.flat, cuts), shapes, strict=True)]
        self.steps = [part.reshape(shape) for part, shape in zip(np.split(self.step, cuts), shapes, strict=True)]
        rows = min(batch_size, _CHUNK)
        H, C = parameters[2].shape
        self.rate = np.float32(lr / batch_size)
        self.a = np.empty((rows, H), np.float32)
        self.dz = np.empty((rows, H), np.float32)
        self.delta = np.empty((rows, C), np.float32)
        self.column = np.empty((rows, 1), np.float32)
        self.ones = np.ones(rows, np.float32)
        self.rows = np.arange(rows)

    def __call__(self, x: NDArray[np.float32], y: Labels) -> None:
        """Update the parameters by the gradient on x (B, D) of float32 and y (B,)."""
        for start in range(0, len(x), len(self.a)):
            self._accumulate(x[start : start + len(self.a)], y[start : start + len(self.a)], first=start == 0)
        self.flat -= self.step

    def _accumulate(self, x: NDArray[np.float32], y: Labels, *, first: bool) -> None:
        W1, b1, W2, b2 = self.parameters
        n = len(x)
        a, dz, delta, column, ones = self.a[:n], self.dz[:n], self.delta[:n], self.column[:n], self.ones[:n]
        np.dot(x, W1, out=a)
        np.add(a, b1, out=a)
        np.maximum(a, 0, out=a)
        np.dot(a, W2, out=delta)
        np.add(delta, b2, out=delta)
        np.maximum.reduce(delta, axis=1, out=column, keepdims=True)
        np.subtract(delta, column, out=delta)
        np.exp(delta, out=delta)
        np.add.reduce(delta, axis=1, out=column, keepdims=True)
        np.divide(self.rate, column, out=column)
        np.multiply(delta, column, out=delta)
        delta[self.rows[:n], y] -= self.rate
        np.dot(delta, W2.T, out=dz)
        np.multiply(dz, a > 0, out=dz)
        if first:
            dW1, db1, dW2, db2 = self.steps
            np.dot(x.T, dz, out=dW1)
            np.dot(ones, dz, out=db1)
            np.dot(a.T, delta, out=dW2)
            np.dot(ones, delta, out=db2)
        else:
            for total, part in zip(self.steps, (x.T @ dz, ones @ dz, a.T @ delta, ones @ delta), strict=True):
                total += part
