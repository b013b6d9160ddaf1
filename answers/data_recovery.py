"""Q29: what two checkpoints tell about the data between them, what they cannot tell, and what hides it."""

import math

import numpy as np
from numpy.typing import NDArray


def recover_input(W_before: NDArray, b_before: NDArray, W_after: NDArray, b_after: NDArray) -> NDArray | None:
    """Return the input on which a linear layer took one gradient step, None if no bias moved.

    Both changes carry the same factor −ηδ of a unit: it cancels.  The unit whose bias moved most is read.

    Shapes: W_before (D, H), b_before (H,), W_after (D, H), b_after (H,) -> value

    Source: Phong et al., Privacy-Preserving Deep Learning via Additively Homomorphic Encryption, IEEE Transactions on
    Information Forensics and Security 13(5), 2018.
    """
    dW, db = W_after - W_before, b_after - b_before
    if not db.any():
        return None
    unit = np.argmax(np.abs(db))
    x: NDArray = dW[:, unit] / db[unit]
    return x


def infer_label(b_before: NDArray, b_after: NDArray) -> int:
    """Return the label of the one example that a softmax layer took a step on: the class whose bias rose.

    Shapes: b_before (C,), b_after (C,) -> int

    Source: Zhao, Mopuri and Bilen, iDLG: Improved Deep Leakage from Gradients, 2020, arXiv 2001.02610.
    """
    return int(np.argmax(b_after - b_before))


def label_counts(d_bias: NDArray, mean_probabilities: NDArray, *, batch: int) -> NDArray:
    """Return how many examples of each class a batch has, from the last bias's gradient and the mean softmax output.

    Shapes: d_bias (C,), mean_probabilities (C,) -> (C,)
    """
    return batch * (mean_probabilities - d_bias)


def distance_to_span(vectors: NDArray, basis: NDArray, *, rtol: float = 1e-10) -> NDArray:
    """Return how far each row of `vectors` is from the span of the rows of `basis`.

    Directions that the basis has to less than `rtol` of its largest one are taken for rounding.

    Shapes: vectors (K, D), basis (N, D) -> (K,)
    """
    _, sizes, directions = np.linalg.svd(basis, full_matrices=False)
    directions = directions[sizes > rtol * sizes[0]]
    distances: NDArray = np.linalg.norm(vectors - vectors @ directions.T @ directions, axis=1)
    return distances


def recover_inputs_binned(dW: NDArray, db: NDArray) -> NDArray:
    """Return the inputs, or means of inputs, one a row, from a layer whose units differ only by falling biases.

    Unit j fires where unit j + 1 does, and in one bin more: the difference of their changes is that bin's.
    Bins that moved no bias are left out.

    Shapes: dW (D, H), db (H,) -> (K, D)

    Source: Fowl et al., Robbing the Fed: Directly Obtaining Private Data in Federated Learning with Modified Models,
    ICLR 2022, arXiv 2110.13057.
    """
    dW, db = np.diff(dW, axis=1, append=0.0), np.diff(db, append=0.0)
    filled = db != 0
    return (dW[:, filled] / db[filled]).T


def changed_rows(before: NDArray, after: NDArray) -> NDArray:
    """Return the indices of the rows of an embedding table that changed, in order.

    Shapes: before (V, E), after (V, E) -> int (K,)
    """
    return np.flatnonzero((before != after).any(axis=1))


def recover_gradient(
    w0: NDArray, w1: NDArray, w2: NDArray, *, lr: float, momentum: float, weight_decay: float = 0.0
) -> NDArray:
    """Return the gradient at w1, from three checkpoints in a row of SGD with momentum and weight decay.

    The steps were m = momentum · m + g + weight_decay · w and w = w − lr · m.

    Shapes: w0 (*S), w1 (*S), w2 (*S) -> (*S)
    """
    m0, m1 = (w0 - w1) / lr, (w1 - w2) / lr
    return m1 - momentum * m0 - weight_decay * w1


