"""Q3.1: a two-layer network with a ReLU in between, its backward pass, and the loss that starts it."""

import numpy as np
from numpy.typing import NDArray


def two_layer_forward(
    x: NDArray, W1: NDArray, b1: NDArray, W2: NDArray, b2: NDArray
) -> tuple[NDArray, tuple[NDArray, NDArray, NDArray, NDArray]]:
    """Return relu(x W1 + b1) W2 + b2, one row for each example, and a cache for the backward pass.

    Shapes: x (N, D), W1 (D, H), b1 (H,), W2 (H, C), b2 (C,) -> (N, C), cache
    """
    a = np.maximum(x @ W1 + b1, 0.0)
    return a @ W2 + b2, (x, W1, a, W2)


def two_layer_backward(
    d_out: NDArray, cache: tuple[NDArray, NDArray, NDArray, NDArray]
) -> tuple[NDArray, NDArray, NDArray, NDArray, NDArray]:
    """Return dx, dW1, db1, dW2, db2: the loss's gradients, given d_out, its gradient with respect to the output.

    Shapes: d_out (N, C), cache cache -> (N, D), (D, H), (H,), (H, C), (C,)
    """
    x, W1, a, W2 = cache
    dW2 = a.T @ d_out
    db2 = d_out.sum(axis=0)
    da = d_out @ W2.T
    dz = da * (a > 0)  # a > 0 exactly where z > 0
    dW1 = x.T @ dz
    db1 = dz.sum(axis=0)
    dx = dz @ W1.T
    return dx, dW1, db1, dW2, db2


def softmax_cross_entropy(logits: NDArray, y: NDArray, *, label_smoothing: float = 0.0) -> tuple[float, NDArray]:
    """Return the mean over the batch of −Σ t ln softmax(logits), and its gradient (softmax − t)/N.

    The target t is (1 − label_smoothing) · onehot(y) + label_smoothing/C.  Raises ValueError for an empty batch.

    Shapes: logits (N, C), y int (N,) -> float, (N, C)
    """
    N, C = logits.shape
    if N == 0:
        raise ValueError("an empty batch has no mean loss")
    shifted = logits - logits.max(axis=1, keepdims=True)  # the largest is 0: exp cannot overflow, nor its sum be 0
    losses = np.log(np.exp(shifted).sum(axis=1, keepdims=True)) - shifted  # (N, C): −ln softmax, if c were the label
    t = (1 - label_smoothing) * np.eye(C)[y] + label_smoothing / C
    return float((t * losses).sum() / N), (np.exp(-losses) - t) / N
