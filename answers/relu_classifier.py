"""Q23: ReLU networks that are a given linear classifier, and what they cost."""

import numpy as np
from numpy.typing import NDArray


def lift_to_relu(W: NDArray, b: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Return a ReLU network relu(x W1 + b1) W2 + b2 that equals x W + b for every x, by z = relu(z) − relu(−z).

    Shapes: W (D, C), b (C,) -> (D, H), (H,), (H, C), (C,)
    """
    identity = np.eye(len(b))
    return np.hstack([W, -W]), np.concatenate([b, -b]), np.vstack([identity, -identity]), np.zeros(len(b))


def centre_classes(W: NDArray, b: NDArray) -> tuple[NDArray, NDArray]:
    """Return the layer whose scores are x W + b less their mean over the classes, so that they sum to 0.

    Shapes: W (D, C), b (C,) -> (D, C), (C,)
    """
    return W - W.mean(axis=1, keepdims=True), b - b.mean()


def lift_to_all_relu(W: NDArray, b: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Return a ReLU network whose scores are x W + b, all raised alike until none is negative.

    Score j is relu(zⱼ) plus the sum of relu(−zₖ) over k ≠ j, which is zⱼ plus the sum over all k.

    Shapes: W (D, C), b (C,) -> (D, H), (H,), (H, C), (C,)
    """
    identity = np.eye(len(b))
    return np.hstack([W, -W]), np.concatenate([b, -b]), np.vstack([identity, 1 - identity]), np.zeros(len(b))


def fewest_relu_units(W: NDArray) -> int:
    """Return the fewest hidden ReLUs, in one layer, with which a network equals x W + b for every x: 2 rank W.

    Shapes: W (D, C) -> int
    """
    return 2 * int(np.linalg.matrix_rank(W))


def ball_bias(w: NDArray, *, radius: float) -> float:
    """Return the least B ≥ 0 with relu(w·x + B) − B = w·x wherever ‖x‖ ≤ radius.

    Shapes: w (D,) -> float
    """
    return radius * float(np.linalg.norm(w))


def max_sign_changes(hidden_units: int) -> int:
    """Return how often a ReLU network with one input and one hidden layer can change the sign of its output.

    Shapes: hidden_units int -> int
    """
    return hidden_units if hidden_units <= 2 else hidden_units + 1