def rounding_blur(
    W_before: NDArray, b_before: NDArray, W_after: NDArray, b_after: NDArray, *, unit_roundoff: float
) -> NDArray:
    """Return how far each unit's reading ΔW/Δb can be from the input, pixel by pixel, inf where there is no limit.

    Each stored number is off by at most unit_roundoff times itself: 2⁻⁵³ in float64, 2⁻²⁴ in float32, 2⁻¹¹ in float16.

    Shapes: W_before (D, H), b_before (H,), W_after (D, H), b_after (H,) -> (D, H)
    """
    dW, db = W_after - W_before, b_after - b_before
    dW_error = unit_roundoff * (np.abs(W_before) + np.abs(W_after))
    db_error = unit_roundoff * (np.abs(b_before) + np.abs(b_after))
    sure = np.abs(db) > db_error
    x = dW[:, sure] / db[sure]
    blur = np.full(dW.shape, np.inf)
    blur[:, sure] = (dW_error[:, sure] + np.abs(x) * db_error[sure]) / (np.abs(db) - db_error)[sure]
    return blur


def recover_gram(checkpoints: NDArray, *, lr: float) -> tuple[NDArray, NDArray]:
    """Return XᵀX and Xᵀy, from consecutive checkpoints of full-batch descent on ½‖Xw − y‖².

    The checkpoints but the last must not all lie on one line, plane or other flat of fewer than D dimensions.

    Shapes: checkpoints (T, D) -> (D, D), (D,)
    """
    points, gradients = checkpoints[:-1], (checkpoints[:-1] - checkpoints[1:]) / lr
    with_one = np.column_stack([points, np.ones(len(points))])
    solution = np.linalg.lstsq(with_one, gradients, rcond=None)[0]
    return solution[:-1], -solution[-1]


def max_margin_line(x: NDArray, y: NDArray) -> tuple[float, float]:
    """Return w, b with y (w x + b) ≥ 1 for all points and the least |w|: the limit of logistic regression on numbers.

    The labels y are 1 and −1, both occur, and some threshold separates them.

    Shapes: x (N,), y int (N,) -> float, float
    """
    positive, negative = x[y == 1], x[y == -1]
    side = np.sign(positive.mean() - negative.mean())
    p, n = side * np.min(side * positive), side * np.max(side * negative)  # the closest two of different classes
    return float(2 / (p - n)), float((p + n) / (n - p))


def clip_per_example(per_example_grads: NDArray, *, max_norm: float) -> NDArray:
    """Return the gradients, one a row, each shortened to norm max_norm > 0 if it is longer.

    Shapes: per_example_grads (B, P) -> (B, P)
    """
    norms = np.linalg.norm(per_example_grads, axis=1, keepdims=True)
    return per_example_grads * (max_norm / np.maximum(norms, max_norm))


def dp_aggregate(
    per_example_grads: NDArray, *, max_norm: float, noise_multiplier: float, rng: np.random.Generator
) -> NDArray:
    """Return the mean of the clipped gradients plus normal noise of deviation noise_multiplier · max_norm/B.

    Shapes: per_example_grads (B, P) -> (P,)

    Source: Abadi et al., Deep Learning with Differential Privacy, ACM CCS 2016, arXiv 1607.00133.
    """
    B = len(per_example_grads)
    mean = clip_per_example(per_example_grads, max_norm=max_norm).mean(axis=0)
    return rng.normal(mean, noise_multiplier * max_norm / B)


def guess_probability(distance: float, *, noise_std: float) -> float:
    """Return how often the best guess is right which of two equally likely values was released with normal noise.

    The two are `distance` ≥ 0 apart: it is Φ(distance/(2 noise_std)).

    Shapes: distance float -> float

    Source: Dong, Roth and Su, Gaussian Differential Privacy, 2019, arXiv 1905.02383.
    """
    if noise_std == 0:
        return 1.0 if distance > 0 else 0.5
    return math.erfc(-distance / (noise_std * math.sqrt(8))) / 2
